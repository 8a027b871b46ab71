"""What `make fuzz` runs: any bytes as a file; nothing but our own errors may come of them."""

from __future__ import annotations

import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["kevre"]):
    from kevre.connect.gathering import Hints
    from kevre.connect.recognise import read
    from kevre.model.errors import KevreError

from tests.connect.seed import SEEDS
from tests.connect.test_archive import KEYS

HINTS = Hints(series="urn:dev:prm:09876543210123", keys=KEYS)
PATH = Path(tempfile.mkdtemp()) / "file"


def one(content: bytes) -> None:
    """Read one file."""
    PATH.write_bytes(content)
    with suppress(KevreError):
        for batch in read(PATH, HINTS, lambda _: None):
            for column in batch.columns:
                if len(column.line) != len(column):
                    raise RuntimeError("a reading has lost its line")


def main() -> None:
    """Begin with a good file of each kind."""
    corpus = Path(sys.argv[1])
    for name, content in SEEDS.items():
        (corpus / f"seed-{name.replace(' ', '-')}").write_text(content, encoding="utf-8")
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""The configuration that the node wants in force: taken over whole, or refused with a reason.

The node gives a version and a text in the form of the collector's own file, without what
only this machine decides: where it sends and which key it shows. A text that cannot be used
leaves the one before in force.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kevre.model.errors import KevreError, Malformed

log = logging.getLogger(__name__)

LONGEST = 65_536  # characters
_FIRST_LINE = re.compile(r"# version (\d{1,9})\n")


@dataclass(slots=True)
class Remote:
    """The configuration from the node, in a file of this collector.

    Args:
        path: the file; absent until the node gives one.
        check: raises KevreError where a file cannot be used.
    """

    path: Path
    check: Callable[[Path], object]
    refused: int = 0
    refusal: str = ""
    version: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Read which version is in force."""
        try:
            found = _FIRST_LINE.match(self.path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            found = None
        self.version = int(found[1]) if found else 0

    @property
    def known(self) -> int:
        """Give the version that was taken over or refused last: the node need not repeat it."""
        return self.refused or self.version

    def take(self, version: int, text: str) -> bool:
        """Put a configuration in force; say whether it differs from what was."""
        if version == self.known:
            return False
        new = self.path.with_suffix(".new")
        try:
            if len(text) > LONGEST:
                raise Malformed("remote.long", "the configuration is too long", hint="shorten it")
            _write(new, f"# version {version}\n{text}")
            self.check(new)
        except (KevreError, OSError) as error:
            self.refused, self.refusal = version, f"{getattr(error, 'code', 'disk')}: {error}"[:300]
            log.warning("configuration refused", extra={"version": version})
            new.unlink(missing_ok=True)
            return False
        new.replace(self.path)
        self.version, self.refused, self.refusal = version, 0, ""
        log.info("configuration taken over", extra={"version": version})
        return True


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())

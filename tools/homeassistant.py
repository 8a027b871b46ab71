"""Lets a real Home Assistant send to a real node: `make test-homeassistant`.

Home Assistant comes from its pinned Python package into an environment of its own,
`build/homeassistant`: the last version that runs on the Python that Kevre asks for.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import environment  # noqa: E402 - after the path is set

FOLDER = ROOT / "build" / "homeassistant"
PINS = ROOT / "requirements" / "homeassistant.txt"
STAMP = FOLDER / "installed"


def main() -> int:
    """Bring what is needed, then run the test."""
    FOLDER.parent.mkdir(exist_ok=True)
    pins = hashlib.sha256(PINS.read_bytes()).hexdigest()
    environment.make_environment(FOLDER)
    if not STAMP.exists() or STAMP.read_text() != pins:
        print("installing Home Assistant (some minutes the first time)", flush=True)
        pip = [str(FOLDER / "bin" / "python"), "-m", "pip", "install", "-q"]
        subprocess.run([*pip, "--require-hashes", "-r", str(PINS)], check=True)
        STAMP.write_text(pins)
    more = {"KEVRE_HASS_PYTHON": str(FOLDER / "bin" / "python")}
    command = [sys.executable, "-m", "pytest", "tests/homeassistant", "-m", "homeassistant"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | more, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

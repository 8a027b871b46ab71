"""Asks an exported territory in Apache Spark: `make test-spark`.

Spark comes from its pinned Python package into an environment of its own, `build/spark`; Java
comes from Debian, installed where that is allowed.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import environment  # noqa: E402 - after the path is set
from tools.test import install_missing  # noqa: E402

FOLDER = ROOT / "build" / "spark"
PYTHON = FOLDER / "bin" / "python"
PINS = ROOT / "requirements" / "spark.txt"
STAMP = FOLDER / "installed"
# Spark's package is a source, and pip would fetch these unpinned to build it.
BUILD = ("packaging", "setuptools", "wheel")
LEAST_JAVA = 17
_VERSION = re.compile(r'version "(\d+)')


def main() -> int:
    """Bring what is needed, then run the test."""
    FOLDER.parent.mkdir(exist_ok=True)
    if install_missing({"default-jre-headless": has_java}):
        sys.exit(
            f"Spark needs Java {LEAST_JAVA} or newer. "
            "On Debian and Ubuntu: sudo apt install default-jre-headless"
        )
    pins = hashlib.sha256(PINS.read_bytes()).hexdigest()
    environment.make_environment(FOLDER)
    if not STAMP.exists() or STAMP.read_text() != pins:
        install()
        STAMP.write_text(pins)
    more = {"KEVRE_SPARK_PYTHON": str(PYTHON)}
    command = [sys.executable, "-m", "pytest", "tests/spark", "-m", "spark", "--durations=0"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | more, check=False).returncode


def install() -> None:
    """Install the pinned packages, first those that build the others."""
    print("installing Spark (450 MB; some minutes the first time)", flush=True)
    pip = [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    pins = re.split(r"\n(?=\S)", PINS.read_text("utf-8"))
    first = [pin for pin in pins if pin.split("==")[0] in BUILD]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(first))
        file.flush()
        subprocess.run([*pip, "--require-hashes", "-r", file.name], check=True)
    hashed = ["--no-build-isolation", "--require-hashes", "-r", str(PINS)]
    subprocess.run([*pip, *hashed], check=True)


def has_java() -> bool:
    """Say whether there is a Java that Spark can run on."""
    try:
        done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    found = _VERSION.search(done.stderr + done.stdout)
    return found is not None and int(found[1]) >= LEAST_JAVA


if __name__ == "__main__":
    sys.exit(main())

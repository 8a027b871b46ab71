"""Feeds damaged files to the readers, guided by what they reach: `make fuzz`.

Atheris comes from its pinned package into an environment of its own, `build/fuzz`; all else is
that of the project. Inputs that broke something are kept in `build/fuzz-found`, and those that
reached something new in `build/fuzz-corpus`, so that the next run goes on from there.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import environment  # noqa: E402 - after the path is set

FOLDER = ROOT / "build" / "fuzz"
PYTHON = FOLDER / "bin" / "python"
PINS = ROOT / "requirements" / "fuzz.txt"
STAMP = FOLDER / "installed"
CORPUS, FOUND = ROOT / "build" / "fuzz-corpus", ROOT / "build" / "fuzz-found"


def main() -> int:
    """Bring what is needed, then fuzz for KEVRE_FUZZ_S seconds (60)."""
    FOLDER.parent.mkdir(exist_ok=True)
    pins = hashlib.sha256(PINS.read_bytes()).hexdigest()
    environment.make_environment(FOLDER)
    if not STAMP.exists() or STAMP.read_text() != pins:
        pip = [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        if subprocess.run([*pip, "--require-hashes", "-r", str(PINS)], check=False).returncode:
            sys.exit("Atheris has no package for this Python: see requirements/fuzz.txt")
        STAMP.write_text(pins)
    for folder in (CORPUS, FOUND):
        folder.mkdir(exist_ok=True)
    paths = [ROOT / "src", ROOT, sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    more = {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    seconds = os.environ.get("KEVRE_FUZZ_S", "60")
    limits = [f"-max_total_time={seconds}", "-max_len=8192", "-timeout=20", "-rss_limit_mb=1024"]
    command = [PYTHON, "tools/fuzz_target.py", CORPUS, f"-artifact_prefix={FOUND}/", *limits]
    return subprocess.run(command, cwd=ROOT, env=os.environ | more, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

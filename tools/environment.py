"""Makes the virtual environment, and installs what is pinned when the pins have changed.

Usage: python3 tools/environment.py node|dev. Standard library only.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
PYTHON = FOLDER / "bin" / "python"
# What the development environment holds covers what the node needs.
COVERS = {"node": ("node", "dev"), "dev": ("dev",)}


def main() -> int:
    """Make the environment ready for one use."""
    use = sys.argv[1]
    make_environment()
    if not any(
        stamp(name).exists() and stamp(name).read_text() == digest(name) for name in COVERS[use]
    ):
        install(use)
    return 0


def make_environment(folder: Path = FOLDER) -> None:
    """Make an empty environment with pip, unless there is one that works."""
    python = folder / "bin" / "python"
    if python.exists() and works([str(python), "-m", "pip", "--version"]):
        return
    print(f"making the environment {folder.relative_to(ROOT)}", flush=True)
    try:
        import ensurepip  # noqa: F401 - Debian ships venv without it

        venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(folder)
    except ImportError:
        without_ensurepip(folder)


def without_ensurepip(folder: Path) -> None:
    """Make the environment with the system's own pip, where Debian's python3-venv is absent."""
    system_pip = [sys.executable, "-m", "pip"]
    if not works([*system_pip, "--version"]):
        sys.exit(
            "Neither python3-venv nor pip is installed. "
            "On Debian and Ubuntu: sudo apt install python3-venv"
        )
    venv.EnvBuilder(with_pip=False, clear=True, symlinks=True).create(folder)
    python = str(folder / "bin" / "python")
    subprocess.run([*system_pip, "--python", python, "install", "-q", "pip"], check=True)


def install(use: str) -> None:
    """Install the pinned packages, each checked against its hash, and the project itself."""
    print(f"installing the pinned packages for {use} (a minute the first time)", flush=True)
    pip = [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    requirements = ROOT / "requirements" / f"{use}.txt"
    subprocess.run([*pip, "--require-hashes", "-r", str(requirements)], check=True, cwd=ROOT)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", "."], check=True, cwd=ROOT)
    stamp(use).write_text(digest(use))


def is_installed(use: str) -> bool:
    """Say whether the pins as they are now are what is installed."""
    return stamp(use).exists() and stamp(use).read_text() == digest(use)


def stamp(use: str) -> Path:
    """Name the file that remembers which pins are installed."""
    return FOLDER / f"installed-{use}"


def digest(use: str) -> str:
    """Tell one state of the pins from another; a moved checkout is another too."""
    state = hashlib.sha256(str(ROOT).encode())
    for name in (f"requirements/{use}.txt", "pyproject.toml"):
        state.update((ROOT / name).read_bytes())
    return state.hexdigest()


def works(command: list[str]) -> bool:
    """Say whether a command runs at all."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())

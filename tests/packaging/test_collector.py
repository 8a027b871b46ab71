import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def test_the_collector_installs_alone_and_small(tmp_path):
    wheels, home = tmp_path / "wheels", tmp_path / "alone"
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        wheels,
        ROOT,
    ]
    subprocess.run(build, check=True)
    venv.EnvBuilder(with_pip=False, symlinks=True).create(home)
    python = home / "bin" / "python"
    wheel = next(wheels.glob("kevre-*.whl"))
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", wheel]
    subprocess.run(pip, check=True)

    said = subprocess.run(
        [home / "bin" / "kevre-collect", "--help"], capture_output=True, text=True, check=False
    )
    names = {path.name for path in home.glob("lib/python*/site-packages/*")}
    size = sum(
        path.stat().st_size for path in home.rglob("*") if path.is_file() and not path.is_symlink()
    )

    assert said.returncode == 0, said.stderr
    assert "simulate" in said.stdout
    assert not names & {"django", "duckdb", "numpy", "pyarrow", "lxml"}
    assert size < 60_000_000

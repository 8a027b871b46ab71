"""A cold `make demo` in a clean clone, from nothing to the first page."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from bench.figure import Figure
from kevre.node.port import free_port

_ROOT = Path(__file__).resolve().parent.parent
_BUDGET_S = 240


def figures() -> list[Figure]:
    """Clone into a path with a space, and run the one command."""
    port = free_port("127.0.0.1", 8800)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KEVRE_")}
    with tempfile.TemporaryDirectory(prefix="kevre cold ") as folder:
        clone = Path(folder) / "kevre"
        subprocess.run(["git", "clone", "-q", _ROOT, clone], check=True)
        began = time.perf_counter()
        command = ["make", "demo", f"PORT={port}"]
        process = subprocess.Popen(command, cwd=clone, env=kept, start_new_session=True)
        try:
            while not _answers(f"http://127.0.0.1:{port}/fr/"):
                if process.poll() is not None:
                    raise RuntimeError("make demo ended")
                time.sleep(0.2)
            took_s = time.perf_counter() - began
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
    return [
        Figure("cold make demo to first page", took_s, "s", "budget", took_s / _BUDGET_S, _BUDGET_S)
    ]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except OSError:
        return False

"""The demo's live device: a collector in a process of its own, with a simulated meter.

It is the real agent (`kevre-collect`): it reads the simulated meter through a
pseudo-terminal and sends over HTTP with its key, as a Raspberry Pi in a school would.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from kevre.node.demo.account import DEVICE_POINT
from kevre.node.demo.plan import plan

_EVERY_S = 5
_PATIENCE_S = 10


class LiveDevice:
    """A running collector; entering starts it, leaving stops it."""

    def __init__(self, home: Path, base_url: str) -> None:
        meter = next(site.meter for site in plan().sites if site.meter is not None)
        folder = home / "demo"
        options = {
            "--node": base_url,
            "--key-file": folder / "device.key",
            "--point": DEVICE_POINT,
            "--every": _EVERY_S,
            "--send-every": _EVERY_S,
            "--seed": meter.seed,
            "--profile": meter.profile,
            "--solar-wp": meter.solar_wp,
            "--spool": folder / "collect.sqlite",
        }
        arguments = [str(part) for option in options.items() for part in option]
        self._command = [sys.executable, "-m", "kevre.collect", "simulate", *arguments]
        self._log = folder / "collect.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the collector."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def stop(self) -> None:
        """Stop it; what it has not sent stays in its spool."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        """Give the device; it starts when told, once the node answers."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, whatever happened."""
        del kind, error, trace
        self.stop()

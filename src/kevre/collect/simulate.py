"""A simulated Linky: no meter at all, but a program that speaks like one.

It writes téléinformation in standard mode into a pseudo-terminal, so that the real agent
with its real decoder can be shown and tested without a meter. Its serial number is zeros
and its message says that it is simulated.
"""

from __future__ import annotations

import contextlib
import os
import threading
import tty
from collections.abc import Callable
from datetime import datetime
from types import TracebackType

from kevre.collect.load import PROFILES, Load
from kevre.collect.tic import Frame, Mode, Stamp, Value, encode

MESSAGE = "KEVRE SIMULATED METER".ljust(32)
_POWER_FACTOR_PCT = 96
_VOLTAGE_V = 232


def frame(load: Load, now_s: int) -> Frame:
    """Give what the meter of a made-up load says at one instant."""
    state = load.at(now_s)
    import_va = state.import_w * 100 // _POWER_FACTOR_PCT
    export_va = state.export_w * 100 // _POWER_FACTOR_PCT
    subscribed = f"{PROFILES[load.profile].subscribed_kva:02d}"
    labels = {
        "ADSC": Value("000000000000"),
        "VTIC": Value("02"),
        "DATE": Value("", _stamp(load, now_s)),
        "NGTF": Value("      BASE      "),
        "LTARF": Value("      BASE      "),
        "EAST": Value(f"{state.import_wh:09d}"),
        "EASF01": Value(f"{state.import_wh:09d}"),
        "EASD01": Value(f"{state.import_wh:09d}"),
        "EAIT": Value(f"{state.export_wh:09d}"),
        "IRMS1": Value(f"{(import_va + export_va) // _VOLTAGE_V:03d}"),
        "URMS1": Value(f"{_VOLTAGE_V:03d}"),
        "PREF": Value(subscribed),
        "PCOUP": Value(subscribed),
        "SINSTS": Value(f"{import_va:05d}"),
        "SINSTI": Value(f"{export_va:05d}"),
        "MSG1": Value(MESSAGE),
        "PRM": Value("00000000000000"),
        "NTARF": Value("01"),
    }
    if not load.solar_wp:
        del labels["EAIT"], labels["SINSTI"]
    return Frame(Mode.STANDARD, labels)


def _stamp(load: Load, now_s: int) -> Stamp:
    at = datetime.fromtimestamp(now_s, load.zone)
    return Stamp(("E" if at.dst() else "H") + at.strftime("%y%m%d%H%M%S"))


class SimulatedLinky:
    """A simulated meter on the far end of a pseudo-terminal, while the context lasts.

    Entering gives the path to open as a port. Where nobody reads, frames are lost, whole
    or torn, as they are on the line of a real meter.

    Args:
        seed: another seed is another site.
        profile: habits of the site, a name in `load.PROFILES`.
        solar_wp: peak power of its panels [W]; 0 for none.
        period_s: a frame begins this often; a real meter says about one a second.
        clock: gives the time now [epoch s].
    """

    def __init__(
        self,
        seed: int,
        profile: str = "household",
        *,
        solar_wp: int = 0,
        period_s: float = 1.0,
        clock: Callable[[], float],
    ) -> None:
        self._load = Load(seed, profile, solar_wp)
        self._period_s = period_s
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._speak, name="simulated-linky", daemon=True)
        self._meter_end = self._port_end = -1

    def __enter__(self) -> str:
        """Start to speak, and give the path of the port."""
        self._meter_end, self._port_end = os.openpty()
        tty.setraw(self._port_end)
        os.set_blocking(self._meter_end, False)
        self._thread.start()
        return os.ttyname(self._port_end)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Fall silent and take the port away."""
        self._stopping.set()
        self._thread.join()
        os.close(self._meter_end)
        os.close(self._port_end)

    def _speak(self) -> None:
        while not self._stopping.is_set():
            said = encode(frame(self._load, int(self._clock())))
            with contextlib.suppress(BlockingIOError):  # nobody listens: the line forgets
                os.write(self._meter_end, said)
            self._stopping.wait(self._period_s)

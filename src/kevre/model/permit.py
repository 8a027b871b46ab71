"""What the gate allowed for one answer; the store reads nothing without one."""

from __future__ import annotations

from dataclasses import dataclass

from kevre.model.errors import Refused
from kevre.model.step import Resolution
from kevre.model.window import Window


@dataclass(frozen=True, slots=True)
class Permit:
    """Which series may be read for one answer, over which time, how finely.

    Only `rights.gate` makes one (a test holds this), after it has written the access log.

    Attributes:
        series: registry keys of the series.
        window: the longest time that may be read; reads are clipped to it.
        finest: the finest resolution that may be given.
        totals_only: the series may only leave summed together, never one by one.
        purpose: what the answer is for, as the log says it.
    """

    series: frozenset[int]
    window: Window
    finest: Resolution
    totals_only: bool
    purpose: str

    def clip(self, series: int, window: Window, resolution: Resolution) -> Window | None:
        """Give the part of `window` that may be read of one series by itself.

        Raises:
            Refused: the series, or the resolution, is outside the permit.
        """
        if series not in self.series or self.totals_only:
            raise Refused("permit.series", "this permit does not cover the series")
        return self.clip_total(window, resolution)

    def clip_total(self, window: Window, resolution: Resolution) -> Window | None:
        """Give the part of `window` over which all series may be read summed together.

        Raises:
            Refused: the resolution is finer than the permit allows.
        """
        if resolution.least_s < self.finest.least_s:
            raise Refused("permit.resolution", f"this permit allows {self.finest} at the finest")
        return window.clip(self.window)

"""Stamps of Enedis' load curves: read fast, placed at the start of their interval.

C5 (Linky) curves stamp the end of each interval, C1-C4 curves the start. The step is found
row by row, for it changes inside files: see docs/decisions/stamping.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from kevre.model import window

STEPS_S = frozenset({300, 600, 900, 1_800, 3_600})
# Curves of C1-C4 meters have steps of five or ten minutes, those of Linky fifteen or more.
_FINE_S = 600
_USUAL = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):([0-5]\d):([0-5]\d)[+-]\d\d:\d\d\Z", re.ASCII)
_MOST_DAYS = 1_000
_DAY_S = 86_400


# One line of a curve: its number, its stamp [epoch s], its value as written.
Row = tuple[int, int, str]
# Where the value of a row belongs: number of the line, start [epoch s], step [s], value as
# written. The step is 0 where it cannot be told.
Interval = tuple[int, int, int, str]


class Stamps:
    """Reads stamps; days and clock times are remembered, for they come again and again."""

    def __init__(self, zone: ZoneInfo | None) -> None:
        self._zone = zone
        self._midnights: dict[str, int] = {}
        self._clocks: dict[str, int] = {}
        self._before: datetime | None = None

    def read(self, text: str) -> int:
        """Give a stamp [epoch s].

        Raises:
            Malformed: it is no instant, or has no offset and no zone was named.
        """
        midnight_s = self._midnights.get(text[:11] + text[19:])
        clock_s = self._clocks.get(text[11:19])
        if midnight_s is not None and clock_s is not None:
            return midnight_s + clock_s
        self._before = window.instant(text, self._zone, after=self._before)
        at_s = int(self._before.timestamp())
        self._remember(text, at_s)
        return at_s

    def _remember(self, text: str, at_s: int) -> None:
        found = _USUAL.match(text)
        if found is None:
            return
        hours, minutes, seconds = (int(part) for part in found.groups())
        clock_s = hours * 3_600 + minutes * 60 + seconds
        if not window.EARLIEST_S <= at_s - clock_s < window.LATEST_S - _DAY_S:
            return
        if len(self._midnights) > _MOST_DAYS:
            self._midnights.clear()
        self._midnights[text[:11] + text[19:]] = at_s - clock_s
        self._clocks[text[11:19]] = clock_s


def intervals(
    rows: Iterable[Row], stamp: Literal["start", "end"] | None, declared_s: int | None
) -> Iterator[Interval]:
    """Place each row, looking at the rows before and after it; equal repetitions are dropped.

    Args:
        rows: in the order of the file, at least roughly in time.
        stamp: which end of the interval is stamped; None to tell by the step.
        declared_s: the step that the file's header names, if it does.
    """
    steps = _Steps(declared_s)
    # Rows of one stamp: several only where they contradict.
    here: list[tuple[int, str]] = []
    here_s: int | None = None
    for line, stamp_s, text in rows:
        if stamp_s == here_s:
            if text != here[-1][1]:
                here.append((line, text))
            continue
        if here_s is not None:
            step_s = steps.next(here_s, stamp_s)
            start_s = _start_s(here_s, step_s, stamp)
            for before in here:
                yield before[0], start_s, step_s, before[1]
        here, here_s = [(line, text)], stamp_s
    if here_s is not None:
        step_s = steps.last(here_s)
        for line, text in here:
            yield line, _start_s(here_s, step_s, stamp), step_s, text


def _start_s(stamp_s: int, step_s: int, stamp: Literal["start", "end"] | None) -> int:
    is_end = step_s > _FINE_S if stamp is None else stamp == "end"
    return stamp_s - step_s if is_end else stamp_s


class _Steps:
    """Finds the step of each row of a curve, in their order."""

    def __init__(self, declared_s: int | None) -> None:
        self._usual_s = declared_s or 0
        self._before_s: int | None = None

    def next(self, here_s: int, after_s: int) -> int:
        """Find the step of a row that another follows; 0 where nothing tells.

        The distance to the row before, if that is a step a meter can have. A longer one than
        usual counts only if the next row keeps it: else a row is missing, and the step is the
        usual one. After a gap the next row tells.
        """
        back_s = here_s - self._before_s if self._before_s is not None else 0
        self._before_s = here_s
        if back_s == self._usual_s and back_s in STEPS_S:
            return back_s
        ahead_s = after_s - here_s if after_s - here_s in STEPS_S else 0
        if back_s in STEPS_S and (not self._usual_s or back_s < self._usual_s or ahead_s == back_s):
            self._usual_s = back_s
        elif self._usual_s and ahead_s:
            self._usual_s = min(self._usual_s, ahead_s)
        else:
            self._usual_s = self._usual_s or ahead_s
        return self._usual_s

    def last(self, here_s: int) -> int:
        """Find the step of the last row; 0 where only a row after it would tell.

        So a file that was cut gives no other interval than the whole one.
        """
        if self._before_s is None:
            return self._usual_s
        back_s = here_s - self._before_s
        is_told = back_s in STEPS_S and (not self._usual_s or back_s <= self._usual_s)
        return back_s if is_told else 0


def nearest_midnight(stamp_s: int, zone: ZoneInfo) -> int:
    """Give the local midnight nearest to a stamp [epoch s].

    Daily registers are read at midnight, but stamped an hour late in summer (customer
    space) or early in winter (HDM): the date is meant, not the hour.
    """
    shifted = datetime.fromtimestamp(stamp_s + 43_200, UTC)
    return int(window.midnight(window.local_day(shifted, zone), zone).timestamp())

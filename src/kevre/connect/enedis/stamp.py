"""Stamps of Enedis' load curves: read fast, placed at the start of their interval.

C5 (Linky) curves stamp the end of each interval, C1-C4 curves the start. The step is found
row by row, for it changes inside files: see docs/decisions/stamping.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from kevre.model import window
from kevre.model.errors import Malformed

STEPS_S = frozenset({300, 600, 900, 1_800, 3_600})
# Curves of C1-C4 meters have steps of five or ten minutes, those of Linky fifteen or more.
_FINE_S = 600
_USUAL = re.compile(
    r"\d{4}-\d\d-\d\d[T ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)([+-]\d\d:\d\d)?\Z", re.ASCII
)
_NO_FRACTION = ".000"
_MOST_DAYS = 1_000
_DAY_S = 86_400
_DATE_LENGTH = 10


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

    def restart(self) -> None:
        """Forget what was read: another curve begins, whose October night is to be told anew."""
        self._before = None

    def read(self, text: str) -> int:
        """Give a stamp [epoch s].

        Raises:
            Malformed: it is no instant, or has no offset and no zone was named.
        """
        midnight_s = self._midnights.get(text[:11] + text[19:])
        clock_s = self._clocks.get(text[11:19])
        if midnight_s is not None and clock_s is not None:
            return midnight_s + clock_s
        if text[19:23] == _NO_FRACTION:
            return self.read(text[:19] + text[23:])
        self._before = window.instant(text, self._zone, after=self._before)
        at_s = int(self._before.timestamp())
        self._remember(text, at_s)
        return at_s

    def _remember(self, text: str, at_s: int) -> None:
        found = _USUAL.match(text)
        if found is None:
            return
        hours, minutes, seconds = (int(part) for part in found.groups()[:3])
        if found[4] is None and not self._is_plain_day(at_s):
            return
        clock_s = hours * 3_600 + minutes * 60 + seconds
        if not window.EARLIEST_S <= at_s - clock_s < window.LATEST_S - _DAY_S:
            return
        if len(self._midnights) > _MOST_DAYS:
            self._midnights.clear()
        self._midnights[text[:11] + text[19:]] = at_s - clock_s
        self._clocks[text[11:19]] = clock_s

    def _is_plain_day(self, at_s: int) -> bool:
        """Say whether the local day of an instant has 24 hours."""
        if self._zone is None:
            return False
        day = window.local_day(datetime.fromtimestamp(at_s, UTC), self._zone)
        return window.civil_day(day, self._zone).length_s == _DAY_S


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
            start_s = start_of(here_s, step_s, stamp)
            for before in here:
                yield before[0], start_s, step_s, before[1]
        here, here_s = [(line, text)], stamp_s
    if here_s is not None:
        step_s = steps.last(here_s)
        for line, text in here:
            yield line, start_of(here_s, step_s, stamp), step_s, text


def start_of(stamp_s: int, step_s: int, stamp: Literal["start", "end"] | None) -> int:
    """Give the start of an interval from its stamp; without `stamp`, the step tells the end."""
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


def day_of(stamp: str) -> tuple[int, int]:
    """Give start [epoch s] and length [s] of the calendar day that a stamp names.

    Daily registers and energies are of midnight, but stamped an hour late in summer
    (customer space) or early in winter (HDM): the date is meant, not the hour.

    Raises:
        Malformed: it names no day.
    """
    try:
        day = date.fromisoformat(stamp[:_DATE_LENGTH])
        start = window.midnight(day, window.PARIS)
        end = window.midnight(day + timedelta(days=1), window.PARIS)
    except (ValueError, OverflowError) as error:
        raise Malformed("time.malformed", f"{stamp[:40]!r} names no day") from error
    start_s = int(start.timestamp())
    if not window.EARLIEST_S <= start_s < window.LATEST_S:
        raise Malformed("time.out_of_range", f"the year {day.year} is outside 1990 to 2099")
    return start_s, int(end.timestamp()) - start_s


def no_step() -> Malformed:
    """Give the error of a point whose interval nothing tells."""
    return Malformed(
        "enedis.step",
        "the length of the interval is not known: no row before or after it tells",
        hint="import a file that holds the rows around it",
    )

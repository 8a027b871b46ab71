"""Stamps of Enedis' load curves: read fast, placed at the start of their interval.

C5 (Linky) curves stamp the end of each interval, C1-C4 curves the start. The step is found
row by row, for it changes inside files: see docs/decisions/stamping.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from kevre.connect.enedis.row import Run
from kevre.model import window
from kevre.model.errors import Malformed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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


@dataclass(frozen=True, slots=True)
class Stretch:
    """Intervals of one length, one after the other.

    Attributes:
        line: number of the line of the first.
        start_s: shape (n,), [epoch s].
        step_s: their length [s].
        value: shape (n,), as written; 0 where there is none.
        is_missing: shape (n,), whether there is none.
    """

    line: int
    start_s: NDArray[np.int64]
    step_s: int
    value: NDArray[np.int64]
    is_missing: NDArray[np.bool_]


class Placer:
    """Places the rows of a curve, looking at the rows before and after each.

    Equal repetitions are dropped. Each row is given when the one after it was taken.

    Args:
        stamp: which end of the interval is stamped; None to tell by the step.
        declared_s: the step that the file's header names, if it does.
    """

    def __init__(self, stamp: Literal["start", "end"] | None, declared_s: int | None) -> None:
        self._stamp = stamp
        self._steps = _Steps(declared_s)
        # Rows of one stamp that are not placed yet: several only where they contradict.
        self._here: list[tuple[int, str]] = []
        self._here_s: int | None = None

    def take(self, line: int, stamp_s: int, text: str) -> Iterator[Interval]:
        """Take a row, at least roughly in time; give those that it lets place."""
        if stamp_s == self._here_s:
            if text != self._here[-1][1]:
                self._here.append((line, text))
            return
        if self._here_s is not None:
            yield from self._placed(self._steps.next(self._here_s, stamp_s))
        self._here, self._here_s = [(line, text)], stamp_s

    def take_all(self, run: Run) -> Iterator[Interval | Stretch]:
        """Take many rows: those at the usual distance at once, the others one by one."""
        import numpy as np

        distance_s = np.diff(run.stamp_s)
        at = 0
        while at < len(run.stamp_s):
            stamp_s, usual_s = int(run.stamp_s[at]), self._settled_s()
            if usual_s and stamp_s - (self._here_s or 0) == usual_s:
                uneven = np.flatnonzero(distance_s[at:] != usual_s)
                end = at + int(uneven[0]) if len(uneven) else len(run.stamp_s) - 1
                yield from self._placed(self._steps.next(self._here_s or 0, stamp_s))
                yield from self._stretch(run, at, end, usual_s)
                at = end + 1
                continue
            yield from self.take(run.line + at, stamp_s, run.text(at))
            at += 1

    def last(self) -> Iterator[Interval]:
        """Give the last row."""
        if self._here_s is not None:
            yield from self._placed(self._steps.last(self._here_s))
        self._here, self._here_s = [], None

    def _settled_s(self) -> int:
        """Give the step of the row that waits, if no row after it could change that; else 0."""
        usual_s = self._steps.usual_s
        is_settled = usual_s in STEPS_S and self._steps.before_s == (self._here_s or 0) - usual_s
        return usual_s if is_settled and len(self._here) == 1 else 0

    def _placed(self, step_s: int) -> Iterator[Interval]:
        start_s = start_of(self._here_s or 0, step_s, self._stamp)
        for line, text in self._here:
            yield line, start_s, step_s, text

    def _stretch(self, run: Run, at: int, end: int, step_s: int) -> Iterator[Stretch]:
        """Give the rows from `at` up to `end`; that waits for the next."""
        if at < end:
            shift_s = start_of(0, step_s, self._stamp)
            inside = slice(at, end)
            yield Stretch(
                run.line + at,
                run.stamp_s[inside] + shift_s,
                step_s,
                run.value[inside],
                run.is_missing[inside],
            )
            self._steps.before_s = int(run.stamp_s[end - 1])
        self._here, self._here_s = [(run.line + end, run.text(end))], int(run.stamp_s[end])


def start_of(stamp_s: int, step_s: int, stamp: Literal["start", "end"] | None) -> int:
    """Give the start of an interval from its stamp; without `stamp`, the step tells the end."""
    is_end = step_s > _FINE_S if stamp is None else stamp == "end"
    return stamp_s - step_s if is_end else stamp_s


class _Steps:
    """Finds the step of each row of a curve, in their order.

    Attributes:
        usual_s: the step that holds where nothing says otherwise; 0 if unknown.
        before_s: stamp of the row placed last.
    """

    def __init__(self, declared_s: int | None) -> None:
        self.usual_s = declared_s or 0
        self.before_s: int | None = None

    def next(self, here_s: int, after_s: int) -> int:
        """Find the step of a row that another follows; 0 where nothing tells.

        The distance to the row before, if that is a step a meter can have. A longer one than
        usual counts only if the next row keeps it: else a row is missing, and the step is the
        usual one. After a gap the next row tells.
        """
        back_s = here_s - self.before_s if self.before_s is not None else 0
        self.before_s = here_s
        if back_s == self.usual_s and back_s in STEPS_S:
            return back_s
        ahead_s = after_s - here_s if after_s - here_s in STEPS_S else 0
        if back_s in STEPS_S and (not self.usual_s or back_s < self.usual_s or ahead_s == back_s):
            self.usual_s = back_s
        elif self.usual_s and ahead_s:
            self.usual_s = min(self.usual_s, ahead_s)
        else:
            self.usual_s = self.usual_s or ahead_s
        return self.usual_s

    def last(self, here_s: int) -> int:
        """Find the step of the last row; 0 where only a row after it would tell.

        So a file that was cut gives no other interval than the whole one.
        """
        if self.before_s is None:
            return self.usual_s
        back_s = here_s - self.before_s
        is_told = back_s in STEPS_S and (not self.usual_s or back_s <= self.usual_s)
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

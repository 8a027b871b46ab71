"""Stamps of Enedis' load curves: read fast, placed at the start of their interval.

C5 (Linky) curves stamp the end of each interval, C1-C4 curves the start. The step is found
row by row, for it changes inside files: see docs/decisions/stamping.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from kevre.model import window

STEPS_S = frozenset({300, 600, 900, 1_800, 3_600})
# Curves of C1-C4 meters have steps of five or ten minutes, those of Linky fifteen or more.
_FINE_S = 600
_LENGTH = 25  # 2026-01-31T12:30:00+01:00


class Row(NamedTuple):
    """One line of a curve: its stamp [epoch s] and its value as written."""

    line: int
    stamp_s: int
    text: str


class Stamps:
    """Reads stamps; days are remembered, for their lines come together."""

    def __init__(self, zone: ZoneInfo | None) -> None:
        self._zone = zone
        self._days: dict[str, int] = {}
        self._before: datetime | None = None

    def read(self, text: str) -> int:
        """Give a stamp [epoch s].

        Raises:
            Malformed: it is no instant, or has no offset and no zone was named.
        """
        if len(text) == _LENGTH and text[10] == "T" and text[13] == ":" and text[16] == ":":
            day = text[:10] + text[19:]
            midnight_s = self._days.get(day)
            if midnight_s is None:
                midnight_s = self._midnight(text)
            clock = text[11:13] + text[14:16] + text[17:19]
            if clock.isascii() and clock.isdecimal() and clock < "240000":
                number = int(clock)
                return (
                    midnight_s + number // 10_000 * 3600 + number // 100 % 100 * 60 + number % 100
                )
        at = window.instant(text, self._zone, after=self._before)
        self._before = at
        return int(at.timestamp())

    def _midnight(self, text: str) -> int:
        at = window.instant(text[:10] + "T00:00:00" + text[19:])
        if len(self._days) > 1_000:  # noqa: PLR2004 - a bound, not a tuned size
            self._days.clear()
        found = self._days[text[:10] + text[19:]] = int(at.timestamp())
        return found


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the value of a row belongs."""

    row: Row
    start_s: int
    step_s: int


def intervals(
    rows: Iterable[Row], stamp: Literal["start", "end"] | None, declared_s: int | None
) -> Iterator[Interval]:
    """Place each row, looking at the rows before and after it.

    Args:
        rows: in the order of the file, at least roughly in time.
        stamp: which end of the interval is stamped; None to tell by the step.
        declared_s: the step that the file's header names, if it does.
    """
    usual_s = declared_s or 0
    before: Row | None = None
    here: Row | None = None
    for after in rows:
        if here is not None and after.stamp_s != here.stamp_s:
            usual_s = _step(before, here, after, usual_s)
            yield _placed(here, usual_s, stamp)
            before = here
        elif here is not None and after.text != here.text:
            yield _placed(here, usual_s or 1_800, stamp)
        here = after
    if here is not None:
        yield _placed(here, _step(before, here, None, usual_s) or 1_800, stamp)


def _step(before: Row | None, here: Row, after: Row | None, usual_s: int) -> int:
    """Find the step of a row.

    The distance to the row before, if that is a step a meter can have. A longer one than
    usual counts only if the next row keeps it: else a row is missing, and the step is the
    usual one. After a gap the next row tells.
    """
    back_s = here.stamp_s - before.stamp_s if before else 0
    ahead_s = after.stamp_s - here.stamp_s if after else 0
    ahead_s = ahead_s if ahead_s in STEPS_S else 0
    if back_s in STEPS_S and (not usual_s or back_s <= usual_s or ahead_s == back_s):
        return back_s
    if usual_s and ahead_s:
        return min(usual_s, ahead_s)
    return usual_s or ahead_s


def _placed(row: Row, step_s: int, stamp: Literal["start", "end"] | None) -> Interval:
    side = stamp or ("start" if step_s <= _FINE_S else "end")
    return Interval(row, row.stamp_s - (step_s if side == "end" else 0), step_s)


def nearest_midnight(stamp_s: int, zone: ZoneInfo) -> int:
    """Give the local midnight nearest to a stamp [epoch s].

    Daily registers are read at midnight, but stamped an hour late in summer (customer
    space) or early in winter (HDM): the date is meant, not the hour.
    """
    shifted = datetime.fromtimestamp(stamp_s + 43_200, UTC)
    return int(window.midnight(window.local_day(shifted, zone), zone).timestamp())

"""Real series moved in time by whole weeks, so that they reach now and keep coming.

A record of N years is played over and over. Each turn begins a whole number of weeks after
the one before, as near to N years as weeks allow: weekdays stay weekdays, and the seasons
stay within four days of where they were. What a turn asks beyond the record's end is taken
52 weeks earlier.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from kevre.model.window import civil_day
from kevre.node.demo.noise import Integers
from kevre.node.demo.record import Record

_DAY_S = 86_400
_WEEK_S = 7 * _DAY_S
_YEAR_WEEKS = 52
_YEAR_S = 365.2425 * _DAY_S


@dataclass(frozen=True, slots=True)
class Run:
    """Readings of one series in time order; values are `value` x 10**`exponent`."""

    start_s: Integers
    step_s: Integers
    value: Integers
    exponent: int
    quality: NDArray[np.uint8]

    def __len__(self) -> int:
        """Count the readings."""
        return len(self.start_s)


def replayed(record: Record, start_s: int, end_s: int) -> Run:
    """Give the readings whose intervals lie in `start_s <= t < end_s`; gaps stay gaps."""
    first = -(-start_s // record.step_s)
    asked = np.arange(first, end_s // record.step_s, dtype=np.int64) * record.step_s
    source_s = asked - shift_s(record, asked)
    # Beyond the end the season before takes over.
    source_s = np.where(source_s > record.start_s[-1], source_s - _YEAR_WEEKS * _WEEK_S, source_s)
    at = np.minimum(np.searchsorted(record.start_s, source_s), len(record.start_s) - 1)
    known = record.start_s[at] == source_s
    at, start = at[known], asked[known]
    step = np.full(len(start), record.step_s, np.int64)
    return Run(start, step, record.value[at], record.exponent, record.quality[at])


def replayed_days(record: Record, start_s: int, end_s: int, zone: ZoneInfo) -> Run:
    """Give the daily readings whose civil days lie in `start_s <= t < end_s`."""
    # Each civil day is looked up as the UTC day of the same date, then put where it lies.
    around = replayed(record, start_s - _DAY_S, end_s + 2 * _DAY_S)
    windows = [civil_day(day, zone) for day in _dates(around.start_s)]
    start = np.array([window.start_s for window in windows], np.int64)
    end = np.array([window.end_s for window in windows], np.int64)
    inside = (start >= start_s) & (end <= end_s)
    return Run(
        start[inside],
        (end - start)[inside],
        around.value[inside],
        around.exponent,
        around.quality[inside],
    )


def shift_s(record: Record, at_s: Integers) -> Integers:
    """Give by how much the reading shown at `at_s` was moved; whole weeks [s]."""
    years = max(round((record.start_s[-1] - record.start_s[0]) / _YEAR_S), 1)
    turn = np.floor((at_s - record.start_s[0]) / (years * _YEAR_S)).astype(np.int64)
    begins = _turn_s(turn, years)
    # Rounding to weeks may put a turn's first instants at the end of the one before.
    turn = np.where(at_s - record.start_s[0] < begins, turn - 1, turn)
    turn = np.where(at_s - record.start_s[0] >= _turn_s(turn + 1, years), turn + 1, turn)
    return _turn_s(turn, years)


def shift_days(record: Record, at_s: int) -> int:
    """Give the shift at one instant, for the words beside the series [days]."""
    return int(shift_s(record, np.array([at_s], np.int64))[0]) // _DAY_S


def _turn_s(turn: Integers, years: int) -> Integers:
    return np.rint(turn * years * _YEAR_S / _WEEK_S).astype(np.int64) * _WEEK_S


def _dates(start_s: Integers) -> Iterator[date]:
    for one in start_s:
        yield datetime.fromtimestamp(int(one), UTC).date()

"""Intervals of answers: slots of UTC, or days and longer where the meter stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from kevre.model.errors import Malformed
from kevre.model.step import Resolution
from kevre.model.window import Window, first_day, local_day, midnight, next_first_day
from kevre.store.result import Longs

# A curve of more points than this is a mistake: 19 years of ten minutes.
MOST_SLOTS = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """Consecutive intervals.

    Attributes:
        slot: int64, shape (n,): number of the interval; the same for one calendar period
            in every zone.
        start_s, end_s: int64, shape (n,) [epoch s].
    """

    slot: Longs
    start_s: Longs
    end_s: Longs


def whole(window: Window, finest: Resolution, zone: ZoneInfo) -> tuple[int, int]:
    """Shrink a window to whole intervals of `finest`; give start and end [epoch s].

    A permit for months must not yield a day because a window of one day was asked for.
    """
    if finest is Resolution.RAW:
        return window.start_s, window.end_s
    if not finest.is_calendar:
        width = finest.least_s
        return -(-window.start_s // width) * width, window.end_s // width * width
    day = first_day(local_day(window.start, zone), finest)
    if midnight(day, zone) < window.start:
        day = next_first_day(day, finest)
    last = first_day(local_day(window.end, zone), finest)
    return _midnight_s(day, zone), _midnight_s(last, zone)


def slots(start_s: int, end_s: int, resolution: Resolution, zone: ZoneInfo) -> Slots:
    """Give every interval that has a part between two instants.

    Raises:
        Malformed: they are more than MOST_SLOTS.
    """
    if (end_s - start_s) // resolution.least_s > MOST_SLOTS:
        raise Malformed(
            "store.too_many",
            "the answer would have more than a million intervals",
            hint="ask for a shorter period or a coarser resolution",
        )
    if not resolution.is_calendar:
        width = resolution.least_s
        start = np.arange(start_s // width, -(-end_s // width), dtype=np.int64)
        return Slots(start, start * width, (start + 1) * width)
    window = Window.of_seconds(start_s, end_s)
    day = first_day(local_day(window.start, zone), resolution)
    firsts = [day]
    while _midnight_s(firsts[-1], zone) < end_s:
        firsts.append(next_first_day(firsts[-1], resolution))
    bounds = np.array([_midnight_s(first, zone) for first in firsts], np.int64)
    numbers = np.array([_epoch_day(first) for first in firsts[:-1]], np.int64)
    return Slots(numbers, bounds[:-1], bounds[1:])


def of_spans(spans: Sequence[tuple[int, int, str]]) -> tuple[Slots, tuple[str, ...]]:
    """Make intervals, numbered from 0 on, of the spans of a tariff; and the class of each.

    Args:
        spans: (start, end, class) [epoch s], consecutive, as `Tariff.spans` gives them.
    """
    start_s = np.array([start_s for start_s, _, _ in spans], np.int64)
    end_s = np.array([end_s for _, end_s, _ in spans], np.int64)
    return Slots(np.arange(len(spans)), start_s, end_s), tuple(name for _, _, name in spans)


def _epoch_day(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()


def _midnight_s(day: date, zone: ZoneInfo) -> int:
    return int(midnight(day, zone).timestamp())

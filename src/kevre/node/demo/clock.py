"""The clock on the wall, for arrays of instants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from kevre.node.demo.noise import Floats, Integers

_HOUR_S = 3_600
_DAY_S = 86_400
_MONDAY = 3  # 1970-01-01 was a Thursday


@dataclass(frozen=True, slots=True)
class Clock:
    """What people at a place read off their clock and calendar.

    Attributes:
        day: number of the local calendar day, 0 for 1970-01-01.
        hour: hours since local midnight by the clock, 0 to 24.
        weekday: 0 for Monday.
        week: number of the local week that begins on a Monday.
        week_of_year: 0 to 52, the full weeks since 1 January.
    """

    day: Integers
    hour: Floats
    weekday: Integers
    week: Integers
    week_of_year: Integers


def clock(at_s: Integers, zone: ZoneInfo) -> Clock:
    """Read the clock of a zone at these instants."""
    hours, where = np.unique(at_s // _HOUR_S, return_inverse=True)
    offset_s = np.array([_offset_s(int(hour), zone) for hour in hours], np.int64)
    local_s = at_s + offset_s[where]
    day = local_s // _DAY_S
    monday_based = day + _MONDAY
    date = day.astype("datetime64[D]")
    new_year = date.astype("datetime64[Y]").astype("datetime64[D]")
    return Clock(
        day=day,
        hour=(local_s - day * _DAY_S) / _HOUR_S,
        weekday=monday_based % 7,
        week=monday_based // 7,
        week_of_year=(date - new_year).astype(np.int64) // 7,
    )


def _offset_s(hour: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(hour * _HOUR_S, zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0

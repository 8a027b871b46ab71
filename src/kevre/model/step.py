"""Steps and resolutions: ISO 8601 durations, in seconds or in calendar units."""

from __future__ import annotations

import re
from enum import StrEnum

from kevre.model.errors import Malformed

_FIXED = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?\Z")
_DAY_S = 86_400
_HOUR_S = 3_600


class Resolution(StrEnum):
    """How finely an answer is cut; days and longer follow the calendar of the meter."""

    RAW = "raw"
    TEN_MINUTES = "PT10M"
    HALF_HOUR = "PT30M"
    HOUR = "PT1H"
    DAY = "P1D"
    WEEK = "P1W"
    MONTH = "P1M"
    YEAR = "P1Y"

    @property
    def least_s(self) -> int:
        """Give the shortest interval of this resolution [s]; 0 for raw."""
        return _LEAST_S[self]

    @property
    def is_calendar(self) -> bool:
        """Say whether its intervals are days or made of days."""
        return self.least_s > _HOUR_S


_LEAST_S = {
    Resolution.RAW: 0,
    Resolution.TEN_MINUTES: 600,
    Resolution.HALF_HOUR: 1_800,
    Resolution.HOUR: 3_600,
    Resolution.DAY: 82_800,
    Resolution.WEEK: 7 * _DAY_S - 3_600,
    Resolution.MONTH: 28 * _DAY_S - 3_600,
    Resolution.YEAR: 365 * _DAY_S,
}


def seconds(duration: str) -> int:
    """Give the length of an ISO 8601 duration of days or less [s]; a day counts 86,400.

    >>> seconds("PT30M"), seconds("PT60M"), seconds("P1D"), seconds("PT1H30M")
    (1800, 3600, 86400, 5400)

    Raises:
        Malformed: not such a duration, or zero.
    """
    found = _FIXED.match(duration)
    days, hours, minutes, rest = (int(part or 0) for part in found.groups()) if found else (0,) * 4
    total = days * _DAY_S + hours * 3_600 + minutes * 60 + rest
    if total == 0:
        raise Malformed(
            "step.malformed",
            f"{duration[:20]!r} is not a step",
            hint="use an ISO 8601 duration such as PT30M or P1D",
        )
    return total


def duration(length_s: int) -> str:
    """Write a length as an ISO 8601 duration; whole days as P1D, hours as PT60M.

    Hours stay minutes because Quoalise says PT60M.

    >>> duration(1800), duration(3600), duration(86400), duration(10)
    ('PT30M', 'PT60M', 'P1D', 'PT10S')
    """
    if length_s % _DAY_S == 0:
        return f"P{length_s // _DAY_S}D"
    if length_s % 60 == 0:
        return f"PT{length_s // 60}M"
    return f"PT{length_s}S"

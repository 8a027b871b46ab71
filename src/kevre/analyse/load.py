"""What a load curve tells: the base load, and this period beside an earlier one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kevre.analyse.day import Days

# Of fewer powers than this (a day of half-hours) a low percentile means nothing.
_LEAST_POWERS = 48
_BASE_PERCENTILE = 5
# Two periods are compared if at least this share of their days is known in both.
_LEAST_PAIRED = 0.5


def base_load_w(power_w: NDArray[np.float64]) -> float | None:
    """Give the power that is always drawn: the 5th percentile of the known powers [W].

    A percentile rather than the minimum, so that one outage or one wrong reading does not
    decide. None if fewer than a day of half-hours is known.

    Args:
        power_w: shape (n,), NaN where not known [W].
    """
    known = power_w[np.isfinite(power_w)]
    if known.size < _LEAST_POWERS:
        return None
    return float(np.percentile(known, _BASE_PERCENTILE))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two periods, day beside day; only days known in both count.

    Attributes:
        recent_wh: energy of the later period over the days that count.
        earlier_wh: energy of the earlier period over the same days.
        days: how many days count.
        of: how many were asked.
    """

    recent_wh: float
    earlier_wh: float
    days: int
    of: int

    @property
    def change(self) -> float | None:
        """Give recent/earlier - 1; None where too few days are known to say."""
        if self.earlier_wh <= 0 or self.days < _LEAST_PAIRED * self.of:
            return None
        return self.recent_wh / self.earlier_wh - 1


def compare(
    days: Days, recent: NDArray[np.datetime64], earlier: NDArray[np.datetime64]
) -> Comparison:
    """Compare two periods, pairing the k-th days of each.

    Args:
        days: holds both periods.
        recent: shape (m,), the days of the later period.
        earlier: shape (m,), the day beside each of them.
    """
    recent_wh, earlier_wh = days.on(recent), days.on(earlier)
    paired = np.isfinite(recent_wh) & np.isfinite(earlier_wh)
    return Comparison(
        float(recent_wh[paired].sum()),
        float(earlier_wh[paired].sum()),
        int(paired.sum()),
        paired.size,
    )


def week_before(days: Days, last: np.datetime64) -> Comparison:
    """Compare the seven days that end with `last` to the seven before them."""
    recent = last - np.arange(6, -1, -1)
    return compare(days, recent, recent - 7)


def year_to_date(days: Days, last: np.datetime64) -> Comparison:
    """Compare the year up to `last` to the same dates one year before."""
    first = last.astype("datetime64[Y]").astype("datetime64[D]")
    recent = np.arange(first, last + 1)
    return compare(days, recent, same_days_of_year_before(recent))


def same_days_of_year_before(days: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Give each day's date one year before; 29 February stands beside 1 March.

    >>> same_days_of_year_before(np.array(["2026-11-23"], dtype="datetime64[D]"))
    array(['2025-11-23'], dtype='datetime64[D]')
    """
    month = days.astype("datetime64[M]")
    in_month = days - month.astype("datetime64[D]")
    found: NDArray[np.datetime64] = (month - 12).astype("datetime64[D]") + in_month
    return found

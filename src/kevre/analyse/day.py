"""Days of energy on a regular calendar, gathered from the daily totals of several series."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

# A day counts as known from this coverage on: half an hour may be lacking, not two.
KNOWN_DAY = 0.96


@dataclass(frozen=True, slots=True)
class Days:
    """One value for each calendar day from `first` on, in order, without gaps.

    Attributes:
        first: the first day.
        total_wh: shape (n,), energy of each day; NaN where nothing is known [Wh].
        coverage: shape (n,), share of each day that is known, 0 to 1.
        estimated: shape (n,), share of each day's energy that is estimated, 0 to 1.
    """

    first: np.datetime64
    total_wh: NDArray[np.float64]
    coverage: NDArray[np.float64]
    estimated: NDArray[np.float64]

    @property
    def day(self) -> NDArray[np.datetime64]:
        """Give the days, shape (n,)."""
        return self.first + np.arange(self.total_wh.size)

    def on(
        self, asked: NDArray[np.datetime64], known_from: float = KNOWN_DAY
    ) -> NDArray[np.float64]:
        """Give the totals of the asked days, NaN for those not known well enough [Wh]."""
        at = (asked - self.first).astype(np.int64)
        inside = (at >= 0) & (at < self.total_wh.size)
        found = np.full(asked.shape, np.nan)
        kept = at[inside]
        found[inside] = np.where(self.coverage[kept] >= known_from, self.total_wh[kept], np.nan)
        return found

    def total(self, asked: NDArray[np.datetime64]) -> tuple[float, int]:
        """Give the energy of the asked days that are known, and how many those are [Wh]."""
        energy = self.on(asked)
        known = np.isfinite(energy)
        return float(energy[known].sum()), int(known.sum())

    def last_known(self) -> np.datetime64 | None:
        """Give the newest day that is known well enough, if any."""
        known = np.flatnonzero((self.coverage >= KNOWN_DAY) & np.isfinite(self.total_wh))
        return self.first + known[-1] if known.size else None

    def tail(self, count: int) -> Days:
        """Give the last `count` days."""
        return self._cut(max(self.total_wh.size - count, 0), self.total_wh.size)

    def before(self, day: np.datetime64) -> Days:
        """Give the days before one."""
        return self._cut(0, max(int((day - self.first).astype(np.int64)), 0))

    def _cut(self, start: int, end: int) -> Days:
        return Days(
            self.first + start,
            self.total_wh[start:end],
            self.coverage[start:end],
            self.estimated[start:end],
        )


@dataclass(frozen=True, slots=True)
class Trust:
    """How far the energy of a period can be trusted, as shares from 0 to 1."""

    coverage: float
    estimated: float


def gather(
    columns: tuple[
        NDArray[np.int64],
        NDArray[np.datetime64],
        NDArray[np.float64],
        NDArray[np.float32],
        NDArray[np.float32],
    ],
    wanted: Collection[int],
    first: date,
    last: date,
) -> Days:
    """Add up the daily totals of the wanted series, day by day.

    A day's coverage is the mean over all the wanted series, those without a line counting
    nothing; the share estimated is weighted by energy.

    Args:
        columns: series, day, total [Wh], coverage, estimated; shape (m,) each, in any order.
        wanted: keys of the series to add.
        first: first day of the result.
        last: last day of the result, included.
    """
    series, day, total, coverage, estimated = columns
    start = np.datetime64(first, "D")
    size = (last - first).days + 1
    at = (day - start).astype(np.int64)
    taken = np.isin(series, list(wanted)) & (at >= 0) & (at < size) & np.isfinite(total)
    at, energy = at[taken], total[taken]
    lines = np.bincount(at, minlength=size)
    sums = np.bincount(at, energy, minlength=size)
    weight = np.bincount(at, np.abs(energy), minlength=size)
    guessed = np.bincount(at, np.abs(energy) * estimated[taken], minlength=size)
    known = np.bincount(at, coverage[taken], minlength=size)
    return Days(
        start,
        np.where(lines > 0, sums, np.nan),
        known / max(len(wanted), 1),
        np.divide(guessed, weight, out=np.zeros(size), where=weight > 0),
    )


def together(parts: Sequence[tuple[Days, int]]) -> Days:
    """Add groups of series over the same days; the int says how many series each holds."""
    first = parts[0][0].first
    total_wh = np.stack([days.total_wh for days, _ in parts])
    count = np.array([[size] for _, size in parts], np.float64)
    energy = np.nan_to_num(total_wh)
    coverage = np.stack([days.coverage for days, _ in parts]) * count
    guessed = (np.stack([days.estimated for days, _ in parts]) * np.abs(energy)).sum(axis=0)
    weight = np.abs(energy).sum(axis=0)
    return Days(
        first,
        np.where(np.isfinite(total_wh).any(axis=0), energy.sum(axis=0), np.nan),
        coverage.sum(axis=0) / np.maximum(count.sum(), 1),
        np.divide(guessed, weight, out=np.zeros(weight.size), where=weight > 0),
    )


def by_month(days: Days) -> list[tuple[date, float, float]]:
    """Add the days up month by month: first day, energy [Wh] (NaN if none), coverage."""
    month = days.day.astype("datetime64[M]")
    found = []
    for one in np.unique(month):
        inside = month == one
        energy = days.total_wh[inside]
        wh = float(np.nansum(energy)) if np.isfinite(energy).any() else float("nan")
        first: date = one.astype("datetime64[D]").astype(object)
        found.append((first, wh, float(days.coverage[inside].mean())))
    return found


def trust(days: Days) -> Trust:
    """Say how much of these days is known, and how much of their energy is estimated."""
    energy = np.nan_to_num(np.abs(days.total_wh))
    whole = float(energy.sum())
    coverage = float(days.coverage.mean()) if days.coverage.size else 0.0
    return Trust(
        min(coverage, 1.0), float((energy * days.estimated).sum()) / whole if whole else 0.0
    )

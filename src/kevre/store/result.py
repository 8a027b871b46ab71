"""What the store answers with: curves, daily totals, counts, changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kevre.model.exact import Exact
from kevre.model.quality import Quality
from kevre.model.reading import Fault
from kevre.model.series import Statistic
from kevre.model.step import Resolution

Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Shares = NDArray[np.float32]


def scaled(mantissa: NDArray[np.generic], exponent: int) -> Floats:
    """Give mantissa x 10**exponent, rounded once.

    Dividing by a whole power of ten is exact to the last bit; multiplying by 0.1 is not.
    """
    number = mantissa.astype(np.float64)
    return number / 10.0**-exponent if exponent < 0 else number * 10.0**exponent


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Readings of one series in time order, raw or cut into equal or calendar intervals.

    Intervals about which nothing is known are absent, so a gap is where one interval's end
    is not the next one's start.

    Attributes:
        series: key of the series; 0 for a sum over several.
        exponent: of `value` in a raw curve; 0 otherwise.
        unit: base unit of `values`; empty if the series was never declared.
        statistic: how a value stands for its time; None if never declared.
        start_s: int64, shape (n,) [epoch s, UTC].
        step_s: int32, shape (n,) [s]; length of the interval, 0 for a raw instant.
        value: raw: int64 mantissas, 0 where missing. Otherwise float64 in `unit`: the mean
            over the covered time, or the total of a series of sums or registers.
        quality: uint8, shape (n,), of `Quality`; of several, the highest code.
        energy: float64, total of the interval: Wh for powers and energies, the sum for other
            counted quantities, NaN for states. Empty when raw.
        coverage: float32, known share of the interval, 0..1. Empty when raw.
        estimated: float32, estimated share of what is known, 0..1. Empty when raw.
    """

    series: int
    resolution: Resolution
    exponent: int
    unit: str
    statistic: Statistic | None
    start_s: Longs
    step_s: Ints
    value: Longs | Floats
    quality: Bytes
    energy: Floats
    coverage: Shares
    estimated: Shares

    def __len__(self) -> int:
        """Count the readings or intervals."""
        return len(self.start_s)

    @property
    def values(self) -> Floats:
        """Give float64 in `unit`, NaN where missing."""
        if self.resolution is not Resolution.RAW:
            return self.value.astype(np.float64)
        number = scaled(self.value, self.exponent)
        number[self.quality == Quality.MISSING] = np.nan
        return number


@dataclass(frozen=True, slots=True, eq=False)
class DayTotals:
    """Totals of series by local calendar day; days about which nothing is known are absent.

    All arrays have shape (n,), sorted by series, then day.

    Attributes:
        series: int64 keys; 0 for a sum over several.
        day: datetime64[D], the calendar day where the meter stands.
        total: float64; Wh for powers and energies, the sum for other counted quantities
            (m3, mm of rain), NaN for states such as a temperature.
        mean: float64 over the covered time, in the unit of the series; NaN for sums.
        minimum: float64, the smallest reading; NaN for registers.
        maximum: float64, the largest reading; NaN for registers.
        coverage: float32, known share of the day, 0..1.
        estimated: float32, estimated share of what is known, 0..1.
    """

    series: Longs
    day: NDArray[np.datetime64]
    total: Floats
    mean: Floats
    minimum: Floats
    maximum: Floats
    coverage: Shares
    estimated: Shares

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.series)

    def of(self, series: int) -> DayTotals:
        """Give the days of one series."""
        at = self.series == series
        return DayTotals(
            self.series[at],
            self.day[at],
            self.total[at],
            self.mean[at],
            self.minimum[at],
            self.maximum[at],
            self.coverage[at],
            self.estimated[at],
        )


@dataclass(frozen=True, slots=True, eq=False)
class PeriodTotals:
    """Totals of series by calendar week, month or year; shape (n,), by series, then period.

    Attributes:
        series: int64 keys.
        first: datetime64[D], the first day of the period.
        total: float64; as in DayTotals.
        covered_s: int64, known seconds of the period.
        estimated: float32, estimated share of what is known, 0..1.
    """

    series: Longs
    first: NDArray[np.datetime64]
    total: Floats
    covered_s: Longs
    estimated: Shares

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.series)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the readings of one write: each is counted once.

    Attributes:
        new: nothing was known at their time.
        changed: they replaced another value, quality or step.
        same: they said what was known, or were MISSING marks where a value is.
        refused: (series, start_s, why) of those that cannot be kept.
    """

    new: int
    changed: int
    same: int
    refused: tuple[tuple[int, int, Fault], ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the change log.

    Attributes:
        seq: grows with every line, never used twice.
        first_s: start of the first reading that changed [epoch s].
        last_s: end of the last interval that changed, before or after [epoch s].
        count: how many readings changed.
        at_s: when it was written [epoch s].
        batch: key of the batch that brought it; empty for an erasure, RETENTION for what our
            own rules on age thinned or let go.
    """

    seq: int
    series: int
    first_s: int
    last_s: int
    count: int
    at_s: int
    batch: str


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest reading of a series; the value is None when it is a MISSING mark."""

    start_s: int
    step_s: int
    value: Exact | None
    quality: Quality

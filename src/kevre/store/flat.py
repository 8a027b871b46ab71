"""Readings of several series side by side, as the arithmetic of the store takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kevre.model.quality import Quality
from kevre.store.result import Bytes, Ints, Longs


@dataclass(frozen=True, slots=True, eq=False)
class Flat:
    """Readings of several series, by series, then start; no start twice in one series.

    Attributes:
        series: int64, shape (m,): keys, ascending.
        bounds: int64, shape (m + 1,): readings of series[i] lie at bounds[i]:bounds[i + 1].
        start_s: int64, shape (n,) [epoch s].
        step_s: int32, shape (n,) [s].
        value: int64, shape (n,): mantissas at the exponent of their series, 0 where MISSING.
        quality: uint8, shape (n,), of `Quality`.
    """

    series: Longs
    bounds: Longs
    start_s: Longs
    step_s: Ints
    value: Longs
    quality: Bytes

    def __len__(self) -> int:
        """Count the readings."""
        return len(self.start_s)

    @property
    def owner(self) -> Longs:
        """Give int64, shape (n,): the place in `series` of each reading's series."""
        return np.repeat(np.arange(len(self.series)), np.diff(self.bounds))

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Give bool, shape (n,): which readings have a value."""
        known: NDArray[np.bool_] = self.quality != Quality.MISSING
        return known

    def only(self, kept: NDArray[np.bool_]) -> Flat:
        """Give the readings where `kept` is true; the series stay, also those left empty."""
        if kept.all():
            return self
        before = np.concatenate([[0], np.cumsum(kept, dtype=np.int64)])
        return Flat(
            self.series,
            before[self.bounds],
            self.start_s[kept],
            self.step_s[kept],
            self.value[kept],
            self.quality[kept],
        )


def empty(series: Longs) -> Flat:
    """Give series without a reading."""
    return Flat(
        series,
        np.zeros(len(series) + 1, np.int64),
        np.empty(0, np.int64),
        np.empty(0, np.int32),
        np.empty(0, np.int64),
        np.empty(0, np.uint8),
    )

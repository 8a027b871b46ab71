"""Fitting the readings of a batch to the exponent of their series; pure arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kevre.model.batch import Column
from kevre.model.errors import Malformed
from kevre.model.quality import Quality
from kevre.model.reading import Fault
from kevre.store.result import Bytes, Ints, Longs

LARGEST = 2**63 - 1
_MOST_DIGITS = 18

TOO_LARGE = Fault(
    "value.too_large",
    "the value does not fit 64 bits at the precision of its series",
    hint="check the unit, or give the series fewer decimals",
)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Readings of one series as arrays of one length; `value` x 10**exponent."""

    exponent: int
    start_s: Longs
    step_s: Ints
    value: Longs
    quality: Bytes

    def __len__(self) -> int:
        """Count the readings."""
        return len(self.start_s)

    @property
    def end_s(self) -> int:
        """Give the end of the last interval; an instant takes one second."""
        return int((self.start_s + np.maximum(self.step_s, 1)).max())

    def only(self, kept: NDArray[np.bool_]) -> Rows:
        """Give the readings where `kept` is true."""
        return Rows(
            self.exponent,
            self.start_s[kept],
            self.step_s[kept],
            self.value[kept],
            self.quality[kept],
        )


def rows(column: Column) -> Rows:
    """Wrap a column that is not empty, without copying.

    Raises:
        Malformed: its readings are not in strictly increasing time.
    """
    start_s = np.frombuffer(column.start_s, np.int64)
    if len(start_s) > 1 and bool((start_s[1:] <= start_s[:-1]).any()):
        raise Malformed(
            "store.unordered",
            "the readings of a series are not in strictly increasing time",
            hint="build columns with ColumnBuilder",
        )
    return Rows(
        column.exponent,
        start_s,
        np.frombuffer(column.step_s, np.int32),
        np.frombuffer(column.value, np.int64),
        np.frombuffer(column.quality, np.uint8),
    )


def fit(batch: Rows, held: int, largest_held: int) -> tuple[Rows, Rows]:
    """Bring a batch to the exponent of its series, or to a finer one that both can take.

    Args:
        batch: as it came.
        held: exponent of the series in the store.
        largest_held: largest mantissa there, for the case that it must become finer.

    Returns:
        What can be kept, all at one exponent (finer than `held` if the series must be
        rescaled), and what cannot.
    """
    if batch.exponent >= held:
        return _finer(batch, held)
    coarser, rest = _coarser(batch, held)
    if len(rest) == 0:
        return coarser, rest
    if largest_held > largest_at(batch.exponent, held):
        return coarser, rest
    return batch, batch.only(np.zeros(len(batch), bool))


def largest_at(exponent: int, coarse: int) -> int:
    """Give the largest mantissa at `coarse` that still fits when made finer."""
    digits = coarse - exponent
    return LARGEST // 10**digits if digits <= _MOST_DIGITS else 0


def _finer(batch: Rows, exponent: int) -> tuple[Rows, Rows]:
    if batch.exponent == exponent:
        return batch, batch.only(np.zeros(len(batch), bool))
    limit = largest_at(exponent, batch.exponent)
    fits: NDArray[np.bool_] = (batch.value <= limit) & (batch.value >= -limit)
    kept = batch.only(fits)
    factor = 10 ** (batch.exponent - exponent) if limit else 0
    return replace(kept, exponent=exponent, value=kept.value * factor), batch.only(~fits)


def _coarser(batch: Rows, exponent: int) -> tuple[Rows, Rows]:
    digits = exponent - batch.exponent
    factor = 10**digits if digits <= _MOST_DIGITS else 0
    whole: NDArray[np.bool_] = (batch.value % factor == 0) if factor else (batch.value == 0)
    whole |= batch.quality == Quality.MISSING
    kept = batch.only(whole)
    return replace(kept, exponent=exponent, value=kept.value // max(factor, 1)), batch.only(~whole)

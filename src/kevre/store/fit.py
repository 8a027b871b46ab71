"""Fitting the values of a batch to the exponent of their series; pure arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kevre.model.reading import Fault
from kevre.store.result import Longs

LARGEST = 2**63 - 1
_MOST_DIGITS = 18

TOO_LARGE = Fault(
    "value.too_large",
    "the value does not fit 64 bits at the precision of its series",
    hint="check the unit, or give the series fewer decimals",
)

Fitted = tuple[int, Longs, NDArray[np.bool_]]


def fit(value: Longs, exponent: int, held: int, largest_held: int) -> Fitted:
    """Bring a batch to the exponent of its series, or to a finer one that both can take.

    Args:
        value: mantissas as they came, 0 where missing.
        exponent: theirs.
        held: exponent of the series in the store.
        largest_held: largest mantissa there, for the case that it must become finer.

    Returns:
        The exponent (finer than `held` if that of the series must become so), the values at
        it, and which of them can be kept.
    """
    if exponent >= held:
        return held, *_finer(value, exponent - held)
    coarser, fits = _coarser(value, held - exponent)
    if fits.all() or largest_held > largest_at(exponent, held):
        return held, coarser, fits
    return exponent, value, np.ones(len(value), bool)


def largest_at(exponent: int, coarse: int) -> int:
    """Give the largest mantissa at `coarse` that still fits when made finer."""
    digits = coarse - exponent
    return LARGEST // 10**digits if digits <= _MOST_DIGITS else 0


def _finer(value: Longs, digits: int) -> tuple[Longs, NDArray[np.bool_]]:
    limit = largest_at(0, digits)
    fits: NDArray[np.bool_] = (value <= limit) & (value >= -limit)
    factor = 10**digits if limit else 0
    return np.where(fits, value, 0) * factor, fits


def _coarser(value: Longs, digits: int) -> tuple[Longs, NDArray[np.bool_]]:
    if digits > _MOST_DIGITS:
        return np.zeros_like(value), value == 0
    return value // 10**digits, value % 10**digits == 0

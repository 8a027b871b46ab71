"""Sums of whole numbers that are exact at any size, and fast where 64 bits hold them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kevre.store.result import Longs
from kevre.store.stretch import Wholes

# int64; or Python ints where one of them needs more than 64 bits.
Amounts = NDArray[np.int64] | NDArray[np.object_]
_MOST = 2**63 - 1
_HALF_BITS = 32


def sums(values: Wholes, weights: Longs | None, firsts: Longs, most_weight: int) -> Amounts:
    """Sum values, or values x weights, over groups of neighbours.

    Args:
        values: shape (n,).
        weights: int64, shape (n,), not negative; None for ones.
        firsts: int64, shape (g,): where each group begins.
        most_weight: no group has weights of a larger sum; below 2**32.

    Returns:
        shape (g,).
    """
    if peak(values) * most_weight <= _MOST:
        return _grouped(values.astype(np.int64, copy=False), weights, firsts)
    # value = high x 2**32 + low, where low is between -2**31 and 2**31.
    low = values.astype(np.int32).astype(np.int64)
    high = (values >> _HALF_BITS).astype(np.int64) + (low < 0)
    tops, bottoms = _grouped(high, weights, firsts), _grouped(low, weights, firsts)
    return narrowed(tops.astype(object) * 2**_HALF_BITS + bottoms.astype(object))


def scaled_sum(amounts: Amounts, factor: int, rest: Longs) -> Amounts:
    """Give amounts x factor + rest."""
    if peak(amounts) * factor + peak(rest) <= _MOST:
        return np.asarray(amounts, np.int64) * factor + rest
    return narrowed(amounts.astype(object) * factor + rest.astype(object))


def regrouped(amounts: Amounts, firsts: Longs) -> Amounts:
    """Sum amounts over groups of neighbours, as `sums` does."""
    if peak(amounts) * len(amounts) <= _MOST:
        return _grouped(amounts.astype(np.int64, copy=False), None, firsts)
    return narrowed(np.add.reduceat(amounts.astype(object), firsts))


def narrowed(amounts: Amounts) -> Amounts:
    """Give int64 if all of them fit."""
    return amounts.astype(np.int64) if peak(amounts) <= _MOST else amounts


def peak(values: Wholes | Amounts) -> int:
    """Give the largest absolute value; 0 of nothing."""
    if not len(values):
        return 0
    return max(int(values.max()), -int(values.min()))


def _grouped(values: Longs, weights: Longs | None, firsts: Longs) -> Longs:
    weighted = values if weights is None else values * weights
    total: Longs = np.add.reduceat(weighted, firsts)
    return total

"""Curves of several meters as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Samples = tuple[NDArray[np.int64], NDArray[np.float64]]


def add(curves: Sequence[Samples]) -> Samples:
    """Add curves instant by instant; NaN where one of them does not know the instant.

    Args:
        curves: (start, value) of each, shape (n,), strictly increasing starts [epoch s].

    Returns:
        the starts that any curve has, and the sum at each.
    """
    if not curves:
        return np.empty(0, np.int64), np.empty(0)
    starts = np.unique(np.concatenate([start for start, _ in curves]))
    total = np.zeros(starts.size)
    for start, value in curves:
        placed = np.full(starts.size, np.nan)
        placed[np.searchsorted(starts, start)] = value
        total += placed
    return starts, total


def cut(samples: Samples, start_s: int, end_s: int) -> Samples:
    """Give the samples that start from `start_s` on and before `end_s`."""
    start, value = samples
    first, last = np.searchsorted(start, [start_s, end_s])
    return start[first:last], value[first:last]


def means(samples: Samples, width_s: int) -> Samples:
    """Give the mean of the known samples of each slot of `width_s`, counted from 1970 UTC.

    Slots without a known sample are absent. The samples of a slot must have equal steps.
    """
    start, value = samples
    known = np.isfinite(value)
    slot, place = np.unique(start[known] // width_s, return_inverse=True)
    total = np.bincount(place, value[known], minlength=slot.size)
    return slot * width_s, total / np.maximum(np.bincount(place, minlength=slot.size), 1)

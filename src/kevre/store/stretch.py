"""Stretches of time for which readings stand, and their parts within intervals.

How long a value stands, and for how much, follows from its statistic (`model.series`):
a mean and a sum for their step, but never beyond the next reading's start, so that nothing
counts twice where steps change; a register from the register before it; an instant until the
next one, for LIVE_HOLD_S at most; a maximum at its start alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kevre.model.quality import Quality
from kevre.model.series import LIVE_HOLD_S, Statistic
from kevre.store.calendar import Slots
from kevre.store.flat import Flat
from kevre.store.result import Bytes, Longs

# How long a reading without a step stands [s]: a count of a moment takes one second.
_LEAST_S = {Statistic.MEAN: 0, Statistic.SUM: 1, Statistic.MAX: 1}
IS_ESTIMATE = np.array([quality.is_estimate for quality in Quality])
Wholes = NDArray[np.int64] | NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Stretches of time by series, then time; those of one series never overlap.

    All arrays have shape (n,).

    Attributes:
        owner: int64, place of the series among those of the readings.
        start_s: int64, where the reading begins to stand, before it was clipped or cut.
        length_s: int64, for how long its whole value stands, before all that shortens it.
        lo_s, hi_s: int64, the stretch itself, or the part of it that is meant.
        value: int64 mantissas; the advances of registers may need uint64.
        quality: uint8.
    """

    owner: Longs
    start_s: Longs
    length_s: Longs
    lo_s: Longs
    hi_s: Longs
    value: Wholes
    quality: Bytes

    def __len__(self) -> int:
        """Count the stretches."""
        return len(self.owner)

    def only(self, kept: NDArray[np.bool_]) -> Stretches:
        """Give the stretches where `kept` is true."""
        return self if kept.all() else self.at(np.flatnonzero(kept))

    def at(self, places: Longs | slice, within: tuple[Longs, Longs] | None = None) -> Stretches:
        """Give the stretches at these places, cut to a start and an end of each."""
        lo_s, hi_s = self.lo_s[places], self.hi_s[places]
        if within is not None:
            lo_s, hi_s = np.maximum(lo_s, within[0]), np.minimum(hi_s, within[1])
        return Stretches(
            self.owner[places],
            self.start_s[places],
            self.length_s[places],
            lo_s,
            hi_s,
            self.value[places],
            self.quality[places],
        )


def stretches(flat: Flat, statistic: Statistic, span_s: tuple[int, int]) -> Stretches:
    """Give what stands between two instants [epoch s]."""
    if statistic is Statistic.REGISTER:
        whole = _advances(flat.only(flat.is_known))
    elif statistic is Statistic.INSTANT:
        whole = _instants(flat)
    else:
        whole = _held(flat.only(flat.is_known), _LEAST_S[statistic])
    return _clipped(whole, span_s)


def reach(whole: Stretches, slots: Slots) -> tuple[Longs, Longs]:
    """Give int64, shape (n,), twice: the first and the last interval of each stretch."""
    first = places(slots, whole.lo_s)
    if not (whole.hi_s > slots.end_s[first]).any():
        return first, first
    return first, places(slots, whole.hi_s - 1)


def cut(whole: Stretches, slots: Slots, first: Longs, last: Longs) -> tuple[Stretches, Longs]:
    """Cut stretches at the borders of intervals that cover them.

    Args:
        whole: the stretches.
        slots: the intervals.
        first: int64, shape (n,): place of the first interval of each stretch, see `reach`.
        last: int64, shape (n,): place of the last one.

    Returns:
        The parts, in the same order, and int64, shape (k,): the place of each part's
        interval among `slots`.
    """
    count = last - first + 1
    whose = np.repeat(np.arange(len(whole)), count)
    place = np.arange(len(whose)) + np.repeat(first - (np.cumsum(count) - count), count)
    return whole.at(whose, (slots.start_s[place], slots.end_s[place])), place


def cut_short(whole: Stretches, slots: Slots) -> tuple[Stretches, Longs]:
    """Keep of each stretch only its part within the interval where it begins; as `cut`."""
    first = places(slots, whole.lo_s)
    return replace(whole, hi_s=np.minimum(whole.hi_s, slots.end_s[first])), first


def places(slots: Slots, at_s: Longs) -> Longs:
    """Give int64, shape (n,): the place of the interval that holds each instant."""
    found: Longs = np.searchsorted(slots.start_s, at_s, side="right") - 1
    return found


def _held(flat: Flat, least_s: int) -> Stretches:
    length_s = np.maximum(flat.step_s, least_s).astype(np.int64)
    end_s = _until_next(flat, flat.start_s + length_s)
    return Stretches(
        flat.owner, flat.start_s, length_s, flat.start_s, end_s, flat.value, flat.quality
    )


def _instants(flat: Flat) -> Stretches:
    length_s = np.full(len(flat), LIVE_HOLD_S, np.int64)
    end_s = _until_next(flat, flat.start_s + length_s)
    whole = Stretches(
        flat.owner, flat.start_s, length_s, flat.start_s, end_s, flat.value, flat.quality
    )
    # A mark says that the value before it no longer holds, so it goes only now.
    return whole.only(flat.is_known)


def _until_next(flat: Flat, end_s: Longs) -> Longs:
    """End no stretch later than the next reading of its series starts."""
    if not len(end_s):
        return end_s
    lasts = flat.bounds[1:][np.diff(flat.bounds) > 0] - 1
    kept = end_s[lasts]
    np.minimum(end_s[:-1], flat.start_s[1:], out=end_s[:-1])
    end_s[lasts] = kept
    return end_s


def _advances(flat: Flat) -> Stretches:
    """Give what registers gained from one reading to the next, but not where they fell."""
    owner, before, after = flat.owner, flat.value[:-1], flat.value[1:]
    counts = (owner[1:] == owner[:-1]) & (after >= before)
    # Two 64-bit registers may lie further apart than 63 bits count, never more than 64.
    advance = (after - before).view(np.uint64)[counts]
    is_small = not len(advance) or int(advance.max()) < 2**63
    start_s, end_s = flat.start_s[:-1][counts], flat.start_s[1:][counts]
    first, second = flat.quality[:-1][counts], flat.quality[1:][counts]
    return Stretches(
        owner[1:][counts],
        start_s,
        end_s - start_s,
        start_s,
        end_s,
        advance.view(np.int64) if is_small else advance,
        np.where(IS_ESTIMATE[first], first, second),
    )


def _clipped(whole: Stretches, span_s: tuple[int, int]) -> Stretches:
    lo_s, hi_s = span_s
    inside = (whole.lo_s < hi_s) & (whole.hi_s > lo_s) & (whole.hi_s > whole.lo_s)
    kept = whole.only(inside)
    return replace(kept, lo_s=np.maximum(kept.lo_s, lo_s), hi_s=np.minimum(kept.hi_s, hi_s))

"""Thinning: many fine readings of old days become one each interval; pure arrays.

Sums stay what they were: counts and registers exactly; rates to less than one unit of the
last digit over any time, for what rounding leaves of one interval is carried to the next.
An interval that is not known from end to end keeps its detail.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kevre.model.quality import Quality
from kevre.model.series import LIVE_HOLD_S, Statistic
from kevre.store.chunk import Run, joined
from kevre.store.result import Longs

Bools = NDArray[np.bool_]

_MOST = 2**62


def thinned(run: Run, statistic: Statistic, step_s: int) -> Run:
    """Give the readings with one for each whole interval.

    A mean, sum or maximum stands for its interval. An instant is the mean of what held
    through it. Of registers the first of each interval stays, and both sides of a fall.

    Args:
        run: of one series, with times of arrival.
        statistic: of the series.
        step_s: length of the intervals, counted from the epoch; LIVE_HOLD_S at most for
            instants [s].
    """
    if len(run) == 0:
        return run
    if statistic is Statistic.REGISTER:
        return _fewer_registers(run, step_s)
    is_own = np.ones(len(run), bool)
    whole = run
    if statistic is Statistic.INSTANT:
        whole, is_own = _held(run, step_s)
    slot = whole.start_s // step_s
    first = np.flatnonzero(np.append(True, slot[1:] != slot[:-1]))
    is_whole = _is_whole(whole, slot, first, step_s)
    is_whole &= _fits(whole, step_s)
    counts = np.diff(first, append=len(whole))
    is_thinned = np.repeat(is_whole, counts)
    # What held over a border is needed there if what it held from is gone.
    after_thinned = np.append(False, is_thinned[:-1])
    kept = whole.at(np.flatnonzero(~is_thinned & (is_own | after_thinned)))
    made = _made(whole, (first, counts, is_whole), statistic, step_s)
    if statistic is Statistic.INSTANT:
        kept.step_s[:] = made.step_s[:] = 0
    both = joined([part for part in (kept, made) if len(part)])
    return both.at(np.argsort(both.start_s, kind="stable"))


def _made(run: Run, groups: tuple[Longs, Longs, Bools], statistic: Statistic, step_s: int) -> Run:
    """Give the one reading of each whole interval."""
    first, counts, is_whole = groups
    if not is_whole.any():
        return run.between(0, 0)
    is_member = np.repeat(is_whole, counts)
    members = run.at(np.flatnonzero(is_member))
    begin = np.cumsum(counts[is_whole]) - counts[is_whole]
    if statistic is Statistic.MAX:
        value = np.maximum.reduceat(members.value, begin)
    elif statistic is Statistic.SUM:
        value = np.add.reduceat(members.value, begin)
    else:
        amount = np.add.reduceat(members.value * members.step_s, begin)
        # Whole units in the order of time; what is over goes into the next interval.
        carried = (amount - amount // step_s * step_s).cumsum() // step_s
        value = amount // step_s + np.diff(carried, prepend=0)
    return Run(
        run.start_s[first[is_whole]] // step_s * step_s,
        np.full(int(is_whole.sum()), step_s, np.int32),
        value,
        np.maximum.reduceat(members.quality, begin),
        np.maximum.reduceat(members.at_s, begin),
    )


def _is_whole(run: Run, slot: Longs, first: Longs, step_s: int) -> Bools:
    """Say which intervals are covered from end to end by readings that lie in them."""
    end_s = run.start_s + run.step_s
    is_next = np.append(True, run.start_s[1:] == end_s[:-1])
    is_next[first] = run.start_s[first] == slot[first] * step_s
    last = np.append(first[1:], len(run)) - 1
    is_good = is_next & (run.quality != Quality.MISSING)
    is_whole: Bools = np.logical_and.reduceat(is_good, first)
    is_whole &= end_s[last] == (slot[first] + 1) * step_s
    return is_whole


def _fits(run: Run, step_s: int) -> bool:
    """Say whether what an interval adds up to fits into 64 bits."""
    largest = max(abs(int(run.value.min())), abs(int(run.value.max())))
    return largest * step_s < _MOST


def _held(run: Run, step_s: int) -> tuple[Run, Bools]:
    """Give instants as means that hold until the next one, cut at the borders of intervals.

    Returns:
        the means; and which of them begin at an instant of the run.
    """
    gap_s = np.diff(run.start_s)
    is_known = run.quality != Quality.MISSING
    is_bridged = (gap_s <= LIVE_HOLD_S) & is_known[:-1] & is_known[1:]
    borders = run.start_s[1:] - 1
    crossed = borders // step_s - run.start_s[:-1] // step_s
    holder = np.repeat(np.arange(len(gap_s)), np.where(is_bridged, crossed, 0))
    number = np.arange(len(holder)) - np.searchsorted(holder, holder) + 1
    cuts = run.at(holder)
    cut_s = (cuts.start_s // step_s + number) * step_s
    cuts = Run(cut_s, cuts.step_s, cuts.value, cuts.quality, cuts.at_s)
    both = joined([run, cuts])
    order = np.argsort(both.start_s, kind="stable")
    whole = both.at(order)
    until_s = np.append(np.minimum(np.diff(whole.start_s), LIVE_HOLD_S), LIVE_HOLD_S)
    means = Run(whole.start_s, until_s.astype(np.int32), whole.value, whole.quality, whole.at_s)
    return means, order < len(run)


def _fewer_registers(run: Run, step_s: int) -> Run:
    slot = run.start_s // step_s
    kept = np.append(True, slot[1:] != slot[:-1])
    kept[-1] = True
    is_mark = run.quality == Quality.MISSING
    falls = np.flatnonzero((run.value[1:] < run.value[:-1]) | is_mark[1:] | is_mark[:-1])
    kept[falls] = kept[falls + 1] = True
    return run.at(np.flatnonzero(kept))

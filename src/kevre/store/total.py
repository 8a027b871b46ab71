"""Totals of intervals: each reading becomes a stretch of time, cut at the intervals' borders.

Amounts are exact whole numbers: value x seconds of means and instants, value x 86,400 of
sums and registers, split by time share so that the parts of one reading always add up to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kevre.model.series import LIVE_HOLD_S, Statistic
from kevre.store.amount import Amounts, regrouped, scaled_sum, sums
from kevre.store.calendar import Slots
from kevre.store.flat import Flat
from kevre.store.result import Bytes, Floats, Longs
from kevre.store.stretch import IS_ESTIMATE, Stretches, Wholes, cut, cut_short, reach, stretches

AMOUNT_DAY = 86_400
# Parts of stretches that are held at once: about 150 bytes each, while they are summed.
_MOST_PARTS = 1_000_000
_RATES = {Statistic.MEAN, Statistic.INSTANT}


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Per series and slot, sorted by both, where something is known; shape (n,) each.

    Mantissas are at the exponent of the series.

    Attributes:
        series: int64 keys.
        slot: int64, the number of the interval in its `Slots`.
        amount: value x seconds or value x 86,400 (see the module), exact: int64, or an
            object array of Python ints if one of them needs more; None for maxima, which
            have no total.
        covered_s, estimated_s: int64, seconds that are known, and known by estimates.
        minimum, maximum: int64, of the readings that have a part in the slot; None for
            registers, whose advances are no readings.
        quality: uint8, the highest code among them.
    """

    series: Longs
    slot: Longs
    amount: Amounts | None
    covered_s: Longs
    estimated_s: Longs
    minimum: Longs | None
    maximum: Longs | None
    quality: Bytes

    def __len__(self) -> int:
        """Count the pairs of series and slot."""
        return len(self.series)

    @property
    def amounts(self) -> Floats:
        """Give float64, shape (n,): the amounts, rounded once; NaN for maxima."""
        if self.amount is None:
            return np.full(len(self), np.nan)
        return self.amount.astype(np.float64)


def reach_s(statistic: Statistic, longest_s: int) -> int:
    """Give how far before a span a reading may start and still have a part in it [s].

    A register has a part over any distance: of each series give the last valued reading
    before the span and the first one at its end or later. The others need no reading that
    starts at the end or later.

    Args:
        statistic: of the series.
        longest_s: the longest step of the series [s].
    """
    if statistic in {Statistic.MAX, Statistic.REGISTER}:
        return 0
    return LIVE_HOLD_S if statistic is Statistic.INSTANT else max(longest_s, 1)


def totals(flat: Flat, statistic: Statistic, span_s: tuple[int, int], slots: Slots) -> Totals:
    """Give the totals of series of one statistic, from all readings that reach into a span.

    Readings beyond the span may be given: they do no harm. Beside readings and answer, some
    120 bytes a reading are held meanwhile, and what _MOST_PARTS take; a long step cut into
    short intervals makes the answer longer than the readings.

    Args:
        flat: the readings; how many are needed before the span, `reach_s` says.
        statistic: of all series.
        span_s: only what lies between these instants counts [epoch s].
        slots: consecutive intervals that cover the span.
    """
    whole = stretches(flat, statistic, span_s)
    if statistic is Statistic.MAX:
        whole = whole.only(whole.start_s >= span_s[0])
        parts, place = cut_short(whole, slots)
        return _summed(flat.series, statistic, parts, place, slots)
    first, last = reach(whole, slots)
    if last is first:
        return _summed(flat.series, statistic, whole, first, slots)
    found = []
    for block in _blocks(last - first + 1):
        parts, place = cut(whole.at(block), slots, first[block], last[block])
        found.append(_summed(flat.series, statistic, parts, place, slots))
    return merged(found)


def _blocks(count: Longs) -> Iterator[slice]:
    """Give runs of stretches with about _MOST_PARTS parts each, or one that has more."""
    ends = np.cumsum(count)
    steps = np.arange(_MOST_PARTS, ends[-1], _MOST_PARTS)
    borders = np.unique(np.searchsorted(ends, steps) + 1)
    inner = borders[borders < len(count)].tolist()
    yield from (slice(*pair) for pair in pairwise([0, *inner, len(count)]))


def _summed(
    series: Longs, statistic: Statistic, parts: Stretches, place: Longs, slots: Slots
) -> Totals:
    """Sum parts, of which neighbours of one owner and one place belong together."""
    firsts = _firsts(parts.owner, place)
    covered_s = parts.hi_s - parts.lo_s
    is_register = statistic is Statistic.REGISTER
    return Totals(
        series[parts.owner[firsts]],
        slots.slot[place[firsts]],
        _amount(parts, covered_s, firsts, statistic),
        np.add.reduceat(covered_s, firsts),
        _estimated_s(parts, covered_s, firsts),
        None if is_register else np.minimum.reduceat(parts.value, firsts),
        None if is_register else np.maximum.reduceat(parts.value, firsts),
        np.maximum.reduceat(parts.quality, firsts),
    )


def regrouped_by(found: Totals, slot: Longs) -> Totals:
    """Sum totals whose slots are parts of greater ones.

    Args:
        found: totals, in any order; one pair may stand there more than once.
        slot: int64, shape (n,): the greater slot of each.
    """
    found = replace(found, slot=slot)
    if not _is_sorted(found):
        found = _at(found, np.lexsort((slot, found.series)))
    firsts = _firsts(found.series, found.slot)
    if len(firsts) == len(found):
        return found

    def extreme(kind: np.ufunc, of: Longs | None) -> Longs | None:
        return None if of is None else kind.reduceat(of, firsts)

    return Totals(
        found.series[firsts],
        found.slot[firsts],
        None if found.amount is None else regrouped(found.amount, firsts),
        np.add.reduceat(found.covered_s, firsts),
        np.add.reduceat(found.estimated_s, firsts),
        extreme(np.minimum, found.minimum),
        extreme(np.maximum, found.maximum),
        np.maximum.reduceat(found.quality, firsts),
    )


def merged(parts: Sequence[Totals]) -> Totals:
    """Sum totals of one statistic, at least one, whose series differ or whose spans meet.

    Spans of maxima must meet at a border of slots: a maximum has no part but its first.
    """
    if len(parts) == 1:
        return parts[0]
    columns: list[list[Any]] = [
        [getattr(part, name) for part in parts] for name in Totals.__slots__
    ]
    joined: list[Any] = [None if of[0] is None else np.concatenate(of) for of in columns]
    whole = Totals(*joined)
    return regrouped_by(whole, whole.slot)


def by_class(found: Totals, classes: Sequence[str]) -> dict[str, Totals]:
    """Sum the totals of spans by the class of the span, such as HP and HC.

    Args:
        found: totals whose slots number the spans from 0 on, as those of `calendar.of_spans`.
        classes: the class of each span.

    Returns:
        For each class with something known, one line a series, all of slot 0.
    """
    names, number = np.unique(np.asarray(classes, dtype=str), return_inverse=True)
    summed = regrouped_by(found, number[found.slot])
    of = {str(name): _at(summed, summed.slot == at) for at, name in enumerate(names)}
    return {
        name: replace(part, slot=np.zeros_like(part.slot)) for name, part in of.items() if len(part)
    }


def _is_sorted(found: Totals) -> bool:
    series, slot = found.series, found.slot
    rises = (series[1:] == series[:-1]) & (slot[1:] >= slot[:-1])
    return bool((rises | (series[1:] > series[:-1])).all())


def _at(found: Totals, places: NDArray[np.bool_] | Longs) -> Totals:
    whole: list[Any] = [getattr(found, name) for name in Totals.__slots__]
    columns: list[Any] = [None if of is None else of[places] for of in whole]
    return Totals(*columns)


def _firsts(owner: Longs, place: Longs) -> Longs:
    """Give where each run of one owner and one place begins."""
    changes = np.empty(len(owner), np.bool_)
    changes[:1] = True
    np.not_equal(owner[1:], owner[:-1], out=changes[1:])
    changes[1:] |= place[1:] != place[:-1]
    return np.flatnonzero(changes)


def _estimated_s(parts: Stretches, covered_s: Longs, firsts: Longs) -> Longs:
    is_estimate = IS_ESTIMATE[parts.quality]
    if not is_estimate.any():
        return np.zeros(len(firsts), np.int64)
    estimated_s: Longs = np.add.reduceat(covered_s * is_estimate, firsts)
    return estimated_s


def _amount(
    parts: Stretches, covered_s: Longs, firsts: Longs, statistic: Statistic
) -> Amounts | None:
    if statistic is Statistic.MAX:
        return None
    if statistic in _RATES:
        longest_s = int(np.add.reduceat(covered_s, firsts).max(initial=0))
        return sums(parts.value, covered_s, firsts, longest_s)
    whole, rest = _shares(parts, covered_s)
    most = int(np.diff(firsts, append=len(parts)).max(initial=0))
    amount = sums(whole, None, firsts, most)
    return scaled_sum(amount, AMOUNT_DAY, np.add.reduceat(rest, firsts))


def _shares(parts: Stretches, covered_s: Longs) -> tuple[Wholes, Longs]:
    """Give (a, b) such that a x 86,400 + b is the amount of each part.

    A part counts what the value has reached at its end, less that at its start, each
    rounded towards zero: so the parts of one value add up to it.
    """
    rest = np.zeros(len(parts), np.int64)
    at = np.flatnonzero(covered_s != parts.length_s)
    if not len(at):
        return parts.value, rest
    cuts = parts.at(at)
    size = np.abs(cuts.value).view(np.uint64)
    length_s = cuts.length_s.view(np.uint64)
    before, before_rest = _reached(size, cuts.lo_s - cuts.start_s, length_s)
    after, after_rest = _reached(size, cuts.hi_s - cuts.start_s, length_s)
    whole, gained = parts.value.copy(), (after - before).view(parts.value.dtype)
    whole[at] = np.where(cuts.value < 0, -gained, gained)
    gained_rest = (after_rest - before_rest).view(np.int64)
    rest[at] = np.where(cuts.value < 0, -gained_rest, gained_rest)
    return whole, rest


def _reached(
    size: NDArray[np.uint64], reached_s: Longs, length_s: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Give size x 86,400 x reached_s // length_s, as (a, b) of a x 86,400 + b.

    Nothing overflows as long as a length has 32 bits: 136 years.
    """
    elapsed_s = reached_s.view(np.uint64)
    each, left = np.divmod(size, length_s)
    more, rest = np.divmod(left * AMOUNT_DAY, length_s)
    return each * elapsed_s, more * elapsed_s + rest * elapsed_s // length_s

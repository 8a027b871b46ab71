"""Fewer readings that say the same in sum: runs of one series merged into one reading.

Used where the spool is full, and where a dead band lets small changes go. What a run adds
up to stays what it was: a mean keeps mean times length, a sum its sum, a register its last
state, a maximum the highest. An instant holds until the next one, for LIVE_HOLD_S at most,
so its run becomes the mean over that time, and never grows longer than the hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from kevre.model import exact
from kevre.model.errors import Malformed
from kevre.model.reading import Reading
from kevre.model.series import LIVE_HOLD_S, Statistic

_FINER = 2  # decimals that a mean gets beyond those of its run


@dataclass(frozen=True, slots=True)
class Merged:
    """One reading that stands for `count` of them: itself alone, or a run."""

    reading: Reading
    count: int = 1


def merged(
    readings: Sequence[Reading],
    statistic: Statistic,
    *,
    width_s: int,
    band: Decimal | None = None,
) -> Iterator[Merged]:
    """Merge neighbours of one series; every reading is counted in exactly one result.

    What a mean loses by rounding is added to the next, so that the whole is off by less than
    half a unit of the last decimal, once.

    Args:
        readings: of one series, in strictly increasing time.
        statistic: of the series.
        width_s: longest time that one result may stand for [s].
        band: values of a run differ from its first by no more; None for any.
    """
    carry = _Carry(_finest(readings))
    run: list[Reading] = []
    for reading, following in pairwise((*readings, None)):
        if reading is None:
            continue
        if run and not _joins(run, reading, following, statistic, width_s, band):
            yield from _closed(run, reading, statistic, carry)
            run = []
        run.append(reading)
    if run:
        yield from _closed(run, None, statistic, carry)


@dataclass(slots=True)
class _Carry:
    """The exponent of means, and what rounding has left over [10**exponent s]."""

    exponent: int
    rest: int = 0

    def exact(self, value: int) -> exact.Exact:
        """Give a value at this exponent, without zeros at its end."""
        return exact.from_decimal(Decimal(value).scaleb(self.exponent))


def _finest(readings: Sequence[Reading]) -> int:
    own = min((one.value[1] for one in readings if one.value is not None), default=0)
    return max(own - _FINER, exact.FINEST)


def _joins(
    run: Sequence[Reading],
    reading: Reading,
    following: Reading | None,
    statistic: Statistic,
    width_s: int,
    band: Decimal | None,
) -> bool:
    first, last = run[0], run[-1]
    if first.value is None or reading.value is None or first.quality is not reading.quality:
        return False
    if band is not None and abs(_decimal(reading) - _decimal(first)) > band:
        return False
    if statistic is Statistic.INSTANT:
        if following is None or following.start_s - reading.start_s > LIVE_HOLD_S:
            return False
        close = reading.start_s - last.start_s <= LIVE_HOLD_S
        return close and following.start_s - first.start_s <= min(width_s, LIVE_HOLD_S)
    if statistic is Statistic.REGISTER or (reading.step_s == 0 and last.step_s == 0):
        return reading.start_s - first.start_s < width_s
    end_s = reading.start_s + reading.step_s
    return last.start_s + last.step_s == reading.start_s and end_s - first.start_s <= width_s


def _closed(
    run: list[Reading], following: Reading | None, statistic: Statistic, carry: _Carry
) -> Iterator[Merged]:
    if len(run) > 1:
        try:
            yield Merged(_MERGES[statistic](run, following, carry), len(run))
        except Malformed:  # beyond 64 bits: too large to be merged
            pass
        else:
            return
    yield from map(Merged, run)


def _mean(run: list[Reading], following: Reading | None, carry: _Carry) -> Reading:
    """Give the mean of instants or of means, each for as long as it stands."""
    starts = [one.start_s for one in run]
    if run[0].step_s:
        lengths = [one.step_s for one in run]
    elif following is not None:
        lengths = [b - a for a, b in pairwise((*starts, following.start_s))]
    else:
        raise AssertionError("the last instant of all is in no run: how long it holds is not known")
    values = [_aligned(one, carry.exponent) for one in run]
    whole = sum(value * length for value, length in zip(values, lengths, strict=True))
    whole_s = sum(lengths)
    value = (2 * (whole + carry.rest) + whole_s) // (2 * whole_s)
    carry.rest += whole - value * whole_s
    step_s = whole_s if run[0].step_s else 0
    return replace(run[0], step_s=step_s, value=carry.exact(value))


def _sum(run: list[Reading], following: Reading | None, carry: _Carry) -> Reading:
    del following
    value = sum(_aligned(one, carry.exponent) for one in run)
    step_s = run[-1].start_s + run[-1].step_s - run[0].start_s
    return replace(run[0], step_s=step_s, value=carry.exact(value))


def _last(run: list[Reading], following: Reading | None, carry: _Carry) -> Reading:
    del following, carry
    return run[-1]


def _highest(run: list[Reading], following: Reading | None, carry: _Carry) -> Reading:
    del following, carry
    top = max(run, key=_decimal)
    if run[0].step_s == 0:
        return top
    step_s = run[-1].start_s + run[-1].step_s - run[0].start_s
    return replace(top, start_s=run[0].start_s, step_s=step_s)


def _decimal(reading: Reading) -> Decimal:
    mantissa, exponent = reading.value or (0, 0)
    return Decimal(mantissa).scaleb(exponent)


def _aligned(reading: Reading, exponent: int) -> int:
    mantissa, own = reading.value or (0, exponent)
    return int(mantissa * 10 ** (own - exponent))


_MERGES: dict[Statistic, Callable[[list[Reading], Reading | None, _Carry], Reading]] = {
    Statistic.INSTANT: _mean,
    Statistic.MEAN: _mean,
    Statistic.SUM: _sum,
    Statistic.REGISTER: _last,
    Statistic.MAX: _highest,
}

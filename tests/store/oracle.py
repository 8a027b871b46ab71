"""Totals by the book: one reading after the other, in fractions, as the statistics say."""

from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from kevre.model.quality import Quality
from kevre.model.series import LIVE_HOLD_S, Statistic


class Sum(NamedTuple):
    amount: Fraction | None  # value x s, or value of sums and registers
    covered_s: int
    estimated_s: int
    minimum: int | None
    maximum: int | None


def spans(statistic, readings):
    """(start_s, end_s, whole length, value, is_estimate) of each reading that counts."""
    known = [r for r in readings if r[2] is not None]
    if statistic is Statistic.REGISTER:
        for (a, _, low, q), (b, _, high, r) in pairwise(known):
            if high >= low:
                estimate = Quality(q).is_estimate or Quality(r).is_estimate
                yield a, b, b - a, high - low, estimate
        return
    some = readings if statistic is Statistic.INSTANT else known
    for index, (start_s, step_s, value, quality) in enumerate(some):
        if value is None:
            continue
        length_s = {Statistic.INSTANT: LIVE_HOLD_S, Statistic.MEAN: step_s}.get(
            statistic, max(step_s, 1)
        )
        end_s = start_s + length_s
        if index + 1 < len(some):
            end_s = min(end_s, some[index + 1][0])
        if end_s > start_s:
            yield start_s, end_s, length_s, value, Quality(quality).is_estimate


def total(statistic, readings, day):
    """The totals of one day; None where nothing is known."""
    amount, covered_s, estimated_s, values = Fraction(0), 0, 0, []
    for start_s, end_s, length_s, value, is_estimate in spans(statistic, readings):
        if statistic is Statistic.MAX and not day.start_s <= start_s < day.end_s:
            continue
        shared_s = min(end_s, day.end_s) - max(start_s, day.start_s)
        if shared_s <= 0:
            continue
        is_rate = statistic in {Statistic.MEAN, Statistic.INSTANT}
        amount += value * shared_s if is_rate else Fraction(value * shared_s, length_s)
        covered_s += shared_s
        estimated_s += shared_s * is_estimate
        values.append(value)
    if not covered_s:
        return None
    if statistic is Statistic.REGISTER:
        return Sum(amount, covered_s, estimated_s, None, None)
    known_amount = None if statistic is Statistic.MAX else amount
    return Sum(known_amount, covered_s, estimated_s, min(values), max(values))

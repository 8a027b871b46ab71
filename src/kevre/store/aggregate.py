"""Totals of intervals from what is on disk: which readings count, batch by batch.

What a reading counts for says `total`; here it is decided which ones can reach into a span.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import numpy as np

from kevre.model.series import Statistic
from kevre.store import gather, total
from kevre.store.calendar import Slots
from kevre.store.catalog import Declared
from kevre.store.gather import Spans
from kevre.store.result import Longs
from kevre.store.total import Totals

# How far away the neighbour of a register is looked for, first near, then anywhere [s].
_FAR_S = 2**34
_LOOKS_S = (3 * 86_400, 60 * 86_400, _FAR_S)


def totals(
    cursor: duckdb.DuckDBPyConnection,
    spans: Spans,
    statistic: Statistic,
    span_s: tuple[int, int],
    slots: Slots,
) -> Iterator[Totals]:
    """Give the totals of series of one statistic and one zone, from their readings.

    Only what lies between the two instants of `span_s` counts; `slots` must cover it. Which
    readings are to be looked at, `reaching` says. Each series is in one of the answers, which
    come in the order of the keys.
    """
    for some in gather.batches(cursor, spans):
        yield total.totals(gather.readings(cursor, some), statistic, span_s, slots)


def reaching(
    cursor: duckdb.DuckDBPyConnection, group: Sequence[Declared], span_s: tuple[int, int]
) -> Spans:
    """Give where the readings start that can have a part in a span."""
    lo_s, hi_s = span_s
    spans = spans_of(group, lo_s, hi_s)
    if group[0].statistic is Statistic.REGISTER:
        return neighbours(cursor, spans)
    longest_s = max(one.longest_s for one in group)
    spans.lo_s[:] -= total.reach_s(group[0].statistic, longest_s)
    return spans


def spans_of(group: Sequence[Declared], lo_s: int, hi_s: int) -> Spans:
    """Ask the same time of each of some series."""
    return Spans.same([one.series for one in group], [one.exponent for one in group], lo_s, hi_s)


def neighbours(cursor: duckdb.DuckDBPyConnection, spans: Spans) -> Spans:
    """Widen spans to the last valued reading before each, and to the first at its end or later."""
    before = _nearest(cursor, spans, is_before=True)
    after = _nearest(cursor, spans, is_before=False)
    return Spans(spans.series, spans.exponent, before, after + 1)


def _nearest(cursor: duckdb.DuckDBPyConnection, spans: Spans, *, is_before: bool) -> Longs:
    """Give the start of the nearest valued reading outside each span, or its border."""
    border = (spans.lo_s if is_before else spans.hi_s).copy()
    open_ = np.arange(len(border))
    near_s = 0
    for far_s in _LOOKS_S:
        low, high = (-far_s, -near_s) if is_before else (near_s, far_s)
        asked = Spans(
            spans.series[open_],
            spans.exponent[open_],
            border[open_] + low,
            border[open_] + high,
        )
        near_s = far_s
        done = 0
        found = np.zeros(len(open_), bool)
        for some in gather.batches(cursor, asked):
            held = gather.readings(cursor, some)
            held = held.only(held.is_known)
            mine = np.arange(done, done + len(some.series))
            done += len(some.series)
            has = np.diff(held.bounds) > 0
            at = held.bounds[1:][has] - 1 if is_before else held.bounds[:-1][has]
            border[open_[mine[has]]] = held.start_s[at]
            found[mine[has]] = True
        open_ = open_[~found]
        if not len(open_):
            break
    return border

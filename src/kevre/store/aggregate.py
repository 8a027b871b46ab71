"""Totals of intervals: each reading becomes a span of time, cut at the intervals' borders.

How long a value stands, and for how much, follows from its statistic (`model.series`):
a mean and a sum for their step, but never beyond the next reading's start, so that nothing
counts twice where steps change; a register from the register before it; an instant until the
next one, for LIVE_HOLD_S at most; a maximum at its start alone. Amounts are exact whole
numbers: value x seconds of means and instants, value x 86,400 of sums and registers, split by
time share so that the parts of one reading always add up to it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from kevre.model.quality import Quality
from kevre.model.series import LIVE_HOLD_S, Statistic
from kevre.store import catalog
from kevre.store.calendar import Slots
from kevre.store.catalog import Declared
from kevre.store.result import Floats, Longs

AMOUNT_DAY = 86_400
ESTIMATES = sum(1 << quality for quality in Quality if quality.is_estimate)

HELD = """
    with span as (
        select series, start_s, greatest(step_s, $least_s) as length_s, value, quality,
            least(start_s + greatest(step_s, $least_s),
                coalesce(lead(start_s) over next_one, start_s + greatest(step_s, $least_s))
            ) as end_s
        from reading
        where series in (select series from chosen) and value is not null
            and start_s >= $since_s and start_s < $until_s
        window next_one as (partition by series order by start_s)
    ),
"""
INSTANTS = """
    with follow as (
        select series, start_s, value, quality,
            lead(start_s) over (partition by series order by start_s) as next_s
        from reading
        where series in (select series from chosen)
            and start_s >= $since_s and start_s < $until_s
    ),
    span as (
        select series, start_s, $least_s as length_s, value, quality,
            least(start_s + $least_s, coalesce(next_s, start_s + $least_s)) as end_s
        from follow where value is not null
    ),
"""
REGISTERS = """
    with follow as (
        select series, start_s as end_s, value::hugeint as value, quality,
            lag(start_s) over last_one as start_s,
            lag(value) over last_one as last_value,
            lag(quality) over last_one as last_quality
        from reading
        where series in (select series from chosen) and value is not null
            and start_s >= $since_s and start_s <= $until_s
        window last_one as (partition by series order by start_s)
    ),
    span as (
        select series, start_s, end_s - start_s as length_s, value - last_value as value,
            case when ($estimates >> last_quality) & 1 = 1 then last_quality
                else quality end as quality,
            end_s
        from follow where value >= last_value
    ),
"""
PLACED = """
    clipped as (
        select *, greatest(start_s, $lo_s) as lo_s, least(end_s, $hi_s) as hi_s
        from span where start_s < $hi_s and end_s > $lo_s and end_s > start_s
    ),
    placed as (
        select clipped.*, slot.slot, slot.place, slot.end_s as slot_end_s
        from clipped asof join slot on clipped.lo_s >= slot.start_s
    ),
"""
# An inequality join of what crosses a border took 200 times as long on a year of readings.
CUT = """
    crossing as (
        select placed.*, unnest(range(placed.place, last.place + 1)) as at
        from placed asof join slot as last on placed.hi_s - 1 >= last.start_s
        where placed.hi_s > placed.slot_end_s
    ),
    part as (
        select series, slot, start_s, length_s, value, quality, lo_s, hi_s
        from placed where hi_s <= slot_end_s
        union all
        select series, slot.slot, crossing.start_s, length_s, value, quality,
            greatest(lo_s, slot.start_s), least(hi_s, slot.end_s)
        from crossing join slot on slot.place = crossing.at
    ),
"""
FIRST = "part as (select * replace (least(hi_s, slot_end_s) as hi_s) from placed), "
TIMES = "total as (select series, slot, sum(value::hugeint * (hi_s - lo_s)) as amount, "
SHARES = """
    total as (select series, slot, sum(
        case when hi_s - lo_s = length_s then value::hugeint * 86400
        else value::hugeint * 86400 * (hi_s - start_s) // length_s
            - value::hugeint * 86400 * (lo_s - start_s) // length_s end) as amount,
"""
NO_AMOUNT = "total as (select series, slot, null::hugeint as amount, "
TOTALS = """
        sum(hi_s - lo_s)::bigint as covered_s,
        sum((hi_s - lo_s) * (($estimates >> quality) & 1))::bigint as estimated_s,
        min(value) as minimum, max(value) as maximum, max(quality) as quality
    from part group by series, slot)
"""
NEIGHBOURS = """
    select coalesce(min(before_s), $lo_s), coalesce(max(after_s), $hi_s) from (
        select max(start_s) filter (start_s < $lo_s) as before_s,
            min(start_s) filter (start_s >= $hi_s) as after_s
        from reading where series in (select series from chosen) and value is not null
        group by series)
"""
EXTENT = """
    select min(start_s), max(start_s + greatest(step_s, 600))
    from reading where series in (select series from chosen)
"""
ORDERED = "select * from total order by series, slot"
STEM = {
    Statistic.MEAN: HELD + PLACED + CUT + TIMES + TOTALS,
    Statistic.SUM: HELD + PLACED + CUT + SHARES + TOTALS,
    Statistic.REGISTER: REGISTERS + PLACED + CUT + SHARES + TOTALS,
    Statistic.INSTANT: INSTANTS + PLACED + CUT + TIMES + TOTALS,
    Statistic.MAX: HELD + PLACED + FIRST + NO_AMOUNT + TOTALS,
}
# How long a reading without a step stands [s]: a count of a moment takes one second.
_LEAST_S = {
    Statistic.MEAN: 0,
    Statistic.SUM: 1,
    Statistic.INSTANT: LIVE_HOLD_S,
    Statistic.MAX: 1,
}


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Per series and slot, sorted by both; mantissas at the exponent of the series.

    Attributes:
        amount: value x seconds or value x 86,400 (see the module); NaN for maxima.
        minimum, maximum: of the readings that have a part in the slot.
        quality: the highest code among them.
    """

    series: Longs
    slot: Longs
    amount: Floats
    covered_s: Longs
    estimated_s: Longs
    minimum: Floats
    maximum: Floats
    quality: NDArray[np.uint8]


def totals(
    cursor: duckdb.DuckDBPyConnection,
    group: Sequence[Declared],
    span_s: tuple[int, int],
    slots: Slots,
) -> Totals:
    """Give the totals of series of one statistic and one zone, from their readings.

    Only what lies between the two instants of `span_s` counts; `slots` must cover it.
    """
    bind(cursor, slots)
    statement = STEM[group[0].statistic] + ORDERED
    found = cursor.execute(statement, parameters(cursor, group, span_s)).fetchnumpy()
    cursor.unregister("slot")
    return Totals(
        found["series"].astype(np.int64),
        found["slot"],
        np.ma.filled(found["amount"].astype(np.float64), np.nan),
        found["covered_s"],
        found["estimated_s"],
        found["minimum"].astype(np.float64),
        found["maximum"].astype(np.float64),
        found["quality"],
    )


def bind(cursor: duckdb.DuckDBPyConnection, slots: Slots) -> None:
    """Let the statements of STEM see the intervals as the table `slot`."""
    columns = {
        "place": np.arange(len(slots.slot)),
        "slot": slots.slot,
        "start_s": slots.start_s,
        "end_s": slots.end_s,
    }
    cursor.register("slot", columns)


def parameters(
    cursor: duckdb.DuckDBPyConnection, group: Sequence[Declared], span_s: tuple[int, int]
) -> dict[str, object]:
    """Give the parameters of STEM: which readings can reach into the span."""
    lo_s, hi_s = span_s
    statistic = group[0].statistic
    catalog.choose(cursor, [one.series for one in group])
    bound: dict[str, object] = {
        "estimates": ESTIMATES,
        "lo_s": lo_s,
        "hi_s": hi_s,
    }
    if statistic is Statistic.REGISTER:
        since_s, until_s = neighbours(cursor, group, span_s)
        return bound | {"since_s": since_s, "until_s": until_s}
    bound["least_s"] = _LEAST_S[statistic]
    return bound | {"since_s": lo_s - _reach_s(group), "until_s": hi_s}


def neighbours(
    cursor: duckdb.DuckDBPyConnection, group: Sequence[Declared], span_s: tuple[int, int]
) -> tuple[int, int]:
    """Give the starts of the last valued reading before a span and the first after it."""
    catalog.choose(cursor, [one.series for one in group])
    row = cursor.execute(NEIGHBOURS, {"lo_s": span_s[0], "hi_s": span_s[1]}).fetchone()
    return (int(row[0]), int(row[1])) if row else span_s


def extent(cursor: duckdb.DuckDBPyConnection, series: Collection[int]) -> tuple[int, int] | None:
    """Give the start of the first reading and the end of the last, of all series together."""
    catalog.choose(cursor, series)
    row = cursor.execute(EXTENT).fetchone()
    return (int(row[0]), int(row[1])) if row and row[0] is not None else None


def _reach_s(group: Sequence[Declared]) -> int:
    """Give how far before its span a reading can start and still have a part in it [s]."""
    statistic = group[0].statistic
    if statistic is Statistic.MAX:
        return 0
    if statistic is Statistic.INSTANT:
        return LIVE_HOLD_S
    return max(one.longest_s for one in group)

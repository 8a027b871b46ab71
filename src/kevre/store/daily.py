"""Daily totals: one row per series and local day, recomputed from readings, read by pages."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from kevre.model.series import LIVE_HOLD_S, Statistic
from kevre.model.step import Resolution
from kevre.model.window import Window, civil_days, local_day
from kevre.store import aggregate, calendar, catalog, gather, total
from kevre.store.calendar import Slots
from kevre.store.catalog import Declared
from kevre.store.flat import Flat
from kevre.store.gather import Spans
from kevre.store.result import DayTotals, Floats, Longs, PeriodTotals
from kevre.store.total import Totals

DELETE = """
    delete from daily using dirty
    where daily.series = dirty.series and day >= date '1970-01-01' + dirty.first::integer
        and day <= date '1970-01-01' + dirty.last::integer
"""
DELETE_ALL = "delete from daily where series = ?"
# An amount may need more than 64 bits: it comes as two numbers.
INSERT = """
    insert into daily
    select series, date '1970-01-01' + slot::integer, day_s, exponent,
        case when $has_amount then high::hugeint * 4294967296 + low end,
        covered_s, estimated_s,
        case when $has_range then minimum end, case when $has_range then maximum end
    from total
"""
READ = """
    select daily.series, day,
        case when statistic in ('sum', 'register') then amount::double / 86400
            when statistic in ('mean', 'instant') and unit = 'W' then amount::double / 3600
            end as total,
        case when statistic in ('mean', 'instant') then amount::double / covered_s end as mean,
        minimum::double as minimum, maximum::double as maximum,
        covered_s / day_s as coverage, estimated_s / covered_s as estimated,
        covered_s, estimated_s, day_s, daily.exponent
    from daily join series on series.id = daily.series
    where daily.series in (select series from chosen) and day between $first and $last
"""
SINGLE = READ + " order by daily.series, day"
# Sums of days by calendar period; week and month begin on their first day.
BY_PERIOD = """
    select series, date_trunc($period, day)::date as first,
        sum(total * pow(10::double, exponent)) as total,
        sum(covered_s)::double as covered_s, sum(estimated_s)::double as estimated_s
    from own group by all order by series, first
"""
OWN = "with own as ("
BY_DAY = """)
    select day, sum(total * pow(10::double, exponent)) as total,
        sum(covered_s) / ($count * max(day_s)) as coverage,
        sum(estimated_s) / sum(covered_s) as estimated
    from own group by day order by day
"""
SUMMED = OWN + READ + BY_DAY

PERIODS = {Resolution.WEEK: "week", Resolution.MONTH: "month", Resolution.YEAR: "year"}


@dataclass(frozen=True, slots=True)
class Dirty:
    """Local days of a series whose readings changed, from `first` to `last`."""

    declared: Declared
    first: date
    last: date


def refresh(cursor: duckdb.DuckDBPyConnection, dirty: Sequence[Dirty]) -> int:
    """Recompute days of series, and those that their readings reach into; count the rows."""

    def key(one: Dirty) -> tuple[str, str]:
        return one.declared.statistic.value, one.declared.zone.key

    return sum(
        _refresh(cursor, sorted(group, key=lambda one: one.declared.series))
        for _, group in groupby(sorted(dirty, key=key), key=key)
    )


def rebuild(cursor: duckdb.DuckDBPyConnection, declared: Declared) -> None:
    """Recompute every day of a series, as when its calendar changed."""
    cursor.execute(DELETE_ALL, [declared.series])
    extent = gather.extent(cursor, [declared.series])
    if extent is not None:
        span = Window.of_seconds(*extent)
        zone = declared.zone
        whole = Dirty(declared, local_day(span.start, zone), local_day(span.end, zone))
        refresh(cursor, [whole])


def read(
    cursor: duckdb.DuckDBPyConnection, series: Collection[int], first: date, last: date
) -> DayTotals:
    """Give the daily totals of series from one day to another, both included."""
    catalog.choose(cursor, series)
    found = cursor.execute(SINGLE, {"first": first, "last": last}).fetchnumpy()
    power = np.power(10.0, np.abs(found["exponent"].astype(np.float64)))
    is_fraction = found["exponent"] < 0

    def unscaled(name: str) -> Floats:
        number = _floats(found[name])
        return np.where(is_fraction, number / power, number * power)

    return DayTotals(
        found["series"].astype(np.int64),
        found["day"].astype("datetime64[D]"),
        unscaled("total"),
        unscaled("mean"),
        unscaled("minimum"),
        unscaled("maximum"),
        _floats(found["coverage"]).astype(np.float32),
        _floats(found["estimated"]).astype(np.float32),
    )


def summed(
    cursor: duckdb.DuckDBPyConnection, series: Collection[int], first: date, last: date
) -> DayTotals:
    """Give the sum over series, day by day, under the key 0."""
    catalog.choose(cursor, series)
    bound = {"first": first, "last": last, "count": len(series)}
    found = cursor.execute(SUMMED, bound).fetchnumpy()
    count = len(found["day"])
    nothing = np.full(count, np.nan)
    return DayTotals(
        np.zeros(count, np.int64),
        found["day"].astype("datetime64[D]"),
        _floats(found["total"]),
        nothing,
        nothing,
        nothing,
        _floats(found["coverage"]).astype(np.float32),
        _floats(found["estimated"]).astype(np.float32),
    )


def periods(
    cursor: duckdb.DuckDBPyConnection,
    series: Collection[int],
    first: date,
    last: date,
    resolution: Resolution,
) -> PeriodTotals:
    """Give the sums of days of each series by week, month or year."""
    catalog.choose(cursor, series)
    bound = {"first": first, "last": last, "period": PERIODS[resolution]}
    found = cursor.execute(OWN + READ + ")" + BY_PERIOD, bound).fetchnumpy()
    covered_s = _floats(found["covered_s"])
    return PeriodTotals(
        found["series"].astype(np.int64),
        found["first"].astype("datetime64[D]"),
        _floats(found["total"]),
        covered_s.astype(np.int64),
        (_floats(found["estimated_s"]) / covered_s).astype(np.float32),
    )


def merge(parts: Sequence[DayTotals]) -> DayTotals:
    """Put the days of several groups of series together, sorted by series, then day."""
    whole = [
        np.concatenate([getattr(part, name) for part in parts]) for name in DayTotals.__slots__
    ]
    order = np.lexsort((whole[1], whole[0]))
    return DayTotals(*(array[order] for array in whole))


def _refresh(
    cursor: duckdb.DuckDBPyConnection, dirty: Sequence[Dirty], *, is_widened: bool = False
) -> int:
    """Recompute days of series of one statistic and one zone, in the order of their keys.

    A step ends where the next reading starts, or goes on if that one is no more: when one
    reaches beyond the days of its series, those that it reaches are recomputed as well.
    """
    group = [one.declared for one in dirty]
    zone, statistic = group[0].zone, group[0].statistic
    windows = {(one.first, one.last): civil_days(one.first, one.last, zone) for one in dirty}
    spans = aggregate.spans_of(group, 0, 0)
    spans.lo_s[:] = [windows[one.first, one.last].start_s for one in dirty]
    spans.hi_s[:] = [windows[one.first, one.last].end_s for one in dirty]
    spans = _widened(cursor, spans, group)
    slots = calendar.slots(int(spans.lo_s.min()), int(spans.hi_s.max()), Resolution.DAY, zone)
    first = np.searchsorted(slots.start_s, spans.lo_s, "right") - 1
    last = np.searchsorted(slots.start_s, spans.hi_s - 1, "right") - 1
    columns = {
        "series": spans.series,
        "first": slots.slot[first],
        "last": slots.slot[last],
    }
    cursor.register("dirty", columns)
    cursor.execute(DELETE)
    cursor.unregister("dirty")
    reach = _reaching(cursor, spans, slots, (first, last), group)
    count = done = 0
    wider: list[Dirty] = []
    for some in gather.batches(cursor, reach):
        mine = slice(done, done + len(some.series))
        done += len(some.series)
        span_s = int(slots.start_s[first[mine].min()]), int(slots.end_s[last[mine].max()])
        held = gather.readings(cursor, some)
        if not is_widened and statistic in {Statistic.MEAN, Statistic.SUM}:
            wider += _beyond(held, slots.end_s[last[mine]], dirty[mine])
        found = total.totals(held, statistic, span_s, slots)
        place = np.searchsorted(some.series, found.series)
        day = np.searchsorted(slots.slot, found.slot)
        kept = (day >= first[mine][place]) & (day <= last[mine][place])
        count += _insert(cursor, found, kept, slots, some.exponent[place])
    return count + (_refresh(cursor, wider, is_widened=True) if wider else 0)


def _reaching(
    cursor: duckdb.DuckDBPyConnection,
    spans: Spans,
    slots: Slots,
    days: tuple[Longs, Longs],
    group: Sequence[Declared],
) -> Spans:
    """Give where the readings start that have a part in the days of each series."""
    lo_s, hi_s = slots.start_s[days[0]], slots.end_s[days[1]]
    whole = Spans(spans.series, spans.exponent, lo_s, hi_s)
    statistic = group[0].statistic
    if statistic is Statistic.REGISTER:
        return aggregate.neighbours(cursor, whole)
    reach_s = [total.reach_s(statistic, one.longest_s) for one in group]
    return Spans(spans.series, spans.exponent, lo_s - np.array(reach_s), hi_s)


def _insert(
    cursor: duckdb.DuckDBPyConnection,
    found: Totals,
    kept: NDArray[np.bool_],
    slots: Slots,
    exponent: NDArray[np.int8],
) -> int:
    if not kept.any():
        return 0
    nothing = np.zeros(len(kept), np.int64)
    amount = nothing if found.amount is None else found.amount
    at = np.searchsorted(slots.slot, found.slot[kept])
    columns = {
        "series": found.series[kept],
        "slot": found.slot[kept],
        "day_s": (slots.end_s - slots.start_s)[at],
        "exponent": exponent[kept],
        "high": (amount[kept] >> 32).astype(np.int64),
        "low": (amount[kept] & 0xFFFFFFFF).astype(np.int64),
        "covered_s": found.covered_s[kept],
        "estimated_s": found.estimated_s[kept],
        "minimum": (nothing if found.minimum is None else found.minimum)[kept],
        "maximum": (nothing if found.maximum is None else found.maximum)[kept],
    }
    cursor.register("total", columns)
    bound = {"has_amount": found.amount is not None, "has_range": found.minimum is not None}
    cursor.execute(INSERT, bound)
    cursor.unregister("total")
    return int(kept.sum())


def _widened(cursor: duckdb.DuckDBPyConnection, spans: Spans, group: Sequence[Declared]) -> Spans:
    """Widen spans to where the totals change that readings in them decide.

    A register counts since the one before it, and until the one after it; an instant ends
    when the next one comes.
    """
    statistic = group[0].statistic
    if statistic is Statistic.REGISTER:
        return aggregate.neighbours(cursor, spans)
    if statistic is Statistic.INSTANT:
        return replace(spans, hi_s=spans.hi_s + LIVE_HOLD_S)
    return spans


def _beyond(held: Flat, hi_s: Longs, dirty: Sequence[Dirty]) -> Iterator[Dirty]:
    """Give series whose readings reach beyond their last day, with the days they reach."""
    reach_s = hi_s.copy()
    np.maximum.at(reach_s, held.owner, held.start_s + held.step_s)
    for place in np.flatnonzero(reach_s > hi_s).tolist():
        one = dirty[place]
        end = Window.of_seconds(int(reach_s[place]) - 1, int(reach_s[place]) - 1).start
        yield replace(one, last=local_day(end, one.declared.zone))


def _floats(array: NDArray[Any]) -> Floats:
    return np.ma.filled(array.astype(np.float64), np.nan)


def days_within(window: Window, declared: Declared) -> tuple[date, date] | None:
    """Give the first and last local day that lie wholly in a window."""
    start_s, end_s = calendar.whole(window, Resolution.DAY, declared.zone)
    if start_s >= end_s:
        return None
    inside = Window.of_seconds(start_s, end_s - 1)
    first = local_day(inside.start, declared.zone)
    last = local_day(inside.end, declared.zone)
    return first, max(first, last)

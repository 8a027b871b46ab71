"""Daily totals: one row per series and local day, recomputed from readings, read by pages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from kevre.model.series import LIVE_HOLD_S, Statistic
from kevre.model.step import Resolution
from kevre.model.window import Window, civil_days, local_day
from kevre.store import aggregate, calendar, catalog
from kevre.store.aggregate import STEM
from kevre.store.catalog import Declared
from kevre.store.result import DayTotals, Floats

DELETE = "delete from daily where series = ? and day between ? and ?"
DELETE_ALL = "delete from daily where series = ?"
SELECT = """
    select total.series, date '1970-01-01' + total.slot::integer, slot.end_s - slot.start_s,
        coalesce(series.exponent, 0), amount, covered_s, estimated_s,
        case when statistic <> 'register' then minimum::bigint end,
        case when statistic <> 'register' then maximum::bigint end
    from total join slot on slot.slot = total.slot join series on series.id = total.series
"""
INSERT = "insert into daily "
# Readings of a day that reach beyond it, and the one before that may reach into it.
REACH = """
    select max(start_s + step_s) from reading
    where series = ? and start_s >= ? and start_s < ? and value is not null
"""
BEFORE = """
    select start_s, start_s + step_s from reading
    where series = ? and start_s < ? and value is not null order by start_s desc limit 1
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
OWN = "with own as ("
BY_DAY = """)
    select day, sum(total * pow(10::double, exponent)) as total,
        sum(covered_s) / ($count * max(day_s)) as coverage,
        sum(estimated_s) / sum(covered_s) as estimated
    from own group by day order by day
"""
SUMMED = OWN + READ + BY_DAY


def refresh(cursor: duckdb.DuckDBPyConnection, declared: Declared, first: date, last: date) -> int:
    """Recompute these local days, and those that their readings reach into; count the rows."""
    first, last = _widened(cursor, declared, first, last)
    window = civil_days(first, last, declared.zone)
    span_s = window.start_s, window.end_s
    aggregate.bind(cursor, calendar.slots(*span_s, Resolution.DAY, declared.zone))
    bound = aggregate.parameters(cursor, [declared], span_s)
    cursor.execute(DELETE, [declared.series, first, last])
    row = cursor.execute(INSERT + STEM[declared.statistic] + SELECT, bound).fetchone()
    cursor.unregister("slot")
    return int(row[0]) if row else 0


def rebuild(cursor: duckdb.DuckDBPyConnection, declared: Declared) -> None:
    """Recompute every day of a series, as when its calendar changed."""
    cursor.execute(DELETE_ALL, [declared.series])
    extent = aggregate.extent(cursor, [declared.series])
    if extent is not None:
        span = Window.of_seconds(*extent)
        refresh(
            cursor,
            declared,
            local_day(span.start, declared.zone),
            local_day(span.end, declared.zone),
        )


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


def merge(parts: Sequence[DayTotals]) -> DayTotals:
    """Put the days of several groups of series together, sorted by series, then day."""
    whole = [
        np.concatenate([getattr(part, name) for part in parts]) for name in DayTotals.__slots__
    ]
    order = np.lexsort((whole[1], whole[0]))
    return DayTotals(*(array[order] for array in whole))


def _widened(
    cursor: duckdb.DuckDBPyConnection, declared: Declared, first: date, last: date
) -> tuple[date, date]:
    """Add the days whose totals a reading of these days may change.

    A register counts since the one before it; an instant ends when the next one comes.
    """
    window = civil_days(first, last, declared.zone)
    if declared.statistic is Statistic.REGISTER:
        span_s = window.start_s, window.end_s
        since_s, until_s = aggregate.neighbours(cursor, [declared], span_s)
    else:
        since_s, until_s = _touched(cursor, declared, window)
    reach = Window.of_seconds(since_s, until_s - 1)
    return local_day(reach.start, declared.zone), local_day(reach.end, declared.zone)


def _touched(
    cursor: duckdb.DuckDBPyConnection, declared: Declared, window: Window
) -> tuple[int, int]:
    start_s, end_s = window.start_s, window.end_s
    hold_s = LIVE_HOLD_S if declared.statistic is Statistic.INSTANT else 0
    before = cursor.execute(BEFORE, [declared.series, start_s]).fetchone()
    since_s = start_s
    if before is not None and max(before[1], before[0] + hold_s) > start_s:
        since_s = int(before[0])
    reach = cursor.execute(REACH, [declared.series, start_s, end_s]).fetchone()
    until_s = int(reach[0]) + hold_s if reach and reach[0] is not None else end_s
    return since_s, max(end_s, until_s)


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

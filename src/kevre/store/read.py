"""Reading back: raw curves, blocks for exports, the newest readings, the extent."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import duckdb
import numpy as np

from kevre.model.exact import Exact
from kevre.model.quality import Quality
from kevre.model.step import Resolution
from kevre.store import catalog, chunk, gather
from kevre.store.catalog import Declared
from kevre.store.connection import Connection
from kevre.store.curve import empty
from kevre.store.gather import Spans
from kevre.store.result import Curve, Latest

# A raw curve of more readings than this takes 100 MB: exports go by blocks.
MOST_READINGS = 5_000_000
BLOCK = 50_000
# The newest readings of most series lie in the last two days: look there first.
RECENT_S = 2 * 86_400

# Where a block ends: at the end of the chunk, or start of the row, that fills it.
BLOCK_END = """
    select last_s from (
        select last_s, count from chunk
        where series = $series and last_s >= $start_s and first_s < $end_s
        union all
        select start_s as last_s, 1 as count from recent
        where series = $series and start_s >= $start_s and start_s < $end_s)
    qualify sum(count) over (order by last_s rows unbounded preceding) >= $block
    order by last_s limit 1
"""
LATEST_RECENT = """
    select recent.series, start_s, step_s, value, recent.exponent, quality, series.exponent
    from recent join series on series.id = recent.series
    where recent.series in (select series from chosen)
        and start_s >= $start_s and start_s < $end_s
    qualify row_number() over (partition by recent.series order by start_s desc, seq desc) = 1
"""
LAST_CHUNK = """
    select series, max(last_s) as last_s from chunk
    where series in (select series from chosen) and last_s >= $start_s and first_s < $end_s
    group by series
"""
CHUNK_ENDING = """
    select chunk.series, first_s, count, payload, chunk.exponent, series.exponent
    from chunk join ending on chunk.series = ending.series and chunk.last_s = ending.last_s
    join series on series.id = chunk.series
"""
NEWEST = """
    select greatest((select max(start_s) from recent), (select max(last_s) from chunk))
"""


def raw(
    cursor: duckdb.DuckDBPyConnection,
    declared: Declared,
    start_s: int,
    end_s: int,
    as_of_s: int | None = None,
) -> Curve:
    """Give the readings that start between two instants, or as known at `as_of_s`.

    Raises:
        Malformed: they are more than MOST_READINGS.
    """
    return _raw(cursor, declared, (start_s, end_s), as_of_s)


def blocks(
    connection: Connection, series: int, start_s: int, end_s: int, least: int = BLOCK
) -> Iterator[Curve]:
    """Give the readings in time order, about `least` at a time, a chunk more at most.

    Each block sees the store of its own moment, so that a slow export holds nothing up.
    """
    while start_s < end_s:
        with connection.reading() as cursor:
            declared = catalog.one(cursor, series)
            if declared is None:
                return
            until_s = _block_end_s(cursor, series, (start_s, end_s), least)
            curve = _raw(cursor, declared, (start_s, until_s), None)
        if len(curve):
            yield curve
        start_s = until_s


def count(cursor: duckdb.DuckDBPyConnection, declared: Declared, start_s: int, end_s: int) -> int:
    """Count the readings between two instants, corrected ones once."""
    found = 0
    while start_s < end_s:
        until_s = _block_end_s(cursor, declared.series, (start_s, end_s), BLOCK)
        found += len(_raw(cursor, declared, (start_s, until_s), None))
        start_s = until_s
    return found


def newest_s(cursor: duckdb.DuckDBPyConnection) -> int:
    """Give the start of the newest reading of all series; 0 without any [epoch s]."""
    row = cursor.execute(NEWEST).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def latest(
    cursor: duckdb.DuckDBPyConnection, series: Collection[int], start_s: int, end_s: int
) -> dict[int, Latest]:
    """Give the newest reading that starts between two instants, of each that has one.

    Most series speak at about the same time: recent rows near the end are looked at first,
    and only for those that are silent there all that came before.
    """
    near_s = max(start_s, min(newest_s(cursor), end_s) - RECENT_S)
    found = _latest(cursor, series, near_s, end_s)
    silent = [one for one in series if one not in found]
    if silent and start_s < near_s:
        found |= _latest(cursor, silent, start_s, near_s)
    return found


def extent(connection: Connection, series: int, start_s: int, end_s: int) -> tuple[int, int] | None:
    """Give the start of the first reading and the end of the last between two instants."""
    first = next(blocks(connection, series, start_s, end_s, 1), None)
    if first is None:
        return None
    with connection.reading() as cursor:
        last = latest(cursor, [series], start_s, end_s).get(series)
    if last is None:
        return None
    return int(first.start_s[0]), last.start_s + max(last.step_s, 1)


def _block_end_s(
    cursor: duckdb.DuckDBPyConnection, series: int, span_s: tuple[int, int], least: int
) -> int:
    """Give where to stop so that about `least` readings lie before."""
    start_s, end_s = span_s
    bound = {"series": series, "start_s": start_s, "end_s": end_s, "block": least}
    row = cursor.execute(BLOCK_END, bound).fetchone()
    return min(end_s, int(row[0]) + 1) if row else end_s


def _latest(
    cursor: duckdb.DuckDBPyConnection, series: Collection[int], start_s: int, end_s: int
) -> dict[int, Latest]:
    catalog.choose(cursor, series)
    bound = {"start_s": start_s, "end_s": end_s}
    newest = {
        key: _reading(at_s, step_s, (value, own), code, exponent)
        for key, at_s, step_s, value, own, code, exponent in cursor.execute(
            LATEST_RECENT, bound
        ).fetchall()
    }
    ending = [
        (key, last_s)
        for key, last_s in cursor.execute(LAST_CHUNK, bound).fetchall()
        if key not in newest or min(last_s, end_s - 1) > newest[key].start_s
    ]
    if not ending:
        return newest
    keys, last_s = np.array(ending, np.int64).T
    cursor.register("ending", {"series": keys, "last_s": last_s})
    for key, first_s, count, payload, own, exponent in cursor.execute(CHUNK_ENDING).fetchall():
        run = chunk.decode(payload, first_s, count)
        at = int(np.searchsorted(run.start_s, end_s)) - 1
        if at < 0 or run.start_s[at] < start_s:
            continue
        if key not in newest or run.start_s[at] > newest[key].start_s:
            newest[key] = _reading(
                int(run.start_s[at]),
                int(run.step_s[at]),
                (int(run.value[at]), own),
                int(run.quality[at]),
                exponent,
            )
    cursor.unregister("ending")
    return newest


def _reading(start_s: int, step_s: int, value: Exact, code: int, exponent: int) -> Latest:
    """Make the answer, its value at the exponent of the series."""
    quality = Quality(code)
    mantissa, own = value
    exact = None if quality is Quality.MISSING else (mantissa * 10 ** (own - exponent), exponent)
    return Latest(start_s, step_s, exact, quality)


def _raw(
    cursor: duckdb.DuckDBPyConnection,
    declared: Declared,
    span_s: tuple[int, int],
    as_of_s: int | None,
) -> Curve:
    spans = Spans.same([declared.series], [declared.exponent], *span_s)
    found = gather.readings(cursor, spans, as_of_s=as_of_s, most=MOST_READINGS)
    nothing = empty(declared.series, Resolution.RAW, declared)
    return Curve(
        declared.series,
        Resolution.RAW,
        declared.exponent or 0,
        declared.unit,
        declared.statistic,
        found.start_s,
        found.step_s,
        found.value,
        found.quality,
        nothing.energy,
        nothing.coverage,
        nothing.estimated,
    )

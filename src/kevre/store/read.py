"""Reading back: raw curves, blocks for exports, the newest readings, the extent."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import duckdb
import numpy as np

from kevre.model.errors import Malformed
from kevre.model.quality import Quality
from kevre.model.step import Resolution
from kevre.store import catalog
from kevre.store.catalog import Declared
from kevre.store.connection import Connection
from kevre.store.curve import empty
from kevre.store.result import Curve, Latest

# A raw curve of more readings than this takes 100 MB: exports go by blocks.
MOST_READINGS = 5_000_000
BLOCK = 50_000
# The newest readings of most series lie in the last two days: look there first.
RECENT_S = 2 * 86_400

RAW = """
    select start_s, step_s, coalesce(value, 0) as value, quality from reading
    where series = ? and start_s >= ? and start_s < ? order by start_s limit ?
"""
LATEST = """
    select newest.*, exponent from (
        select series, max(start_s), arg_max(step_s, start_s),
            arg_max(coalesce(value, 0), start_s), arg_max(quality, start_s)
        from reading
        where series in (select series from chosen) and start_s >= $start_s and start_s < $end_s
        group by series
    ) newest join series on id = newest.series
"""
NEWEST = "select max(start_s) from reading"
EXTENT = """
    select min(start_s), max(start_s + greatest(step_s, 1)) from reading
    where series = ? and start_s >= ? and start_s < ?
"""


def raw(cursor: duckdb.DuckDBPyConnection, declared: Declared, start_s: int, end_s: int) -> Curve:
    """Give the readings that start between two instants.

    Raises:
        Malformed: they are more than MOST_READINGS.
    """
    curve = _raw(cursor, declared, (start_s, end_s), MOST_READINGS + 1)
    if len(curve) > MOST_READINGS:
        raise Malformed(
            "store.too_many",
            "the answer would hold more than five million readings",
            hint="ask for a shorter period, a coarser resolution, or an export",
        )
    return curve


def blocks(connection: Connection, series: int, start_s: int, end_s: int) -> Iterator[Curve]:
    """Give the readings in time order, BLOCK at most at a time.

    Each block sees the store of its own moment, so that a slow export holds nothing up.
    """
    while start_s < end_s:
        with connection.reading() as cursor:
            declared = catalog.one(cursor, series)
            if declared is None:
                return
            curve = _raw(cursor, declared, (start_s, end_s), BLOCK)
        if len(curve):
            yield curve
        if len(curve) < BLOCK:
            return
        start_s = int(curve.start_s[-1]) + 1


def newest_s(cursor: duckdb.DuckDBPyConnection) -> int:
    """Give the start of the newest reading of all series; 0 without any [epoch s]."""
    row = cursor.execute(NEWEST).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def latest(
    cursor: duckdb.DuckDBPyConnection,
    series: Collection[int],
    start_s: int,
    end_s: int,
    around_s: int,
) -> dict[int, Latest]:
    """Give the newest reading that starts between two instants, of each that has one.

    Most series speak at about the same time: what is near `around_s` is looked at first,
    and only for those that are silent there all that came before.
    """
    recent_s = max(start_s, min(around_s, end_s) - RECENT_S)
    found = _latest(cursor, series, recent_s, end_s)
    silent = [one for one in series if one not in found]
    if silent and start_s < recent_s:
        found |= _latest(cursor, silent, start_s, recent_s)
    return found


def extent(
    cursor: duckdb.DuckDBPyConnection, series: int, start_s: int, end_s: int
) -> tuple[int, int] | None:
    """Give the start of the first reading and the end of the last between two instants."""
    row = cursor.execute(EXTENT, [series, start_s, end_s]).fetchone()
    return (int(row[0]), int(row[1])) if row and row[0] is not None else None


def _latest(
    cursor: duckdb.DuckDBPyConnection, series: Collection[int], start_s: int, end_s: int
) -> dict[int, Latest]:
    catalog.choose(cursor, series)
    newest = {}
    bound = {"start_s": start_s, "end_s": end_s}
    for key, at_s, step_s, value, code, exponent in cursor.execute(LATEST, bound).fetchall():
        quality = Quality(code)
        exact = None if quality is Quality.MISSING else (value, exponent or 0)
        newest[key] = Latest(at_s, step_s, exact, quality)
    return newest


def _raw(
    cursor: duckdb.DuckDBPyConnection, declared: Declared, span_s: tuple[int, int], limit: int
) -> Curve:
    found = cursor.execute(RAW, [declared.series, *span_s, limit]).fetchnumpy()
    nothing = empty(declared.series, Resolution.RAW, declared)
    return Curve(
        declared.series,
        Resolution.RAW,
        declared.exponent or 0,
        declared.unit,
        declared.statistic,
        found["start_s"],
        found["step_s"],
        np.ma.filled(found["value"], 0),
        found["quality"],
        nothing.energy,
        nothing.coverage,
        nothing.estimated,
    )

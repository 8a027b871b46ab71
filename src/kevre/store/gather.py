"""Gathering readings: out of chunks and recent rows, the newest of each start.

A start may be in a chunk and, corrected since, in recent rows, more than once; what came
last counts. Rows that compaction replaced are in `superseded`, for questions about what was
known earlier. Of one start, superseded rows are older than the chunk's and the chunk's
older than recent ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import zstandard
from numpy.typing import NDArray

from kevre.model.errors import Malformed
from kevre.store import catalog, chunk, flat
from kevre.store.chunk import Run
from kevre.store.flat import Flat
from kevre.store.result import Longs

# Readings to hold in memory at a time: 10 MB as arrays, 60 MB while they are totalled.
MOST = 400_000
# Starts fit 36 bits after this (the year 2147 and beyond); the rest is left for the series.
_BITS = 36
_ZERO_S = -(2**35)
_SUPERSEDED, _CHUNK, _RECENT = 0, 1, 2

CHUNKS = """
    select span.place, chunk.first_s, chunk.count, chunk.exponent, chunk.payload
    from chunk join span on chunk.series = span.series
    where chunk.last_s >= span.lo_s and chunk.first_s < span.hi_s
        and chunk.series between $low and $high
        and chunk.last_s >= $lo_s and chunk.first_s < $hi_s
"""
# For one series, the most common question, without a join: a third of the time.
CHUNKS_OF = """
    select 0 as place, first_s, count, exponent, payload from chunk
    where series between $low and $high and last_s >= $lo_s and first_s < $hi_s limit 2000
"""
ROWS_OF = """
    select 0 as place, start_s, step_s, value, exponent, quality, at_s, seq from {table}
    where series between $low and $high and start_s >= $lo_s and start_s < $hi_s
"""
ROWS = """
    select span.place, start_s, step_s, value, exponent, quality, at_s, seq
    from {table} as row join span on row.series = span.series
    where start_s >= span.lo_s and start_s < span.hi_s
        and row.series between $low and $high and start_s >= $lo_s and start_s < $hi_s
"""
TABLES = {_RECENT: "recent", _SUPERSEDED: "superseded"}
COUNTS = """
    select place, sum(count)::bigint as total from (
        select span.place, chunk.count from chunk join span on chunk.series = span.series
        where chunk.last_s >= span.lo_s and chunk.first_s < span.hi_s
        union all
        select span.place, 1 from recent join span on recent.series = span.series
        where start_s >= span.lo_s and start_s < span.hi_s)
    group by place
"""
EXTENT = """
    select min(first_s), max(last_s) from (
        select min(first_s) as first_s, max(last_s) as last_s from chunk
        where series in (select series from chosen)
        union all
        select min(start_s), max(start_s) from recent
        where series in (select series from chosen))
"""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Of which series, and between which two instants, readings are wanted.

    Attributes:
        series: int64, shape (m,): keys, ascending, each once.
        exponent: int8, shape (m,): of the values that are given.
        lo_s, hi_s: int64, shape (m,): readings that start from lo_s on, before hi_s.
    """

    series: Longs
    exponent: NDArray[np.int8]
    lo_s: Longs
    hi_s: Longs

    @classmethod
    def same(
        cls, series: Sequence[int], exponent: Sequence[int | None], lo_s: int, hi_s: int
    ) -> Spans:
        """Ask the same time of every series; those without readings have no exponent."""
        keys = np.array(series, np.int64)
        order = np.argsort(keys)
        exponents = np.array([one or 0 for one in exponent], np.int8)
        shape = np.ones(len(keys), np.int64)
        return cls(keys[order], exponents[order], shape * lo_s, shape * hi_s)

    def between(self, first: int, end: int) -> Spans:
        """Give the series from one place to another."""
        at = slice(first, end)
        return Spans(self.series[at], self.exponent[at], self.lo_s[at], self.hi_s[at])

    def only(self, kept: NDArray[np.bool_]) -> Spans:
        """Give the series where `kept` is true."""
        return Spans(self.series[kept], self.exponent[kept], self.lo_s[kept], self.hi_s[kept])

    def bind(self, cursor: duckdb.DuckDBPyConnection) -> dict[str, int]:
        """Let statements see them as the table `span`; give `bounds`.

        These are said again as numbers so that whole blocks of a table are passed
        over; a join alone reads them all.
        """
        columns = {
            "place": np.arange(len(self.series)),
            "series": self.series,
            "lo_s": self.lo_s,
            "hi_s": self.hi_s,
        }
        cursor.register("span", columns)
        return self.bounds

    @property
    def bounds(self) -> dict[str, int]:
        """Give the least and greatest key and instant of all spans."""
        return {
            "low": int(self.series[0]),
            "high": int(self.series[-1]),
            "lo_s": int(self.lo_s.min()),
            "hi_s": int(self.hi_s.max()),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Readings of several series in any order; `rank` and `seq` say which is newer."""

    place: Longs
    run: Run
    rank: int
    seq: Longs

    def __len__(self) -> int:
        return len(self.place)


def readings(
    cursor: duckdb.DuckDBPyConnection,
    spans: Spans,
    *,
    as_of_s: int | None = None,
    most: int | None = None,
) -> Flat:
    """Give the readings of the spans: the newest of each start, or as known at `as_of_s`.

    Raises:
        Malformed: there are more than `most`; or a chunk is damaged.
    """
    if not len(spans.series):
        return flat.empty(spans.series)
    bounds = spans.bounds if len(spans.series) == 1 else spans.bind(cursor)
    found = []
    count = 0
    for one in _chunks(cursor, spans, bounds, is_dated=as_of_s is not None):
        found.append(one)
        count += len(one)
        if most is not None and count > most:
            raise too_many()
    ranks = [_RECENT] if as_of_s is None else [_RECENT, _SUPERSEDED]
    found += [_rows(cursor, rank, spans, bounds) for rank in ranks]
    return _merged(spans, [one for one in found if len(one)], as_of_s)


def too_many() -> Malformed:
    """Refuse an answer that would take too much memory."""
    return Malformed(
        "store.too_many",
        "the answer would hold more than five million readings",
        hint="ask for a shorter period, a coarser resolution, or an export",
    )


def recent(cursor: duckdb.DuckDBPyConnection, spans: Spans, bounds: dict[str, int]) -> Rows:
    """Give the recent rows of spans that are bound, in any order, also replaced ones."""
    return _rows(cursor, _RECENT, spans, bounds)


def batches(cursor: duckdb.DuckDBPyConnection, spans: Spans) -> Iterator[Spans]:
    """Cut spans so that each part has MOST readings at most, or is a single series."""
    if len(spans.series) <= 1:
        yield spans
        return
    spans.bind(cursor)
    counts = np.zeros(len(spans.series), np.int64)
    found = cursor.execute(COUNTS).fetchnumpy()
    cursor.unregister("span")
    counts[found["place"]] = found["total"]
    first = 0
    while first < len(counts):
        total = np.cumsum(counts[first:])
        end = first + max(1, int(np.searchsorted(total, MOST, "right")))
        yield spans.between(first, end)
        first = end


def extent(cursor: duckdb.DuckDBPyConnection, series: Sequence[int]) -> tuple[int, int] | None:
    """Give the starts of the first and the last reading of all series together."""
    catalog.choose(cursor, series)
    row = cursor.execute(EXTENT).fetchone()
    return (int(row[0]), int(row[1])) if row and row[0] is not None else None


def code(place: Longs, start_s: Longs) -> Longs:
    """Give one number for a series and a start, in the order of both."""
    return (place << _BITS) | (start_s - _ZERO_S)


def _chunks(
    cursor: duckdb.DuckDBPyConnection, spans: Spans, bounds: dict[str, int], *, is_dated: bool
) -> Iterator[Rows]:
    statement = CHUNKS_OF if len(spans.series) == 1 else CHUNKS
    for place, first_s, count, exponent, payload in cursor.execute(statement, bounds).fetchall():
        try:
            run = chunk.decode(payload, first_s, count, is_dated=is_dated)
        except (ValueError, zstandard.ZstdError) as error:
            raise damaged(first_s, int(spans.series[place])) from error
        lo, hi = np.searchsorted(run.start_s, (spans.lo_s[place], spans.hi_s[place]))
        if lo == hi:
            continue
        run = run.between(int(lo), int(hi)).finer(exponent - int(spans.exponent[place]))
        yield Rows(np.full(len(run), place, np.int64), run, _CHUNK, np.zeros(len(run), np.int64))


def damaged(first_s: int, series: int | None = None) -> Malformed:
    """Name a chunk that cannot be decoded."""
    return Malformed(
        "store.damaged",
        "readings on disk are damaged",
        where=f"chunk of {first_s}" + ("" if series is None else f", series {series}"),
        hint="restore a backup: kevre restore",
    )


def _rows(
    cursor: duckdb.DuckDBPyConnection, rank: int, spans: Spans, bounds: dict[str, int]
) -> Rows:
    statement = ROWS_OF if len(spans.series) == 1 else ROWS
    found = cursor.execute(statement.format(table=TABLES[rank]), bounds).fetchnumpy()
    place = _longs(found["place"])
    finer = _longs(found["exponent"]) - spans.exponent[place]
    value = _longs(found["value"])
    if finer.any():
        value = value * 10**finer
    run = Run(
        _longs(found["start_s"]),
        found["step_s"].astype(np.int32),
        value,
        found["quality"].astype(np.uint8),
        _longs(found["at_s"]),
    )
    return Rows(place, run, rank, _longs(found["seq"]))


def _merged(spans: Spans, found: Sequence[Rows], as_of_s: int | None) -> Flat:
    if not found:
        return flat.empty(spans.series)
    place = _together([one.place for one in found])
    run = chunk.joined([one.run for one in found])
    key = code(place, run.start_s)
    if as_of_s is not None or (key[1:] <= key[:-1]).any():
        rank = np.repeat([one.rank for one in found], [len(one) for one in found])
        order = np.lexsort((_together([one.seq for one in found]), rank, key))
        if as_of_s is not None:
            order = order[run.at_s[order] <= as_of_s]
        is_last = np.append(key[order][1:] != key[order][:-1], True)[: len(order)]
        order = order[is_last]
        place = place[order]
        run = replace(run, at_s=np.empty(0, np.int64)) if as_of_s is None else run
        run = run.at(order)
    bounds = np.searchsorted(place, np.arange(len(spans.series) + 1))
    return Flat(spans.series, bounds, run.start_s, run.step_s, run.value, run.quality)


def _together(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _longs(array: NDArray[Any]) -> Longs:
    return array.astype(np.int64)

"""Readings that come, held against what is known: only what is news is written."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from kevre.model.quality import Quality
from kevre.store import gather, shelf
from kevre.store.chunk import Run
from kevre.store.flat import Flat
from kevre.store.gather import Spans
from kevre.store.incoming import Incoming
from kevre.store.result import Longs
from kevre.store.shelf import Piece

# From so many new readings of a series in a write on, they are put into chunks at once.
BULK = 1_000

INSERT = """
    insert into recent
    select series, start_s, step_s, value, exponent, quality, at_s, seq from incoming
"""


@dataclass(frozen=True, slots=True, eq=False)
class News:
    """What of the incoming is not yet known.

    Attributes:
        rows: the readings to write.
        is_known: bool, shape (n,): they replace another one.
        reach_s: int64, shape (n,): the longer step of the new and the old one, 1 at least.
        is_beyond: bool, shape (m,): all readings of the part are newer than its series had.
    """

    rows: Incoming
    is_known: NDArray[np.bool_]
    reach_s: Longs
    is_beyond: NDArray[np.bool_]


def news(cursor: duckdb.DuckDBPyConnection, came: Incoming, newest_s: Longs) -> News:
    """Compare readings, each series in one part, with the store.

    Args:
        cursor: in the transaction of the write.
        came: the readings, at the exponents of their series.
        newest_s: int64, shape (m,): start of the newest reading of each part's series.
    """
    fresh = News(
        came,
        np.zeros(len(came), bool),
        np.maximum(came.step_s, 1).astype(np.int64),
        newest_s < came.start_s[came.bounds[:-1]],
    )
    if fresh.is_beyond.all():
        return fresh
    # Readings ascend, so those that may be known come first in their part.
    is_within = came.start_s <= np.repeat(newest_s, came.counts)
    within = np.add.reduceat(is_within, came.bounds[:-1], dtype=np.int64)
    asked = np.flatnonzero(within)
    first = came.bounds[:-1][asked]
    spans = Spans(
        came.series[asked],
        came.exponent[asked].astype(np.int8),
        came.start_s[first],
        came.start_s[first + within[asked] - 1] + 1,
    )
    is_news = np.ones(len(came), bool)
    done = 0
    for some in gather.batches(cursor, spans):
        parts = asked[done : done + len(some.series)]
        done += len(some.series)
        at, counts = _places(came, parts, within)
        key = gather.code(np.repeat(np.arange(len(parts)), counts), came.start_s[at])
        _compare(fresh, is_news, at, key, gather.readings(cursor, some))
    has_news = np.add.reduceat(is_news, came.bounds[:-1]) > 0
    return News(
        came.only(is_news),
        fresh.is_known[is_news],
        fresh.reach_s[is_news],
        fresh.is_beyond[has_news],
    )


def _compare(fresh: News, is_news: NDArray[np.bool_], at: Longs, key: Longs, held: Flat) -> None:
    """Mark which readings, at places `at` with codes `key`, replace or repeat what is held."""
    came = fresh.rows
    old_key = gather.code(held.owner, held.start_s)
    old = np.searchsorted(old_key, key)
    found = old < len(old_key)
    found[found] = old_key[old[found]] == key[found]
    at, old = at[found], old[found]
    fresh.is_known[at] = True
    fresh.reach_s[at] = np.maximum(fresh.reach_s[at], held.step_s[old])
    is_other = (came.step_s[at] != held.step_s[old]) | (came.quality[at] != held.quality[old])
    is_other |= came.value[at] != held.value[old]
    # A MISSING mark never takes the place of a value.
    is_mark = came.quality[at] == Quality.MISSING
    is_news[at] = is_other & (~is_mark | (held.quality[old] == Quality.MISSING))


def _places(came: Incoming, parts: Longs, within: Longs) -> tuple[Longs, Longs]:
    """Give the places of the first `within` readings of some parts, and how many each has."""
    counts = within[parts]
    ends = np.cumsum(counts)
    shift = np.repeat(came.bounds[:-1][parts] - ends + counts, counts)
    return np.arange(ends[-1]) + shift, counts


def land(cursor: duckdb.DuckDBPyConnection, fresh: News, seq: Longs, at_s: int) -> None:
    """Write the news: many of one series as chunks, the others as rows.

    Args:
        cursor: in the transaction of the write.
        fresh: what is to be written.
        seq: int64, shape (m,): number of each part's line in the change log.
        at_s: when they arrived [epoch s].
    """
    rows = fresh.rows
    is_bulk = (rows.counts >= BULK) & fresh.is_beyond
    pieces: list[Piece] = []
    for bulk in np.flatnonzero(is_bulk).tolist():
        at = slice(rows.bounds[bulk], rows.bounds[bulk + 1])
        arrived = np.full(rows.counts[bulk], at_s, np.int64)
        run = Run(rows.start_s[at], rows.step_s[at], rows.value[at], rows.quality[at], arrived)
        key, exponent = int(rows.series[bulk]), int(rows.exponent[bulk])
        pieces += shelf.pieces(key, exponent, run)
    shelf.put(cursor, pieces)
    if is_bulk.all():
        return
    is_row = np.repeat(~is_bulk, rows.counts)
    part = rows.part[is_row]
    columns = {
        "series": rows.series[part],
        "start_s": rows.start_s[is_row],
        "step_s": rows.step_s[is_row],
        "value": rows.value[is_row],
        "exponent": rows.exponent[part],
        "quality": rows.quality[is_row],
        "at_s": np.full(len(part), at_s, np.int64),
        "seq": seq[part],
    }
    cursor.register("incoming", columns)
    cursor.execute(INSERT)
    cursor.unregister("incoming")

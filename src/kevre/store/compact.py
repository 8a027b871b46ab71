"""Background re-sorting: rows of closed periods become chunks, small chunks larger ones.

A run of readings that leaves the recent rows is merged with the chunks that it overlaps and
with those before it that are not at least twice as long: so a reading is written anew about
as often as its year can be halved, and a series has few chunks. Everything happens beside
readers and writers, some series at a time, each time in one transaction that a crash undoes
whole. What a correction replaces goes to `superseded`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from kevre.store import aggregate, catalog, chunk, gather, shelf
from kevre.store.chunk import CAPACITY, Run
from kevre.store.connection import Connection, Cursor
from kevre.store.contention import again
from kevre.store.gather import Spans
from kevre.store.result import Longs
from kevre.store.shelf import Piece

# Rows and series that one transaction takes up: 50 MB of rows, 50 MB of chunks.
MOST_ROWS = 1_000_000
MOST_SERIES = 2_000
_EVER_S = -(2**34)

CLOSED = """
    select series, count(*) from recent where start_s < ? group by series order by series
"""
SIZES = """
    select chunk.series, first_s, last_s, count from chunk
    join span on chunk.series = span.series order by chunk.series, first_s
"""
TAKEN = """
    select chunk.series, chunk.first_s, last_s, count, pitch_s, exponent, low, high, payload
    from chunk join taken on chunk.series = taken.series and chunk.first_s = taken.first_s
"""
DROP_CHUNKS = """
    delete from chunk using taken
    where chunk.series = taken.series and chunk.first_s = taken.first_s
"""
DROP_ROWS = """
    delete from recent using span
    where recent.series = span.series and recent.start_s < span.hi_s
        and recent.series between $low and $high
"""
SUPERSEDE = """
    insert into superseded
    select series, start_s, step_s, value, exponent, quality, at_s, seq from replaced
"""


@dataclass(frozen=True, slots=True, eq=False)
class _Closed:
    """Rows of one series that are to become chunks, by start, then age.

    Attributes:
        seq: int64, shape (n,): the greater, the newer.
    """

    series: int
    exponent: int
    run: Run
    seq: Longs

    def __len__(self) -> int:
        return len(self.run)

    def between(self, first: int, end: int) -> _Closed:
        return _Closed(
            self.series, self.exponent, self.run.between(first, end), self.seq[first:end]
        )


@dataclass(frozen=True, slots=True)
class _Size:
    """A chunk without its readings."""

    first_s: int
    last_s: int
    count: int


def compact(connection: Connection, before_s: int) -> int:
    """Put all rows that start before an instant into chunks; count them."""
    moved = 0
    with connection.upkeep:
        with connection.reading() as cursor:
            closed = cursor.execute(CLOSED, [before_s]).fetchall()
        for part in _parts(closed):
            moved += again(connection, partial(_tidied, connection, part, before_s))
    return moved


def _tidied(connection: Connection, part: list[tuple[int, int]], before_s: int) -> int:
    with connection.tidying() as cursor:
        return _move(cursor, part, before_s)


def _parts(closed: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    part: list[tuple[int, int]] = []
    count = 0
    for one in closed:
        if part and (count + one[1] > MOST_ROWS or len(part) == MOST_SERIES):
            yield part
            part, count = [], 0
        part.append(one)
        count += one[1]
    if part:
        yield part


def _move(cursor: Cursor, part: list[tuple[int, int]], before_s: int) -> int:
    known = catalog.some(cursor, [series for series, _ in part])
    spans = aggregate.spans_of(list(known.values()), _EVER_S, before_s)
    bounds = spans.bind(cursor)
    sizes: dict[int, list[_Size]] = defaultdict(list)
    for series, *size in cursor.execute(SIZES).fetchall():
        sizes[series].append(_Size(*size))
    closed = list(_closed(cursor, spans, bounds))
    groups = [group for one in closed for group in _groups(one, sizes[one.series])]
    taken = _fetch(cursor, groups)
    pieces: list[Piece] = []
    replaced: list[_Closed] = []
    for rows, members in groups:
        run, lost = _merged(rows, [taken[rows.series, size.first_s] for size in members])
        pieces += shelf.pieces(rows.series, rows.exponent, run)
        if len(lost):
            replaced.append(lost)
    if taken:
        cursor.execute(DROP_CHUNKS)
        cursor.unregister("taken")
    cursor.execute(DROP_ROWS, {"low": bounds["low"], "high": bounds["high"]})
    cursor.unregister("span")
    shelf.put(cursor, pieces)
    _supersede(cursor, replaced)
    return sum(len(one) for one in closed)


def _closed(cursor: Cursor, spans: Spans, bounds: dict[str, int]) -> Iterator[_Closed]:
    rows = gather.recent(cursor, spans, bounds)
    order = np.lexsort((rows.seq, rows.run.start_s, rows.place))
    ends = np.searchsorted(rows.place[order], np.arange(len(spans.series) + 1))
    for place, (series, exponent) in enumerate(
        zip(spans.series.tolist(), spans.exponent.tolist(), strict=True)
    ):
        at = order[ends[place] : ends[place + 1]]
        if len(at):
            yield _Closed(series, exponent, rows.run.at(at), rows.seq[at])


def _groups(rows: _Closed, sizes: Sequence[_Size]) -> Iterator[tuple[_Closed, list[_Size]]]:
    """Say which rows and which chunks become one run, oldest first.

    Rows go to the last chunk that begins before them; those at the end of the series also to
    the chunks before that are not twice as long as what is there.
    """
    firsts = np.array([size.first_s for size in sizes], np.int64)
    place = np.searchsorted(firsts, rows.run.start_s, "right") - 1
    own, first = np.unique(place, return_index=True)
    ends = np.append(first[1:], len(rows))
    for number, start, end in zip(own.tolist(), first.tolist(), ends.tolist(), strict=True):
        group = rows.between(start, end)
        if number == len(sizes) - 1:
            used = own.tolist()[-2] if len(own) > 1 else -1
            yield group, _tail(group, sizes[max(used, -1) + 1 :])
        else:
            yield group, [sizes[number]] if number >= 0 else []


def _tail(rows: _Closed, sizes: Sequence[_Size]) -> list[_Size]:
    """Give the last chunks that are to be merged with rows at the end of a series."""
    members: list[_Size] = []
    count = len(rows)
    for size in reversed(sizes):
        is_overlapped = size.last_s >= rows.run.start_s[0]
        is_small = size.count < 2 * count and size.count + count <= CAPACITY
        if not (is_overlapped or is_small):
            break
        members.append(size)
        count += size.count
    return members


def _fetch(
    cursor: Cursor, groups: Sequence[tuple[_Closed, list[_Size]]]
) -> dict[tuple[int, int], Piece]:
    wanted = [(rows.series, size.first_s) for rows, members in groups for size in members]
    if not wanted:
        return {}
    series, first_s = np.array(wanted, np.int64).T
    cursor.register("taken", {"series": series, "first_s": first_s})
    found = (Piece(*row) for row in cursor.execute(TAKEN).fetchall())
    return {(piece.series, piece.first_s): piece for piece in found}


def _merged(rows: _Closed, members: Sequence[Piece]) -> tuple[Run, _Closed]:
    """Give the newest reading of each start, and those that it replaces."""
    runs = [_decoded(piece, rows.exponent) for piece in members]
    whole = chunk.joined([*runs, rows.run])
    old = len(whole) - len(rows)
    seq = np.concatenate((np.zeros(old, np.int64), rows.seq))
    # What was in a chunk is older than any row, whatever the number of the row.
    rank = np.arange(len(whole)) >= old
    order = np.lexsort((seq, rank, whole.start_s))
    is_last = np.append(whole.start_s[order][1:] != whole.start_s[order][:-1], True)
    # What was in a chunk gets a number between those of its own time and of its successor,
    # so that several replaced readings of one start stay in their order.
    successor = np.append(seq[order][1:], 0)
    age = np.where(rank[order], seq[order], successor - 1)[~is_last]
    lost = whole.at(order[~is_last])
    return whole.at(order[is_last]), _Closed(rows.series, rows.exponent, lost, age)


def _decoded(piece: Piece, exponent: int) -> Run:
    run = chunk.decode(piece.payload, piece.first_s, piece.count, is_dated=True)
    return run.finer(piece.exponent - exponent)


def _supersede(cursor: Cursor, replaced: Sequence[_Closed]) -> None:
    if not replaced:
        return
    counts = [len(one) for one in replaced]
    whole = chunk.joined([one.run for one in replaced])
    columns = {
        "series": np.repeat([one.series for one in replaced], counts),
        "start_s": whole.start_s,
        "step_s": whole.step_s,
        "value": whole.value,
        "exponent": np.repeat([one.exponent for one in replaced], counts),
        "quality": whole.quality,
        "at_s": whole.at_s,
        "seq": np.concatenate([one.seq for one in replaced]),
    }
    cursor.register("replaced", columns)
    cursor.execute(SUPERSEDE)
    cursor.unregister("replaced")

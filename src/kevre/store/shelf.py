"""Putting chunks into their table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import duckdb

from kevre.store import chunk
from kevre.store.chunk import CAPACITY, Run

INSERT = """
    insert into chunk
    select series, first_s, last_s, count, pitch_s, exponent, low, high, payload from piece
"""
OVERLAPPING = """
    select series, first_s, last_s, count, pitch_s, exponent, low, high, payload from chunk
    where series = ? and last_s >= ? and first_s < ? order by first_s
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """One row of the table of chunks.

    Attributes:
        pitch_s: if the starts lie on a grid and every step is as long as its pitch, that
            length; else 0 [s].
    """

    series: int
    first_s: int
    last_s: int
    count: int
    pitch_s: int
    exponent: int
    low: int
    high: int
    payload: bytes


def pieces(series: int, exponent: int, run: Run) -> list[Piece]:
    """Cut readings of one series into chunks of about equal length, CAPACITY at most."""
    number = -(-len(run) // CAPACITY)
    ends = [len(run) * place // number for place in range(number + 1)]
    return [_piece(series, exponent, run.between(first, end)) for first, end in pairwise(ends)]


def put(cursor: duckdb.DuckDBPyConnection, rows: Sequence[Piece]) -> None:
    """Write chunks; through Arrow, where a blob costs a hundredth of what it does elsewhere."""
    if not rows:
        return
    import pyarrow as pa

    names = Piece.__slots__
    columns = {name: pa.array([getattr(row, name) for row in rows]) for name in names}
    cursor.register("piece", pa.table(columns))
    cursor.execute(INSERT)
    cursor.unregister("piece")


def overlapping(
    cursor: duckdb.DuckDBPyConnection, series: int, start_s: int, end_s: int
) -> list[Piece]:
    """Give the chunks of a series that may have readings between two instants."""
    return [Piece(*row) for row in cursor.execute(OVERLAPPING, [series, start_s, end_s]).fetchall()]


def _piece(series: int, exponent: int, run: Run) -> Piece:
    return Piece(
        series,
        int(run.start_s[0]),
        int(run.start_s[-1]),
        len(run),
        chunk.pitch_s(run),
        exponent,
        int(run.value.min()),
        int(run.value.max()),
        chunk.encode(run),
    )

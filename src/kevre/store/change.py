"""The change log: what was written, in order, for the followers and for tracing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import duckdb

from kevre.store.result import Change, Longs

# What lines of our own rules on age say in place of a batch.
RETENTION = "retention"

AFTER = """
    select seq, series, first_s, last_s, count, at_s, batch from change
    where seq > ? order by seq limit ?
"""
TOUCHING = """
    select seq, series, first_s, last_s, count, at_s, batch from change
    where series = ? and first_s <= ? and last_s > ? order by seq
"""
LAST = "select greatest((select max(last_seq) from store_schema), (select max(seq) from change))"
APPEND = """
    insert into change
    select seq, series, first_s, last_s, count, at_s, ($batches::varchar[])[batch + 1] from line
"""
NOTE = "insert into change values (?, ?, ?, ?, ?, ?, ?)"
KEEP_LAST = "update store_schema set last_seq = ?"
PRUNE = "delete from change where at_s < ?"


@dataclass(frozen=True, slots=True)
class Line:
    """One line about to be written."""

    series: int
    first_s: int
    last_s: int
    count: int
    at_s: int
    batch: str


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Lines about to be written: arrays of one length; `batch` is a place in a list."""

    series: Longs
    first_s: Longs
    last_s: Longs
    count: Longs
    at_s: Longs
    batch: Longs


def last_seq(cursor: duckdb.DuckDBPyConnection) -> int:
    """Give the highest number ever used, also of lines that were erased."""
    row = cursor.execute(LAST).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def append(
    cursor: duckdb.DuckDBPyConnection, lines: Lines, seq: Longs, batches: Sequence[str]
) -> None:
    """Write lines with their numbers."""
    columns = {"seq": seq} | {name: getattr(lines, name) for name in Lines.__slots__}
    cursor.register("line", columns)
    cursor.execute(APPEND, {"batches": list(batches)})
    cursor.unregister("line")


def note(cursor: duckdb.DuckDBPyConnection, line: Line, seq: int) -> None:
    """Write one line with its number."""
    cursor.execute(NOTE, [seq, *astuple(line)])


def after(cursor: duckdb.DuckDBPyConnection, seq: int, limit: int) -> list[Change]:
    """Give the next lines after `seq`, oldest first."""
    return [Change(*row) for row in cursor.execute(AFTER, [seq, limit]).fetchall()]


def touching(cursor: duckdb.DuckDBPyConnection, series: int, at_s: int) -> list[Change]:
    """Give the lines whose span holds one instant of a series, oldest first."""
    return [Change(*row) for row in cursor.execute(TOUCHING, [series, at_s, at_s]).fetchall()]

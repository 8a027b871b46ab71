"""The change log: what was written, in order, for the followers and for tracing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from kevre.store.result import Change

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
KEEP_LAST = "update store_schema set last_seq = ?"
PRUNE = "delete from change where at_s < ?"


@dataclass(frozen=True, slots=True)
class Line:
    """A line about to be written; it gets its number in `append`."""

    series: int
    first_s: int
    last_s: int
    count: int
    at_s: int
    batch: str


def last_seq(cursor: duckdb.DuckDBPyConnection) -> int:
    """Give the highest number ever used, also of lines that were erased."""
    row = cursor.execute(LAST).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def append(cursor: duckdb.DuckDBPyConnection, lines: Sequence[Line], after: int) -> int:
    """Write the lines with the numbers after `after`; give the last number used."""
    if not lines:
        return after
    batches = list(dict.fromkeys(line.batch for line in lines))
    place = {batch: index for index, batch in enumerate(batches)}
    columns = {
        "seq": np.arange(after + 1, after + 1 + len(lines)),
        "series": np.array([line.series for line in lines]),
        "first_s": np.array([line.first_s for line in lines]),
        "last_s": np.array([line.last_s for line in lines]),
        "count": np.array([line.count for line in lines]),
        "at_s": np.array([line.at_s for line in lines]),
        "batch": np.array([place[line.batch] for line in lines]),
    }
    cursor.register("line", columns)
    cursor.execute(APPEND, {"batches": batches})
    cursor.unregister("line")
    return after + len(lines)


def after(cursor: duckdb.DuckDBPyConnection, seq: int, limit: int) -> list[Change]:
    """Give the next lines after `seq`, oldest first."""
    return [Change(*row) for row in cursor.execute(AFTER, [seq, limit]).fetchall()]


def touching(cursor: duckdb.DuckDBPyConnection, series: int, at_s: int) -> list[Change]:
    """Give the lines whose span holds one instant of a series, oldest first."""
    return [Change(*row) for row in cursor.execute(TOUCHING, [series, at_s, at_s]).fetchall()]

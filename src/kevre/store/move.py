"""Carrying readings from a file into a lake, and the proof that they are the same."""

from __future__ import annotations

from pathlib import Path

import duckdb

from kevre.model.errors import Conflict, Missing
from kevre.store.connection import Cursor, claimed, looking
from kevre.store.erase import quoted
from kevre.store.lake import LakeConnection
from kevre.store.place import Lake
from kevre.store.snapshot import counts

EMPTY = "delete from lake.store_schema"
COPY = "insert into lake.{name} select * from source.{name}"
# Equal for equal rows in any order: both sides are computed by the same engine.
PROOF = "select count(*), sum(hash(each)::hugeint) from {database}.{name} as each"

Proof = dict[str, tuple[int, int | None]]


def move(source: Path, lake: Lake, *, memory_mb: int = 256) -> dict[str, int]:
    """Copy all readings of a file into an empty lake; give the rows of each table.

    One transaction, committed only if every table has the same count and the same sum of
    hashes on both sides: a run that is cut leaves the lake empty and can be repeated. The
    file stays as it is.

    Raises:
        Missing: there is no file.
        Unavailable: a node has the file open, or the catalogue does not answer.
        Conflict: the lake holds readings already, or would not hold the same.
        Malformed: the file is damaged, or no file of readings.
    """
    if not source.exists():
        raise Missing("store.no_file", "there is no file of readings", where=source.name)
    with claimed(source):
        # Alone first: it tells what is damaged or no file of ours.
        with looking(source) as cursor:
            names = sorted(counts(cursor))
        connection = LakeConnection(lake, memory_mb=memory_mb, threads=2)
        try:
            return _moved(connection, source, names)
        finally:
            connection.close()


def _moved(connection: LakeConnection, source: Path, names: list[str]) -> dict[str, int]:
    with connection.lock:
        connection.writer.execute(f"attach {quoted(str(source), chr(39))} as source (read_only)")
        with connection.writing() as cursor:
            if any(counts(cursor)[name] for name in names if name != "store_schema"):
                raise Conflict(
                    "store.not_empty",
                    "the lake holds readings already",
                    hint="name an empty database in lake_url",
                )
            cursor.execute(EMPTY)
            for name in names:
                cursor.execute(COPY.format(name=name))
            before, after = _proof(cursor, "source", names), _proof(cursor, "lake", names)
            if before != after:
                raise Conflict("store.differs", "the readings in the lake are not the same")
            return {name: count for name, (count, _) in after.items()}


def _proof(cursor: Cursor, database: str, names: list[str]) -> Proof:
    found = {}
    for name in names:
        row = cursor.execute(PROOF.format(database=database, name=name)).fetchone()
        if row is None:
            raise duckdb.InternalException("a sum without a row")
        found[name] = (int(row[0]), None if row[1] is None else int(row[1]))
    return found

"""A consistent copy of the readings while they are read and written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from kevre.model.errors import Unavailable
from kevre.store import change
from kevre.store.connection import Connection, Cursor, looking
from kevre.store.erase import CHECKPOINT, DETACH, NAME, quoted, sync

# Makes the transaction see the store of this moment, before anybody may write again.
LOOK = "select count(*) from store_schema"
TABLES = """
    select table_name from duckdb_tables() where database_name = ? order by table_name
"""


def snapshot(connection: Connection, target: Path, meanwhile: Callable[[], None]) -> dict[str, int]:
    """Copy the readings into a new file; give the rows of each table.

    Writers wait only while `meanwhile` runs, after which the moment of the copy is fixed:
    what `meanwhile` copies is of the same moment. Compaction and erasure wait for the whole.

    Raises:
        Unavailable: the disk is full, or cannot be written.
    """
    with connection.aside() as cursor:
        here = str(cursor.execute(NAME).fetchall()[0][0])
        cursor.execute(f"attach {quoted(str(target), chr(39))} as fresh")
        try:
            with connection.lock:
                cursor.execute("begin transaction")
                cursor.execute(LOOK).fetchone()
                meanwhile()
            cursor.execute(f"copy from database {quoted(here, chr(34))} to fresh")
            _commit(cursor)
            found = _counts(cursor, "fresh")
        finally:
            cursor.execute(DETACH)
    sync(target)
    return found


def proof(path: Path) -> tuple[dict[str, int], int]:
    """Count the rows of each table of a file that no store has open; nothing is written.

    Returns:
        The rows of each table, and the last number of its change log.

    Raises:
        Conflict: another version of Kevre wrote it.
        Malformed: it is damaged, or no file of readings.
    """
    with looking(path) as cursor:
        return counts(cursor), change.last_seq(cursor)


def _commit(cursor: Cursor) -> None:
    try:
        cursor.execute("commit")
        cursor.execute(CHECKPOINT)
    except duckdb.TransactionException as error:
        # Only the copy is written here, by nobody else: it is not another's change.
        raise Unavailable(
            "store.disk",
            "the copy of the readings cannot be written",
            hint="look at the free space of its disk",
        ) from error


def counts(cursor: Cursor) -> dict[str, int]:
    """Count the rows of each table of the store."""
    return _counts(cursor, str(cursor.execute(NAME).fetchall()[0][0]))


def _counts(cursor: Cursor, database: str) -> dict[str, int]:
    names = [str(row[0]) for row in cursor.execute(TABLES, [database]).fetchall()]
    found = {}
    for name in names:
        table = f"{quoted(database, chr(34))}.{quoted(name, chr(34))}"
        rows = cursor.execute(f"select count(*) from {table}").fetchall()  # noqa: S608
        found[name] = int(rows[0][0])
    return found

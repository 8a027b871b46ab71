"""Tables of the store, and the check that a file is one of ours and not too new."""

from __future__ import annotations

import duckdb

from kevre.model.errors import Conflict, Malformed

VERSION = 2

# No table has a primary key: DuckDB's index costs 15 bytes a row and half the speed of a
# bulk load; the one writer keeps keys unique.
_ROW = """
        series integer not null, start_s bigint not null, step_s integer not null,
        value bigint not null, exponent tinyint not null, quality utinyint not null,
        at_s bigint not null, seq bigint not null"""
TABLES = (
    "create table store_schema(version integer not null, last_seq bigint not null)",
    """
    create table series(
        id integer not null, statistic varchar not null, unit varchar not null,
        zone varchar not null, exponent tinyint, longest_s integer not null)
    """,
    # Readings as they came, the newest of the same start counts; seq: of their line in
    # the change log.
    f"create table recent({_ROW})",
    # Readings of closed periods, see `chunk`; each start is in one chunk at most.
    # pitch_s: see `shelf`; low and high: the least and greatest value.
    """
    create table chunk(
        series integer not null, first_s bigint not null, last_s bigint not null,
        count integer not null, pitch_s integer not null, exponent tinyint not null,
        low bigint not null, high bigint not null, payload blob not null)
    """,
    # What readings of chunks said before they were replaced.
    f"create table superseded({_ROW})",
    # amount: value x seconds of means and instants; value x 86,400 of sums and registers.
    """
    create table daily(
        series integer not null, day date not null, day_s integer not null,
        exponent tinyint not null, amount hugeint, covered_s bigint not null,
        estimated_s bigint not null, minimum bigint, maximum bigint)
    """,
    """
    create table change(
        seq bigint not null, series integer not null, first_s bigint not null,
        last_s bigint not null, count bigint not null, at_s bigint not null,
        batch varchar not null)
    """,
)
HAS_TABLES = "select table_name from information_schema.tables"
READ_VERSION = "select version from store_schema"
FIRST_VERSION = "insert into store_schema values (?, 0)"


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables in an empty file, or check those that are there.

    Raises:
        Conflict: a newer Kevre wrote the file, or one from before the first release.
        Malformed: the file is another program's database.
    """
    tables = {str(row[0]) for row in connection.execute(HAS_TABLES).fetchall()}
    if not tables:
        _create(connection)
        return
    if "store_schema" not in tables:
        raise Malformed(
            "store.foreign",
            "the file is a DuckDB database of another program",
            hint="name another file for the readings in the configuration",
        )
    row = connection.execute(READ_VERSION).fetchone()
    if row is None or row[0] > VERSION:
        raise Conflict(
            "store.newer",
            "the readings were written by a newer Kevre",
            hint="update this Kevre, or restore a backup made before the update",
        )
    if row[0] < VERSION:
        raise Conflict(
            "store.older",
            "the readings were written by an early Kevre, before its first release",
            hint="move the file away and import the readings again (a demo: make demo-reset)",
        )


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("begin")
    for statement in TABLES:
        connection.execute(statement)
    connection.execute(FIRST_VERSION, [VERSION])
    connection.execute("commit")

"""The tables of a file of readings as Parquet, and back: for a node that leaves for elsewhere.

The same rows give the same bytes, month by month, so that a copy made again differs only
where the readings do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from kevre.model.errors import Conflict, Malformed
from kevre.store.connection import Cursor, looking
from kevre.store.erase import quoted, sync
from kevre.store.schema import prepare
from kevre.store.snapshot import counts

SUFFIX = ".parquet"
# Of each table: what tells the month a row belongs to [epoch s], and the order of its rows.
# A table without a month is one file.
_LAYOUT = {
    "chunk": ("first_s", "series, first_s"),
    "recent": ("start_s", "series, start_s, at_s, seq"),
    "superseded": ("at_s", "series, start_s, at_s, seq"),
    "change": ("at_s", "seq, series"),
    "daily": ("epoch(day)::bigint", "series, day"),
    "series": ("", "id"),
    "store_schema": ("", "version"),
}
# Parquet has no whole numbers of 128 bits: DuckDB would write them rounded.
_AS_TEXT = {"daily": " replace (amount::varchar as amount)"}
_AS_KEPT = {"daily": " replace (amount::hugeint as amount)"}
MONTHS = "select distinct strftime(make_timestamp({instant} * 1000000), '%Y%m') from {name}"
OF_MONTH = " where strftime(make_timestamp({instant} * 1000000), '%Y%m') = '{month}'"
WRITE = """
    copy (select *{as_text} from {name}{where} order by {order}) to {path}
    (format parquet, compression zstd, row_group_size 20000)
"""
EMPTY = "delete from {name}"
ROWS = "(select *{as_kept} from read_parquet({paths}))"
READ = "insert into {name} from {rows}"
PROOF = "select count(*), sum(hash(each)::hugeint) from {rows} as each"
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {"threads": 1, "memory_limit": "256MB"}


def unload(source: Path, folder: Path) -> None:
    """Write every table of a file that no store has open as Parquet files in a folder.

    Raises:
        Conflict: another version of Kevre wrote the file.
        Malformed: it is damaged, or no file of readings.
    """
    with looking(source) as cursor:
        for name, value in _SETTINGS.items():
            cursor.execute(f"set {name} = {quoted(str(value), chr(39))}")
        names = counts(cursor)
        if names.keys() != _LAYOUT.keys():
            raise ValueError("a table of the store has no layout here")
        for name in sorted(names):
            for month in _months(cursor, name):
                _write(cursor, name, month, folder)


def load(folder: Path, target: Path) -> dict[str, int]:
    """Make a file of readings from such a folder, proven equal; give the rows of each table.

    Raises:
        Conflict: the tables are of another version, or what was written differs.
        Malformed: a file cannot be read.
    """
    target.unlink(missing_ok=True)
    connection = duckdb.connect(target, config=_SETTINGS)
    try:
        prepare(connection)
        connection.execute("begin")
        for name in _LAYOUT:
            paths = sorted(folder.glob(f"{name}.*{SUFFIX}")) + sorted(
                folder.glob(f"{name}{SUFFIX}")
            )
            _read(connection, name, paths)
        connection.execute("commit")
        prepare(connection)  # the version that was read is the one that is understood
        connection.execute("checkpoint")
        found = counts(connection)
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.BinderException) as error:
        raise Malformed(
            "portable.unreadable",
            "the tables of the readings cannot be read",
            hint="take another copy; or use the version of Kevre that made this one",
        ) from error
    finally:
        connection.close()
    sync(target)
    return found


def _months(cursor: Cursor, name: str) -> list[str]:
    instant, _ = _LAYOUT[name]
    if not instant:
        return [""]
    rows = cursor.execute(MONTHS.format(instant=instant, name=name)).fetchall()
    return sorted(str(row[0]) for row in rows)


def _write(cursor: Cursor, name: str, month: str, folder: Path) -> None:
    instant, order = _LAYOUT[name]
    where = OF_MONTH.format(instant=instant, month=month) if month else ""
    path = folder / (f"{name}.{month}{SUFFIX}" if month else f"{name}{SUFFIX}")
    place = quoted(str(path), chr(39))
    cursor.execute(
        WRITE.format(
            name=name, as_text=_AS_TEXT.get(name, ""), where=where, order=order, path=place
        )
    )


def _read(cursor: Cursor, name: str, paths: Sequence[Path]) -> None:
    cursor.execute(EMPTY.format(name=name))
    if not paths:
        return
    listed = "[" + ", ".join(quoted(str(path), chr(39)) for path in paths) + "]"
    rows = ROWS.format(as_kept=_AS_KEPT.get(name, ""), paths=listed)
    cursor.execute(READ.format(name=name, rows=rows))
    before, after = (cursor.execute(PROOF.format(rows=one)).fetchone() for one in (rows, name))
    if before != after:
        raise Conflict("store.differs", "what was written is not what was read", where=name)

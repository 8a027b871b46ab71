"""Copying the registry: SQLite by its own backup, PostgreSQL by pg_dump and pg_restore."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from django.apps import apps
from django.db import connection, transaction

from kevre.model.errors import Malformed, Unavailable
from kevre.node.config import Config

SQLITE = "registry.sqlite3"
POSTGRESQL = "registry.pgdump"


class _Cursor(Protocol):
    """What the cursors of Django and of sqlite3 have in common."""

    def execute(self, sql: str, /) -> object: ...
    def fetchone(self) -> Any: ...


# What the home holds of the registry.
FILES = (SQLITE, f"{SQLITE}-wal", f"{SQLITE}-shm")


def dump(config: Config, folder: Path) -> dict[str, int]:
    """Copy the registry of this moment into a folder, while it is in use; count its rows.

    Raises:
        Unavailable: pg_dump is missing, or failed.
        OSError: a registry in SQLite cannot be written there.
    """
    if config.database_url:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read")
            cursor.execute("select pg_export_snapshot()")
            moment = f"--snapshot={cursor.fetchone()[0]}"
            _run(config, "pg_dump", "--format=custom", moment, f"--file={folder / POSTGRESQL}")
            return counts()
    try:
        with (
            closing(sqlite3.connect(config.home / SQLITE)) as source,
            closing(sqlite3.connect(folder / SQLITE)) as target,
        ):
            source.backup(target)
            # A file by itself, without a log beside it.
            target.execute("pragma journal_mode=delete")
            return _counted(target.cursor())
    except sqlite3.OperationalError as error:
        # What writes the backup knows what to say of a disk.
        raise OSError("the registry cannot be copied") from error


def counts() -> dict[str, int]:
    """Count the rows of each table of the registry that is configured."""
    with connection.cursor() as cursor:
        return _counted(cursor)


def _counted(cursor: _Cursor) -> dict[str, int]:
    tables = {
        model._meta.db_table  # noqa: SLF001 - the documented way to a table's name
        for model in apps.get_models(include_auto_created=True)
    }
    return _rows(cursor, tables)


def _rows(cursor: _Cursor, tables: Iterable[str]) -> dict[str, int]:
    found = {}
    for table in sorted(tables):
        cursor.execute(f'select count(*) from "{table}"')  # noqa: S608 - our own names
        found[table] = int(cursor.fetchone()[0])
    return found


def count_copy(folder: Path, tables: Iterable[str]) -> dict[str, int]:
    """Count the rows of tables in a copied SQLite registry, without writing to it.

    Raises:
        Malformed: it is damaged, or lacks a table.
    """
    path = (folder / SQLITE).resolve()
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as copy:
            return _rows(copy.cursor(), tables)
    except sqlite3.Error as error:
        raise Malformed(
            "backup.damaged", f"the registry cannot be read: {error}", where=SQLITE,
            hint="take another backup",
        ) from error  # fmt: skip


def name(config: Config) -> str:
    """Give the name of the file that a copy of the registry that is configured has."""
    return POSTGRESQL if config.database_url else SQLITE


def check(config: Config, folder: Path) -> None:
    """Hold that a copy can be put in the place of the registry that is configured.

    Raises:
        Unavailable: pg_restore is missing; or the copy is of the other kind.
    """
    if not (folder / name(config)).exists():
        raise Unavailable(
            "backup.other_registry",
            "the backup was made with another kind of registry",
            where=name(config),
            hint="set database_url as it was when the backup was made",
        )
    if config.database_url:
        _program("pg_restore")


def keep(config: Config, folder: Path) -> None:
    """Keep what the PostgreSQL database holds, before `load` takes its place.

    Raises:
        Unavailable: pg_dump is missing, or failed.
    """
    _run(config, "pg_dump", "--format=custom", f"--file={folder / POSTGRESQL}")


def load(config: Config, folder: Path) -> None:
    """Put a copied registry in the place of what the PostgreSQL database holds.

    Raises:
        Unavailable: pg_restore is missing, or failed.
    """
    options = ("--clean", "--if-exists", "--no-owner", "--single-transaction")
    _run(config, "pg_restore", *options, str(folder / POSTGRESQL))


def _program(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise Unavailable(
            "backup.no_tool",
            f"{program} is needed for a registry in PostgreSQL",
            hint="install it: sudo apt install postgresql-client",
        )
    return path


def _run(config: Config, program: str, *options: str) -> None:
    path = _program(program)
    url = urlsplit(config.database_url)
    # By the environment: the arguments of a process are there for everybody to read.
    given = {
        "PGHOST": url.hostname,
        "PGPORT": str(url.port) if url.port else None,
        "PGUSER": unquote(url.username or "") or None,
        "PGPASSWORD": unquote(url.password or "") or None,
        "PGDATABASE": url.path.lstrip("/"),
    }
    environment = os.environ | {name: value for name, value in given.items() if value}
    database = ["--dbname", url.path.lstrip("/")] if program == "pg_restore" else []
    done = subprocess.run(  # noqa: S603 - a fixed program with our own options
        [path, *database, *options], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Unavailable(
            "backup.tool_failed",
            f"{program} failed: {done.stderr.strip().splitlines()[-1:] or ['no reason given']}",
            hint="its version must not be older than the server's",
        )

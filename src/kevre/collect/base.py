"""The file of a spool: opened, checked, and moved aside where it is damaged."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from kevre.collect import ledger
from kevre.model.errors import Unavailable

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def opened(path: Path) -> sqlite3.Connection:
    """Open the file of a spool, made with its folder if absent, and look whether it is whole.

    Raises:
        Unavailable: it cannot be opened; `spool.damaged` where it is no whole spool.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)  # what a household uses is nobody else's business
        base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path) from error
    try:
        _prepare(base)
        is_whole = base.execute("pragma quick_check(1)").fetchone()[0] == "ok"
    except sqlite3.Error as error:
        base.close()
        told = failure(path, error)
        raise (told if told.code == "spool.damaged" else _unusable(path)) from error
    if not is_whole:
        base.close()
        raise _damaged(path)
    return base


def move_aside(path: Path) -> Path:
    """Rename a damaged spool, with what SQLite keeps beside it; give its new name.

    Raises:
        Unavailable: it cannot be renamed.
    """
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    try:
        for ending in ("-wal", "-shm", ""):
            part = path.with_name(path.name + ending)
            if part.exists():
                part.rename(aside.with_name(aside.name + ending))
    except OSError as error:
        raise _unusable(path) from error
    return aside


def failure(path: Path, error: sqlite3.Error) -> Unavailable:
    """Give what an error of SQLite means here."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
        return _damaged(path)
    return Unavailable(
        "spool.write",
        "the spool cannot be written or read",
        hint="look whether the disk is full or failing",
    )


def _prepare(base: sqlite3.Connection) -> None:
    base.execute("pragma journal_mode = wal")
    base.execute("pragma synchronous = full")
    base.execute("pragma cache_size = -512")
    base.execute("pragma temp_store = memory")
    known = {row[1] for row in base.execute("pragma table_info(reading)")}
    if known and "boot" not in known:
        base.execute(ledger.ADD_BOOT)
    base.executescript(ledger.SCHEMA)


def _damaged(path: Path) -> Unavailable:
    return Unavailable(
        "spool.damaged",
        "the spool is damaged",
        where=path.name,
        hint="the collector moves it aside as *.damaged-1 and begins another",
    )


def _unusable(path: Path) -> Unavailable:
    return Unavailable(
        "spool.unusable",
        "the spool cannot be opened",
        where=path.name,
        hint="its folder must be writable",
    )

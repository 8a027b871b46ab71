"""Erasing readings: first the rows, then the bytes."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from kevre.model.window import EARLIEST_S, LATEST_S, Window, local_day
from kevre.store import catalog, chunk, read, shelf
from kevre.store.catalog import Declared
from kevre.store.connection import Connection

ROWS = "delete from {} where series = ? and start_s >= ? and start_s < ?"
ALL_ROWS = "delete from {} where series = ?"
CHUNKS = "delete from chunk where series = ? and last_s >= ? and first_s < ?"
ALL_CHUNKS = "delete from chunk where series = ?"
WITH_ROWS = ("recent", "superseded")
ALL_DAYS = "delete from daily where series = ?"
LINES = "delete from change where series = ? and first_s >= ? and last_s <= ?"
ALL_LINES = "delete from change where series = ?"

NAME = "select current_database()"
DETACH = "detach fresh"
CHECKPOINT = "checkpoint fresh"


def everything(cursor: duckdb.DuckDBPyConnection, declared: Declared) -> int:
    """Delete a series from every table; give how many readings it had."""
    series = declared.series
    count = read.count(cursor, declared, EARLIEST_S, LATEST_S)
    cursor.execute(ALL_CHUNKS, [series])
    for table in WITH_ROWS:
        cursor.execute(ALL_ROWS.format(table), [series])
    for statement in (ALL_DAYS, ALL_LINES, catalog.FORGET):
        cursor.execute(statement, [series])
    return count


def part(cursor: duckdb.DuckDBPyConnection, declared: Declared, window: Window) -> int:
    """Delete what starts in a window, and its lines; daily totals are the caller's duty.

    Chunks that reach beyond the window are written anew without what lies in it.
    """
    span = [declared.series, window.start_s, window.end_s]
    count = read.count(cursor, declared, window.start_s, window.end_s)
    kept = []
    for piece in shelf.overlapping(cursor, *span):
        run = chunk.decode(piece.payload, piece.first_s, piece.count, is_dated=True)
        first, end = (int(at) for at in np.searchsorted(run.start_s, span[1:]))
        for rest in (run.between(0, first), run.between(end, len(run))):
            if len(rest):
                kept += shelf.pieces(piece.series, piece.exponent, rest)
    cursor.execute(CHUNKS, span)
    shelf.put(cursor, kept)
    for table in WITH_ROWS:
        cursor.execute(ROWS.format(table), span)
    cursor.execute(LINES, span)
    return count


def days(window: Window, declared: Declared) -> tuple[date, date]:
    """Give the local days that a window touches."""
    last_s = max(window.start_s, window.end_s - 1)
    end = Window.of_seconds(last_s, last_s).start
    return local_day(window.start, declared.zone), local_day(end, declared.zone)


def vacuum(connection: Connection) -> None:
    """Rewrite the file without what was deleted, and take the place of the old one.

    Takes free disk space of the size of the file; readers wait only for the exchange.
    """
    fresh = connection.path.with_name(connection.path.name + ".fresh")
    with connection.maintaining() as cursor:
        try:
            fresh.unlink(missing_ok=True)
            _copy(cursor, fresh)
            with connection.exclusive():
                sync(fresh)
                fresh.replace(connection.path)
                sync(connection.path.parent)
        finally:
            fresh.unlink(missing_ok=True)


def _copy(cursor: duckdb.DuckDBPyConnection, fresh: Path) -> None:
    row = cursor.execute(NAME).fetchone()
    here = str(row[0]) if row else ""
    cursor.execute(f"attach {quoted(str(fresh), chr(39))} as fresh")
    try:
        cursor.execute(f"copy from database {quoted(here, chr(34))} to fresh")
        cursor.execute(CHECKPOINT)
    finally:
        cursor.execute(DETACH)


def quoted(name: str, mark: str) -> str:
    """Quote what DuckDB does not let one bind: the name of a file or database."""
    return mark + name.replace(mark, mark + mark) + mark


def sync(path: Path) -> None:
    """Put a file or folder on disk before anything else is done."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

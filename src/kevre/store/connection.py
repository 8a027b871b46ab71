"""The open file: one writer, many readers, one process.

A `.lock` file beside the database is held for the life of the store, so that a second
process is told at once, also while the file is being rewritten.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

import duckdb

from kevre.model.errors import KevreError, Malformed, Unavailable
from kevre.store.schema import prepare

Cursor = duckdb.DuckDBPyConnection


class Connection:
    """Owns the DuckDB file: cursors for readers, the lock of the writer, the exchange.

    Attributes:
        is_shared: whether other processes write to the same readings.
        path: the database file.
        writer: the cursor of whoever holds `lock`.
        lock: held by the one thread that writes.
        upkeep: held by the one that compacts or erases; taken before `lock`.
    """

    is_shared = False

    def __init__(self, path: Path, *, memory_mb: int, threads: int) -> None:
        self.path = path
        self.lock: AbstractContextManager[object] = threading.RLock()
        self.upkeep: AbstractContextManager[object] = threading.RLock()
        self._config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{memory_mb}MB",
            "threads": threads,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            # Names in statements are tables or registered, never variables of Python, which
            # DuckDB would look for at each statement, with every library that it knows.
            "python_enable_replacements": False,
        }
        self._turn = threading.Condition()
        self._readers = 0
        self._is_shut = False
        self._is_closed = False
        self._idle: list[Cursor] = []
        self._claim = self._claimed()
        try:
            self._open()
            self._prepare()
        except BaseException:
            self._claim.close()
            raise

    def renew(self) -> None:
        """Hold the turn to write again where it was lost; never so for a file."""

    def watch(self, on_change: Callable[[], None]) -> None:
        """Call a function when another process has written; never so for a file."""

    @contextmanager
    def reading(self) -> Iterator[Cursor]:
        """Lend a cursor that sees one state of the store; never nest two."""
        with self._turn:
            self._turn.wait_for(lambda: not self._is_shut)
            self._check_open()
            self._readers += 1
            cursor = self._idle.pop() if self._idle else self._cursor()
        try:
            with translated(self.path.name):
                cursor.execute("begin transaction read only")
                try:
                    yield cursor
                finally:
                    cursor.execute("rollback")
        finally:
            with self._turn:
                self._idle.append(cursor)
                self._readers -= 1
                self._turn.notify_all()

    @contextmanager
    def writing(self) -> Iterator[Cursor]:
        """Lend the writer's cursor for one transaction: all of it, on disk, or nothing."""
        with self.lock:
            self._check_open()
            with translated(self.path.name):
                self.writer.execute("begin transaction")
                try:
                    yield self.writer
                    self.writer.execute("commit")
                except BaseException:
                    self._roll_back()
                    raise

    @contextmanager
    def tidying(self) -> Iterator[Cursor]:
        """Lend a cursor for one transaction beside the writer's; one at a time.

        It may delete and insert what no writer changes: nobody waits for it.
        """
        with self.aside() as cursor:
            cursor.execute("begin transaction")
            yield cursor
            cursor.execute("commit")

    @contextmanager
    def aside(self) -> Iterator[Cursor]:
        """Lend a cursor of its own for upkeep beside readers and writers; one at a time."""
        with self.upkeep:
            with self._turn:
                self._turn.wait_for(lambda: not self._is_shut)
                self._check_open()
                cursor = self._cursor()
            try:
                with translated(self.path.name):
                    yield cursor
            finally:
                cursor.close()

    @contextmanager
    def maintaining(self) -> Iterator[Cursor]:
        """Lend the writer's cursor for work that no transaction can hold; writers wait."""
        with self.upkeep, self.lock:
            self._check_open()
            with translated(self.path.name):
                yield self.writer

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Close the database while its file is exchanged; readers and writers wait."""
        with self.upkeep, self.lock:
            with self._turn:
                self._is_shut = True
                self._turn.wait_for(lambda: self._readers == 0)
            try:
                self._close_database()
                yield
            finally:
                try:
                    self._open()
                finally:
                    with self._turn:
                        self._is_shut = False
                        self._turn.notify_all()

    def close(self) -> None:
        """Close the file; later calls find the store closed."""
        with self.upkeep, self.lock, self._turn:
            if self._is_closed:
                return
            self._is_closed = True
            self._turn.wait_for(lambda: self._readers == 0)
            self._close_database()
            self._claim.close()

    def _claimed(self) -> IO[bytes]:
        """Keep other processes out, until it is closed."""
        return _claim(self.path)

    def _prepare(self) -> None:
        """Make the tables, or check those that are there."""
        prepare(self._base)

    def _cursor(self) -> Cursor:
        return self._base.cursor()

    def _open(self) -> None:
        try:
            self._base = duckdb.connect(self.path, config=self._config)
        except duckdb.IOException as error:
            raise _cannot_open(error) from error
        except duckdb.SerializationException as error:
            raise _cannot_open(error) from error
        self._base.execute("set TimeZone = 'UTC'")
        self.writer = self._cursor()

    def _close_database(self) -> None:
        for cursor in (*self._idle, self.writer, self._base):
            cursor.close()
        self._idle.clear()

    def _roll_back(self) -> None:
        try:
            self.writer.execute("rollback")
        except duckdb.Error:
            # A failed commit has already ended the transaction.
            return

    def _check_open(self) -> None:
        if self._is_closed:
            raise Unavailable("store.closed", "the store is closed")


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Keep every store from opening a file, there or not, sound or damaged.

    Raises:
        Unavailable: a store has it open.
    """
    claim = _claim(path)
    try:
        yield
    finally:
        claim.close()


@contextmanager
def looking(path: Path) -> Iterator[Cursor]:
    """Open a file that no store has open, to read it alone: nothing is written.

    Raises:
        Conflict: another version of Kevre wrote it.
        Malformed: it is damaged, or no file of readings.
    """
    with translated(path.name):
        try:
            base = duckdb.connect(path, read_only=True)
        except (duckdb.IOException, duckdb.SerializationException) as error:
            raise _cannot_open(error) from error
        try:
            prepare(base)
            yield base
        finally:
            base.close()


def _claim(path: Path) -> IO[bytes]:
    claim = path.with_name(path.name + ".lock").open("ab")
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        claim.close()
        raise Unavailable(
            "store.locked",
            "another process has the readings open",
            where=path.name,
            hint="stop the other kevre (serve, import...) or let it do the work",
        ) from error
    os.set_inheritable(claim.fileno(), False)  # noqa: FBT003 - the name says it
    return claim


def _cannot_open(error: duckdb.Error) -> KevreError:
    text = str(error)
    if "lock" in text:
        return Unavailable(
            "store.locked",
            "another program has the readings open",
            hint="close it; DuckDB lets one process at a time open a file",
        )
    if "not a valid DuckDB" in text or "serializ" in text.lower() or "version" in text:
        return Malformed(
            "store.foreign",
            "the file is not a database that this version can read",
            hint="name another file in the configuration, or restore a backup",
        )
    return Unavailable("store.disk", "the file of readings cannot be opened or written")


def contended() -> Unavailable:
    """Say that a transaction was refused, whole, because of another one."""
    return Unavailable(
        "store.contended",
        "another process changed the readings at the same moment",
        hint="try again",
    )


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Say what DuckDB says in the words of the five families."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise Unavailable(
            "store.memory",
            "this needs more memory than the store may use",
            hint="ask for a shorter period, or raise the store's memory in the configuration",
        ) from error
    except duckdb.TransactionException as error:
        if "onflict" in str(error):
            raise contended() from error
        raise
    except (duckdb.IOException, duckdb.FatalException, duckdb.ConnectionException) as error:
        if "checksum" in str(error):
            raise Malformed(
                "store.damaged",
                "readings on disk are damaged",
                where=name,
                hint="restore a backup: kevre restore",
            ) from error
        raise Unavailable(
            "store.disk",
            "the readings cannot be read or written now",
            hint="look at the free space of the disk, then start kevre again",
        ) from error

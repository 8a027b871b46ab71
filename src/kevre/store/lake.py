"""Readings beyond one machine: tables in DuckLake, shared by several processes.

The catalogue is a PostgreSQL database, the readings are Parquet files in a folder that all
machines see, or in object storage. SQL and tables are those of the file; what one process
may do alone there, it does here while it holds an advisory lock of the catalogue.
"""

from __future__ import annotations

import importlib.util
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

import duckdb
import psycopg

from kevre.model.errors import Unavailable
from kevre.store.connection import Connection, Cursor, contended, translated
from kevre.store.place import Lake
from kevre.store.schema import prepare

# Rows of a small write go into the catalogue, not into a file of their own.
_INLINED_ROWS = 1_000
_EXTENSIONS = ("ducklake", "postgres_scanner", "httpfs")
# Advisory locks of a catalogue: any two numbers that nobody else uses.
_WRITE, _UPKEEP = 0x6B65767201, 0x6B65767202

# Two transactions that both write the same row never both commit.
FENCE = "update store_schema set last_seq = last_seq"
TAKE = "select pg_advisory_lock(%s)"
ALIVE = "select 1"
LET_GO = "select pg_advisory_unlock(%s)"
MOMENT = "select max(snapshot_id) from ducklake_snapshot"
INLINED = "select tablename from pg_tables where tablename like 'ducklake_inlined_data_%'"
TIDY = (
    "call ducklake_flush_inlined_data('lake')",
    "call ducklake_rewrite_data_files('lake', delete_threshold => 0)",
    "call ducklake_merge_adjacent_files('lake')",
    "call ducklake_expire_snapshots('lake', older_than => now())",
    "call ducklake_cleanup_old_files('lake', cleanup_all => true)",
    "call ducklake_delete_orphaned_files('lake', cleanup_all => true)",
)


class Turnstile:
    """A lock between the threads of a process, and between processes that share a lake.

    Args:
        catalog_url: of the catalogue.
        key: number of the advisory lock.
        on_turn: called when it was taken, before the work begins.
    """

    def __init__(
        self, catalog_url: str, key: int, on_turn: Callable[[Turnstile], None] | None = None
    ) -> None:
        self._url = catalog_url
        self._key = key
        self._on_turn = on_turn
        self._threads = threading.RLock()
        self._depth = 0
        self._session: psycopg.Connection | None = None
        self._holder: psycopg.Connection | None = None

    def __enter__(self) -> None:
        self._threads.acquire()
        self._depth += 1
        if self._depth > 1:
            return
        try:
            self._take()
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._depth == 1:
                self._let_go()
        finally:
            self._depth -= 1
            self._threads.release()

    def ask(self, statement: str, *bound: object) -> list[tuple[object, ...]]:
        """Ask the catalogue itself.

        Raises:
            Unavailable: it does not answer.
        """
        try:
            if self._session is None:
                self._session = psycopg.connect(self._url, autocommit=True)
            answer = self._session.execute(statement.encode(), bound or None)
            return answer.fetchall() if answer.description else []
        except psycopg.Error as error:
            self.close()
            raise Unavailable(
                "store.catalog",
                "the catalogue of the readings does not answer",
                hint="look at PostgreSQL, and at lake_url in the configuration",
            ) from error

    @property
    def is_held(self) -> bool:
        """Say whether the session that took the lock lives."""
        try:
            self.ask(ALIVE)
        except Unavailable:
            return False
        return self._session is self._holder

    def renew(self) -> None:
        """Take the lock again, where this thread has it and its session broke."""
        with self._threads:
            if self._depth and not self.is_held:
                self._take()

    def close(self) -> None:
        """Leave the catalogue; whatever was locked is free."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _take(self) -> None:
        try:
            self.ask(TAKE, self._key)
        except Unavailable:
            # The session may have broken since it was last used: once more in a new one.
            self.ask(TAKE, self._key)
        self._holder = self._session
        if self._on_turn is not None:
            self._on_turn(self)

    def _let_go(self) -> None:
        try:
            self.ask(LET_GO, self._key)
        except Unavailable:
            # A session that ended has let go of its locks.
            return


class LakeConnection(Connection):
    """As `Connection`, for readings that several processes share."""

    is_shared = True

    def __init__(self, lake: Lake, *, memory_mb: int, threads: int) -> None:
        self._lake = lake
        self._moment: object = None
        self._on_change: Callable[[], None] | None = None
        if "://" not in lake.data:
            Path(lake.data).mkdir(parents=True, exist_ok=True)
        super().__init__(Path(lake.data), memory_mb=memory_mb, threads=threads)

    @contextmanager
    def writing(self) -> Iterator[Cursor]:
        """Lend the writer's cursor for one transaction: all of it, on disk, or nothing."""
        with self.lock:
            with super().writing() as cursor:
                cursor.execute(FENCE)
                yield cursor
                self._check_turn()
            self._remember()

    @contextmanager
    def tidying(self) -> Iterator[Cursor]:
        """Lend a cursor for one transaction; writers wait, with whom it could conflict here."""
        with self.upkeep, self.lock:
            with super().tidying() as cursor:
                cursor.execute(FENCE)
                yield cursor
                self._check_turn()
            self._remember()

    def renew(self) -> None:
        """Hold the turn again where its session broke, and see what others wrote meanwhile."""
        self._gate.renew()

    def watch(self, on_change: Callable[[], None]) -> None:
        """Call a function when this process may write and another wrote since it last did."""
        self._on_change = on_change

    def vacuum(self) -> None:
        """Write files anew without the rows that were deleted, and forget earlier states."""
        with self.maintaining() as cursor:
            for statement in TIDY:
                cursor.execute(statement)
            for (name,) in self._gate.ask(INLINED):
                self._gate.ask(f'vacuum full "{name}"')
            self._remember()

    def close(self) -> None:
        """Close; later calls find the store closed."""
        super().close()
        for gate in (self._gate, self._care):
            gate.close()

    def _claimed(self) -> IO[bytes]:
        self._gate = Turnstile(self._lake.catalog_url, _WRITE, self._turn_came)
        self._care = Turnstile(self._lake.catalog_url, _UPKEEP)
        self.lock, self.upkeep = self._gate, self._care
        return io.BytesIO()

    def _prepare(self) -> None:
        with self._gate:
            prepare(self._base)

    def _cursor(self) -> Cursor:
        cursor = self._base.cursor()
        cursor.execute("set TimeZone = 'UTC'")
        cursor.execute("use lake")
        return cursor

    def _open(self) -> None:
        with translated("lake"):
            self._base = duckdb.connect(":memory:", config=self._config)
            for name in _EXTENSIONS:
                self._base.execute(f"load {_quoted(str(_extension(name)))}")
            # Two processes that make the catalogue at the same time stand in each other's way.
            with self._gate:
                self._base.execute(
                    f"attach {_quoted('ducklake:postgres:' + self._lake.catalog_url)} as lake"
                    f" (data_path {_quoted(self._lake.data)},"
                    f" data_inlining_row_limit {_INLINED_ROWS})"
                )
            self._base.execute("use lake")
            self.writer = self._cursor()

    def _check_turn(self) -> None:
        """Hold that the turn was not lost, and nobody has written since it came.

        A turn is lost with the session that holds the lock. Who writes after this question
        collides with the fence.

        Raises:
            Unavailable: it was lost; the transaction is to be rolled back.
        """
        if not self._gate.is_held:
            raise contended()
        if self._moment is not None and self._gate.ask(MOMENT) != self._moment:
            raise contended()

    def _remember(self) -> None:
        """Keep the snapshot that this process has left; the work is on disk, come what may."""
        try:
            self._moment = self._gate.ask(MOMENT)
        except Unavailable:
            self._moment = None

    def _turn_came(self, gate: Turnstile) -> None:
        if self._on_change is None:
            return
        moment = gate.ask(MOMENT)
        if moment != self._moment:
            self._moment = moment
            self._on_change()


def _extension(name: str) -> Path:
    """Find the extension that its package brought.

    Raises:
        Unavailable: it is not installed.
    """
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    folders = spec.submodule_search_locations if spec else None
    found = [path for folder in folders or () for path in Path(folder).rglob("*.duckdb_extension")]
    if not found:
        raise Unavailable(
            "store.extension",
            "shared readings need extensions of DuckDB",
            where=name,
            hint="install them: pip install 'kevre[node,lake]'",
        )
    return found[0]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""The durable queue between the meter and the node: readings wait here until they are kept.

One SQLite file. A reading is on disk when `append` returns, leaves when the node has
acknowledged its batch, and is otherwise dropped only when the spool is full: the oldest
first, and counted.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from kevre.model.batch import Column, ColumnBuilder
from kevre.model.errors import Unavailable
from kevre.model.identifier import parse
from kevre.model.quality import Quality
from kevre.model.reading import Reading

DEFAULT_CAPACITY = 500_000  # readings: about 40 MB, or a month of two series every 10 s

# A reading that is replaced or taken back takes a new number, so that the acknowledgement
# of a parcel on its way does not delete it. Numbers are never given twice.
_SCHEMA = """
create table if not exists series (id integer primary key, urn text not null unique);
create table if not exists reading (
    number integer primary key autoincrement,
    series integer not null references series (id),
    start_s integer not null,
    step_s integer not null,
    mantissa integer,
    exponent integer not null,
    quality integer not null,
    refusal text,
    unique (series, start_s)
);
create index if not exists waiting on reading (number) where refusal is null;
create index if not exists refused on reading (number) where refusal is not null;
create table if not exists tally (name text primary key, count integer not null);
create table if not exists note (name text primary key, text text not null, at_s integer not null);
"""
_KNOW = "insert into series (urn) values (?) on conflict do nothing"
_KEY = "select id from series where urn = ?"
_REPLACED = "delete from reading where series = ? and start_s = ?"
_ADD = """
insert into reading (series, start_s, step_s, mantissa, exponent, quality)
values (?, ?, ?, ?, ?, ?)
"""
_HELD = "select count(*) from reading"
_WAITING = "select count(*) from reading where refusal is null"
_OLDEST = """
select number, urn, start_s, step_s, mantissa, exponent, quality
from reading join series on series.id = series
where refusal is null order by number limit ?
"""
_FORGET = "delete from reading where number <= ? and refusal is null"
_REFUSE = "update reading set refusal = ? where number <= ? and refusal is null"
_TAKE_BACK = """
insert or replace into reading (series, start_s, step_s, mantissa, exponent, quality)
select series, start_s, step_s, mantissa, exponent, quality
from reading where refusal is not null order by number
"""
_DROP_REFUSED = """
delete from reading where number in (
    select number from reading where refusal is not null order by number limit ?
)
"""
_DROP_WAITING = """
delete from reading where number in (
    select number from reading where refusal is null and number > ? order by number limit ?
)
"""
_TALLY = """
insert into tally (name, count) values (?, ?)
on conflict (name) do update set count = count + excluded.count
"""
_NOTE = "insert or replace into note (name, text, at_s) values (?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Parcel:
    """Readings to send together; its number acknowledges it."""

    number: int
    columns: tuple[Column, ...]

    def __len__(self) -> int:
        """Count the readings."""
        return sum(len(column) for column in self.columns)


@dataclass(frozen=True, slots=True)
class State:
    """How a spool stands, for `kevre-collect status`."""

    waiting: int
    set_aside: int
    tallies: dict[str, int]
    notes: dict[str, tuple[str, int]]


class Spool:
    """A bounded queue of readings in one file; threads may share it.

    Args:
        path: the file; made with its folder if absent.
        capacity: most readings held, those set aside included.

    Raises:
        Unavailable: the file cannot be opened or is not a spool.
    """

    def __init__(self, path: Path, *, capacity: int = DEFAULT_CAPACITY) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._on_its_way = 0  # the number of the parcel given out last
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)  # what a household uses is nobody else's business
            self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._base.execute("pragma journal_mode = wal")
            self._base.execute("pragma synchronous = full")
            self._base.execute("pragma cache_size = -512")
            self._base.executescript(_SCHEMA)
            self._held: int = self._base.execute(_HELD).fetchone()[0]
        except (OSError, sqlite3.Error) as error:
            raise _unusable(path) from error

    def __enter__(self) -> Self:
        """Give the spool itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()

    def append(self, readings: Iterable[tuple[str, Reading]]) -> None:
        """Put (series URN, reading) on disk, in one transaction.

        Of two readings of one series and instant the later stands; that is counted.
        """
        rows = list(readings)
        with self._transaction() as base:
            replaced = sum(_put(base, urn, reading) for urn, reading in rows)
            held = self._held + len(rows) - replaced
            _tally(base, "appended", len(rows))
            _tally(base, "replaced", replaced)
            if held > self._capacity:
                held -= self._drop(base, held - self._capacity)
        self._held = held

    def _drop(self, base: sqlite3.Connection, surplus: int) -> int:
        """Make room: what was refused goes first, what is on its way is not touched."""
        refused = base.execute(_DROP_REFUSED, (surplus,)).rowcount
        rest = (self._on_its_way, surplus - refused)
        dropped: int = refused + base.execute(_DROP_WAITING, rest).rowcount
        _tally(base, "dropped", dropped)
        return dropped

    def pending(self, limit: int) -> Parcel | None:
        """Give the oldest readings that wait, at most `limit`; None when none does.

        Asking again before acknowledging gives them again.
        """
        with self._transaction() as base:
            rows = base.execute(_OLDEST, (limit,)).fetchall()
            self._on_its_way = rows[-1][0] if rows else 0
        if not rows:
            return None
        return Parcel(rows[-1][0], tuple(_columns(rows)))

    def acknowledge(self, number: int, *, at_s: int = 0, **counts: int) -> int:
        """Forget the readings of a parcel that the node has kept; give how many.

        Args:
            number: of the parcel.
            at_s: when, for the note "sent" [epoch s].
            counts: counters to add to in the same transaction, which spares the card.
        """
        with self._transaction() as base:
            sent = base.execute(_FORGET, (number,)).rowcount
            for name, count in ({"sent": sent} | counts).items():
                _tally(base, name, count)
            base.execute(_NOTE, ("sent", "", at_s))
        self._on_its_way = 0
        self._held -= sent
        return sent

    def set_aside(self, number: int, code: str) -> int:
        """Keep the readings of a parcel that the node refuses, but let others pass."""
        with self._transaction() as base:
            refused = base.execute(_REFUSE, (code, number)).rowcount
            _tally(base, "refused", refused)
        self._on_its_way = 0
        return refused

    def take_back(self) -> int:
        """Queue what was set aside again; give how many readings."""
        with self._transaction() as base:
            return base.execute(_TAKE_BACK).rowcount

    def tally(self, **counts: int) -> None:
        """Add to named counters that outlive the process."""
        with self._transaction() as base:
            for name, count in counts.items():
                _tally(base, name, count)

    def note(self, name: str, text: str, at_s: int) -> None:
        """Keep the last word on something, such as the last problem."""
        with self._transaction() as base:
            base.execute(_NOTE, (name, text, at_s))

    def state(self) -> State:
        """Give counts and last words."""
        with self._transaction() as base:
            held: int = base.execute(_HELD).fetchone()[0]
            waiting: int = base.execute(_WAITING).fetchone()[0]
            tallies = dict(base.execute("select name, count from tally"))
            notes = {
                name: (text, at_s)
                for name, text, at_s in base.execute("select name, text, at_s from note")
            }
        return State(waiting, held - waiting, tallies, notes)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._base.execute("begin immediate")
                yield self._base
                self._base.execute("commit")
            except sqlite3.Error as error:
                raise Unavailable(
                    "spool.write",
                    "the spool cannot be written or read",
                    hint="look whether the disk is full or failing",
                ) from error
            finally:
                if self._base.in_transaction:
                    self._base.execute("rollback")


def _put(base: sqlite3.Connection, urn: str, reading: Reading) -> int:
    """Add a reading, and give how many it replaced."""
    base.execute(_KNOW, (urn,))
    series: int = base.execute(_KEY, (urn,)).fetchone()[0]
    replaced = base.execute(_REPLACED, (series, reading.start_s)).rowcount
    mantissa, exponent = reading.value or (None, 0)
    base.execute(
        _ADD, (series, reading.start_s, reading.step_s, mantissa, exponent, reading.quality)
    )
    return replaced


def _tally(base: sqlite3.Connection, name: str, count: int) -> None:
    if count:
        base.execute(_TALLY, (name, count))


def _columns(rows: list[tuple[int, str, int, int, int | None, int, int]]) -> Iterator[Column]:
    builders: dict[str, ColumnBuilder] = {}
    for _, urn, start_s, step_s, mantissa, exponent, code in rows:
        builder = builders.get(urn)
        if builder is None:
            builder = builders[urn] = _builder(urn)
        value = None if mantissa is None else (mantissa, exponent)
        builder.add(Reading(start_s, step_s, value, Quality(code)))
    for builder in builders.values():
        yield builder.build()


def _builder(urn: str) -> ColumnBuilder:
    kind = parse(urn).kind
    if kind is None:
        raise AssertionError("a device gives only series whose path tells their kind")
    return ColumnBuilder(urn, kind)


def _unusable(path: Path) -> Unavailable:
    return Unavailable(
        "spool.unusable",
        "the spool cannot be opened",
        where=path.name,
        hint="its folder must be writable; if the file is damaged, move it away",
    )

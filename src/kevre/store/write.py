"""Writing: batches become rows, and lines of the change log, in one transaction.

Threads that write at the same moment share one transaction (group commit): who gets the
lock first writes for all that wait. Each is told what became of its own readings.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import duckdb
import numpy as np

from kevre.model.batch import Column
from kevre.model.errors import KevreError, Malformed, Unavailable
from kevre.model.reading import Fault
from kevre.store import catalog, change, fit, incoming, merge
from kevre.store.catalog import Declared
from kevre.store.connection import Connection, Cursor
from kevre.store.contention import again
from kevre.store.incoming import Incoming
from kevre.store.ledger import NO_EXPONENT, Ledger
from kevre.store.result import Written

LARGEST_VALUE = """
    select exponent, max(greatest(high, -low::hugeint)) from chunk
    where series = $series group by exponent
    union all
    select exponent, max(abs(value::hugeint)) from recent
    where series = $series group by exponent
    union all
    select exponent, max(abs(value::hugeint)) from superseded
    where series = $series group by exponent
"""


def _not_written(cause: duckdb.Error | None = None) -> KevreError:
    failure = Unavailable("store.disk", "the readings cannot be written now")
    failure.__cause__ = cause
    return failure


@dataclass(slots=True, eq=False)
class _Job:
    columns: Sequence[tuple[int, Column]]
    batch: str
    now_s: int
    rows: Incoming | None = None
    is_done: bool = False
    turn: threading.Event = field(default_factory=threading.Event)
    # Until its transaction is on disk the job has failed, whatever happens on the way.
    error: KevreError | None = field(default_factory=_not_written)
    new: int = 0
    changed: int = 0
    refused: list[tuple[int, int, Fault]] = field(default_factory=list)

    def begin(self) -> None:
        """Forget a first try that was rolled back."""
        self.new = self.changed = 0
        self.refused.clear()

    def written(self) -> Written:
        if self.error is not None:
            raise self.error
        count = 0 if self.rows is None else len(self.rows)
        same = count - self.new - self.changed - len(self.refused)
        return Written(self.new, self.changed, same, tuple(self.refused))


class Writer:
    """The one that writes; knows of each series what a write must know."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[_Job] = []
        self._waiting_lock = threading.Lock()
        self._is_led = False
        self._last_seq = 0
        self._known: dict[int, Declared] = {}
        self._ledger: Ledger | None = None
        self.forget()
        connection.watch(self.forget)

    def forget(self) -> None:
        """Read anew what is known of the series, after a rollback or an erasure."""
        with self._connection.reading() as cursor:
            self._known = catalog.known(cursor)
            self._last_seq = change.last_seq(cursor)
        self._ledger = None

    def add(self, declared: Declared) -> Declared:
        """Keep a series, unless another thread just did; give what is kept."""
        with self._connection.lock:
            if declared.series in self._known:
                return self._known[declared.series]
            again(self._connection, lambda: self._declare(declared))
            if declared.series in self._known:
                return self._known[declared.series]
            self._known[declared.series] = declared
            if self._ledger is not None:
                self._ledger.add(declared)
            return declared

    def _declare(self, declared: Declared) -> None:
        if declared.series in self._known:
            return
        kind = [declared.statistic, declared.unit, declared.zone.key]
        with self._connection.writing() as cursor:
            cursor.execute(catalog.DECLARE, [declared.series, *kind])

    def known(self, series: int) -> Declared | None:
        """Give what is known of a series."""
        declared = self._known.get(series)
        ledger = self._ledger
        if declared is None or ledger is None:
            return declared
        exponent = int(ledger.exponent[series])
        return replace(
            declared,
            exponent=None if exponent == NO_EXPONENT else exponent,
            longest_s=int(ledger.longest_s[series]),
        )

    def write(self, columns: Sequence[tuple[int, Column]], batch: str, now_s: int) -> Written:
        """Keep the readings; they are on disk when this returns."""
        job = _Job([(key, column) for key, column in columns if len(column)], batch, now_s)
        with self._waiting_lock:
            self._waiting.append(job)
            if not self._is_led:
                self._is_led = True
                job.turn.set()
        job.turn.wait()
        if not job.is_done:
            self._lead()
        return job.written()

    def _lead(self) -> None:
        """Write for all that wait, then let the first that came meanwhile lead."""
        jobs: list[_Job] = []
        try:
            with self._connection.lock:
                with self._waiting_lock:
                    jobs, self._waiting = self._waiting, []
                self._commit(jobs)
        finally:
            with self._waiting_lock:
                self._is_led = bool(self._waiting)
                if self._is_led:
                    self._waiting[0].turn.set()
            for job in jobs:
                job.is_done = True
                job.turn.set()

    def note(self, cursor: Cursor, line: change.Line) -> None:
        """Write one line of the change log inside a transaction of the caller."""
        self._last_seq += 1
        change.note(cursor, line, self._last_seq)

    def keep_last_seq(self, cursor: Cursor) -> None:
        """Remember the last number used, before lines are erased."""
        cursor.execute(change.KEEP_LAST, [self._last_seq])

    def _commit(self, jobs: Sequence[_Job]) -> None:
        sound = [job for job in jobs if self._is_sound(job)]
        try:
            again(self._connection, lambda: self._transact(sound))
            for job in sound:
                job.error = None
        except (KevreError, duckdb.Error) as error:
            self._settle(sound, error)

    def _settle(self, jobs: Sequence[_Job], error: KevreError | duckdb.Error) -> None:
        """Answer a failed transaction: alone, the job has the error; together, each tries."""
        if len(jobs) == 1:
            jobs[0].error = error if isinstance(error, KevreError) else _not_written(error)
            return
        for job in jobs:
            self._commit([job])

    def _is_sound(self, job: _Job) -> bool:
        try:
            self._check_declared({series for series, _ in job.columns})
            job.rows = incoming.of(job.columns)
        except Malformed as error:
            job.error = error
            return False
        return True

    def _check_declared(self, series: set[int]) -> None:
        if not self._known.keys() >= series:
            raise Malformed(
                "store.undeclared",
                "readings came for a series that the store was not told of",
                hint="register the series first",
            )

    def _transact(self, jobs: Sequence[_Job]) -> None:
        parts = [job.rows for job in jobs if job.rows is not None]
        if not any(len(rows) for rows in parts):
            return
        is_kept = False
        try:
            with self._connection.writing() as cursor:
                ledger = self._ledger or Ledger(cursor, self._known)
                self._ledger = ledger
                last_seq = self._last_seq
                for job in jobs:
                    job.begin()
                for wave in incoming.waves(parts):
                    last_seq = self._wave(cursor, ledger, wave, jobs, last_seq)
            self._last_seq = last_seq
            is_kept = True
        finally:
            if not is_kept:
                self.forget()

    def _wave(
        self,
        cursor: Cursor,
        ledger: Ledger,
        came: Incoming,
        jobs: Sequence[_Job],
        last_seq: int,
    ) -> int:
        """Write parts of series that all differ; give the last number used in the log."""
        came = self._fitted(cursor, ledger, came, jobs)
        if len(came) == 0:
            return last_seq
        fresh = merge.news(cursor, came, ledger.newest_s[came.series])
        rows = fresh.rows
        if len(rows) == 0:
            return last_seq
        first, counts = rows.bounds[:-1], rows.counts
        changed = np.add.reduceat(fresh.is_known, first, dtype=np.int64)
        for number, job in enumerate(jobs):
            mine = rows.job == number
            job.changed += int(changed[mine].sum())
            job.new += int((counts - changed)[mine].sum())
        lines = change.Lines(
            rows.series,
            rows.start_s[first],
            np.maximum.reduceat(rows.start_s + fresh.reach_s, first),
            counts,
            np.array([job.now_s for job in jobs], np.int64)[rows.job],
            rows.job,
        )
        seq = np.arange(last_seq + 1, last_seq + 1 + len(first))
        at_s = max(ledger.last_at_s, *(job.now_s for job in jobs))
        merge.land(cursor, fresh, seq, at_s)
        change.append(cursor, lines, seq, [job.batch for job in jobs])
        ledger.last_at_s = at_s
        newest_s = rows.start_s[rows.bounds[1:] - 1]
        ledger.newest_s[rows.series] = np.maximum(ledger.newest_s[rows.series], newest_s)
        return int(seq[-1])

    def _fitted(
        self, cursor: Cursor, ledger: Ledger, came: Incoming, jobs: Sequence[_Job]
    ) -> Incoming:
        """Bring the readings to the exponent of their series, or the series to theirs."""
        series = came.series
        held = ledger.exponent[series]
        exponent = np.where(held == NO_EXPONENT, came.exponent, held)
        value, fits = came.value, np.ones(len(came), bool)
        for part in np.flatnonzero(came.exponent != exponent):
            at = slice(came.bounds[part], came.bounds[part + 1])
            if value is came.value:
                value = value.copy()
            key, own = int(series[part]), int(came.exponent[part])
            largest = _largest(cursor, key, int(held[part])) if own < held[part] else 0
            found = fit.fit(came.value[at], own, int(held[part]), largest)
            exponent[part], value[at], fits[at] = found
            job = jobs[int(came.job[part])]
            job.refused += [
                (key, start_s, fit.TOO_LARGE) for start_s in came.start_s[at][~fits[at]].tolist()
            ]
        came = replace(came, exponent=exponent, value=value)
        if not fits.all():
            came = came.only(fits)
            if len(came) == 0:
                return came
        longest_s = np.maximum.reduceat(came.step_s, came.bounds[:-1])
        series, held = came.series, ledger.exponent[came.series]
        is_other = (came.exponent != held) | (longest_s > ledger.longest_s[series])
        if is_other.any():
            ledger.exponent[series] = came.exponent
            ledger.longest_s[series] = np.maximum(ledger.longest_s[series], longest_s)
            ledger.refit(cursor, series[is_other])
        return came


def _largest(cursor: Cursor, series: int, held: int) -> int:
    """Give the largest mantissa of a series on disk, at the exponent `held`."""
    rows = cursor.execute(LARGEST_VALUE, {"series": series}).fetchall()
    return max((int(most) * 10 ** (exponent - held) for exponent, most in rows), default=0)

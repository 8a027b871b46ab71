"""Writing: batches become rows, and lines of the change log, in one transaction.

Threads that write at the same moment share one transaction (group commit): who gets the
lock first writes for all that wait. Each is told what became of its own readings.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from kevre.model.batch import Column
from kevre.model.errors import KevreError, Malformed, Unavailable
from kevre.model.reading import Fault
from kevre.store import catalog, change, fit, merge, read
from kevre.store.catalog import Declared
from kevre.store.connection import Connection, Cursor
from kevre.store.merge import Part
from kevre.store.result import Written

NEWEST = """
    select series, max(start_s) from reading
    where series in (select series from chosen) group by series
"""
LARGEST_VALUE = "select max(abs(value::hugeint)) from reading where series = ?"
RESCALE = "update reading set value = value * ? where series = ?"


def _not_written(cause: duckdb.Error | None = None) -> KevreError:
    failure = Unavailable("store.disk", "the readings cannot be written now")
    failure.__cause__ = cause
    return failure


@dataclass(slots=True, eq=False)
class _Job:
    columns: Sequence[tuple[int, Column]]
    batch: str
    now_s: int
    rows: list[tuple[int, fit.Rows]] = field(default_factory=list)
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
        count = sum(len(column) for _, column in self.columns)
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
        self._newest: dict[int, int | None] = {}
        # Start of the newest reading of all, or later: where to look first [epoch s].
        self.newest_s = 0
        self.forget()

    def forget(self) -> None:
        """Read anew what is known of the series, after a rollback or an erasure."""
        with self._connection.reading() as cursor:
            self._known = catalog.known(cursor)
            self._last_seq = change.last_seq(cursor)
            self.newest_s = read.newest_s(cursor)
        self._newest.clear()

    def add(self, declared: Declared) -> Declared:
        """Keep a series, unless another thread just did; give what is kept."""
        with self._connection.lock:
            if declared.series in self._known:
                return self._known[declared.series]
            with self._connection.writing() as cursor:
                cursor.execute(
                    catalog.DECLARE,
                    [declared.series, declared.statistic, declared.unit, declared.zone.key],
                )
            self._known[declared.series] = declared
            return declared

    def known(self, series: int) -> Declared | None:
        """Give what is known of a series."""
        return self._known.get(series)

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
        self._last_seq = change.append(cursor, [line], self._last_seq)

    def keep_last_seq(self, cursor: Cursor) -> None:
        """Remember the last number used, before lines are erased."""
        cursor.execute(change.KEEP_LAST, [self._last_seq])

    def _commit(self, jobs: Sequence[_Job]) -> None:
        sound = [job for job in jobs if self._is_sound(job)]
        try:
            self._transact(sound)
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
            for series, _ in job.columns:
                self._check_declared(series)
            job.rows = [(series, fit.rows(column)) for series, column in job.columns]
        except Malformed as error:
            job.error = error
            return False
        return True

    def _check_declared(self, series: int) -> None:
        if series not in self._known:
            raise Malformed(
                "store.undeclared",
                "readings came for a series that the store was not told of",
                hint="register the series first",
            )

    def _transact(self, jobs: Sequence[_Job]) -> None:
        if not any(job.columns for job in jobs):
            return
        is_kept = False
        try:
            with self._connection.writing() as cursor:
                lines: list[change.Line] = []
                for job in jobs:
                    job.begin()
                for wave in _waves(jobs):
                    lines += self._wave(cursor, wave, jobs)
                last_seq = change.append(cursor, lines, self._last_seq)
            self._last_seq = last_seq
            is_kept = True
        finally:
            if not is_kept:
                self.forget()

    def _wave(
        self, cursor: Cursor, wave: Sequence[tuple[int, int, fit.Rows]], jobs: Sequence[_Job]
    ) -> list[change.Line]:
        """Write columns of series that all differ."""
        self._find_newest(cursor, [series for _, series, _ in wave])
        beyond: list[Part] = []
        within: list[Part] = []
        for place, series, came in wave:
            rows = self._fitted(cursor, series, came, jobs[place])
            if len(rows) == 0:
                continue
            newest = self._newest[series]
            is_beyond = newest is None or rows.start_s[0] > newest
            (beyond if is_beyond else within).append(Part(place, series, rows))
            last_s = int(rows.start_s[-1])
            self._newest[series] = last_s if newest is None else max(newest, last_s)
            self.newest_s = max(self.newest_s, last_s)
        lines = []
        for result in (*merge.append(cursor, beyond), *merge.upsert(cursor, within)):
            job = jobs[result.place]
            job.new += result.new
            job.changed += result.changed
            count = result.new + result.changed
            lines.append(
                change.Line(
                    result.series, result.first_s, result.last_s, count, job.now_s, job.batch
                )
            )
        return lines

    def _find_newest(self, cursor: Cursor, series: Sequence[int]) -> None:
        unknown = [one for one in series if one not in self._newest]
        if any(self._known[one].exponent is not None for one in unknown):
            catalog.choose(cursor, unknown)
            found = dict(cursor.execute(NEWEST).fetchall())
            self._newest.update({one: found.get(one) for one in unknown})
            return
        self._newest.update(dict.fromkeys(unknown))

    def _fitted(self, cursor: Cursor, series: int, rows: fit.Rows, job: _Job) -> fit.Rows:
        """Bring the readings to the exponent of their series, or the series to theirs."""
        declared = self._known[series]
        longest_s = max(declared.longest_s, int(rows.step_s.max()))
        if (rows.exponent, longest_s) == (declared.exponent, declared.longest_s):
            return rows
        held = rows.exponent if declared.exponent is None else declared.exponent
        largest = 0
        if rows.exponent < held:
            largest = _largest(cursor, series)
        kept, refused = fit.fit(rows, held, largest)
        job.refused += [(series, start_s, fit.TOO_LARGE) for start_s in refused.start_s.tolist()]
        if len(kept) == 0:
            return kept
        if kept.exponent < held:
            cursor.execute(RESCALE, [10 ** (held - kept.exponent) if largest else 0, series])
        if (kept.exponent, longest_s) != (declared.exponent, declared.longest_s):
            cursor.execute(catalog.REFIT, [kept.exponent, longest_s, series])
            self._known[series] = replace(declared, exponent=kept.exponent, longest_s=longest_s)
        return kept


def _waves(jobs: Sequence[_Job]) -> Iterator[list[tuple[int, int, fit.Rows]]]:
    """Deal the columns into groups without a series twice, in the order they came."""
    waves: list[list[tuple[int, int, fit.Rows]]] = []
    seen: dict[int, int] = {}
    for place, job in enumerate(jobs):
        for series, rows in job.rows:
            rank = seen.get(series, 0)
            seen[series] = rank + 1
            if rank == len(waves):
                waves.append([])
            waves[rank].append((place, series, rows))
    yield from waves


def _largest(cursor: Cursor, series: int) -> int:
    row = cursor.execute(LARGEST_VALUE, [series]).fetchone()
    return int(row[0]) if row and row[0] is not None else 0

"""The store as the other rooms see it; each method names its steps, others do them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from kevre.model.batch import Column
from kevre.model.errors import Malformed, Missing, Refused
from kevre.model.permit import Permit
from kevre.model.series import Kind
from kevre.model.step import Resolution
from kevre.model.window import EARLIEST_S, LATEST_S, Window, civil_days
from kevre.store import catalog, change, compact, curve, daily, erase, read, retention, snapshot
from kevre.store.catalog import Declared
from kevre.store.connection import Cursor
from kevre.store.contention import again
from kevre.store.daily import Dirty
from kevre.store.place import Lake, opened
from kevre.store.result import Change, Curve, DayTotals, Latest, PeriodTotals, Written
from kevre.store.retention import Retained
from kevre.store.rule import Rule
from kevre.store.write import Writer

RAW = Resolution.RAW


class Store:
    """Readings on disk. One process opens the file; its threads share the store.

    Args:
        place: the database file, made if absent; its folder must exist. Or a lake, which
            several processes share.
        memory_mb: what DuckDB may use; the process takes up to 250 MB more.
        threads: how many cores one query may use.

    Raises:
        Unavailable: another process has it open.
        Conflict: a newer Kevre wrote it.
        Malformed: it is another program's file.
    """

    def __init__(self, place: Path | Lake, *, memory_mb: int = 256, threads: int = 2) -> None:
        self._connection, self._vacuum = opened(place, memory_mb=memory_mb, threads=threads)
        self._writer = Writer(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; waits for those who read or write."""
        self._connection.close()

    def declare(self, series: int, kind: Kind, zone: ZoneInfo) -> None:
        """Tell the store of a series before its first readings; again is nothing new.

        Another calendar moves the series there: all its daily totals are recomputed.

        Raises:
            Conflict: it is kept with another statistic or unit.
        """
        known = self._writer.known(series)
        if known is None:
            known = self._writer.add(Declared(series, kind.statistic, kind.unit, zone, None, 0))
        known.check(kind)
        if known.zone.key != zone.key:
            self._move(known, zone)

    def write(self, columns: Sequence[tuple[int, Column]], *, batch: str, now_s: int) -> Written:
        """Keep readings and log what changed; all is on disk when this returns.

        What is repeated changes nothing; what is newer replaces; a MISSING mark never
        replaces a value. Values that do not fit are refused one by one, the rest is kept.

        Args:
            columns: (key of the series, its readings).
            batch: key of the batch, as the log and `kevre trace` tell it.
            now_s: the time of writing [epoch s].

        Raises:
            Malformed: a series was not declared; nothing of this write is kept.
        """
        return self._writer.write(columns, batch, now_s)

    def read(
        self,
        permit: Permit,
        series: int,
        window: Window,
        resolution: Resolution = RAW,
        *,
        as_of_s: int | None = None,
    ) -> Curve:
        """Give the readings that start in the window, raw or cut into intervals.

        The window is clipped to the permit; where the permit is for intervals, to whole
        ones of them. An undeclared series gives an empty curve.

        With `as_of_s` raw readings are given as they were known at an earlier time
        [epoch s], as far back as replaced readings are kept.

        Raises:
            Malformed: intervals were asked for as of an earlier time.
        """
        if as_of_s is not None and resolution is not RAW:
            raise Malformed(
                "store.as_of_total", "only raw readings can be given as of an earlier time"
            )
        allowed = permit.clip(series, window, resolution)
        with self._connection.reading() as cursor:
            declared = next(iter(self._known(cursor, [series])), None)
            if declared is None or allowed is None:
                return curve.empty(series, resolution, declared)
            if resolution is RAW:
                return read.raw(cursor, declared, allowed.start_s, allowed.end_s, as_of_s)
            return curve.single(cursor, declared, allowed, resolution, permit.finest)

    def blocks(self, permit: Permit, series: int, window: Window) -> Iterator[Curve]:
        """Give raw readings in time order, 50,000 at most at a time, for exports."""
        allowed = permit.clip(series, window, RAW)
        if allowed is None:
            return iter(())
        return read.blocks(self._connection, series, allowed.start_s, allowed.end_s)

    def total(
        self, permit: Permit, series: Collection[int], window: Window, resolution: Resolution
    ) -> Curve:
        """Give the sum over series: energy per interval, and the sum of their values.

        Each series counts in the calendar where it stands. A permit for totals alone gives
        only the sum of all its series.

        Raises:
            Malformed: raw was asked for; or they have no total, or in different units.
        """
        if resolution is RAW:
            raise Malformed("store.total_raw", "a sum needs a resolution", hint="such as PT30M")
        allowed = permit.clip_total(window, resolution)
        keys = _summable(permit, series)
        if allowed is None:
            return curve.empty(0, resolution)
        with self._connection.reading() as cursor:
            known = self._known(cursor, keys)
            return curve.summed(cursor, keys, known, allowed, resolution, permit.finest)

    def latest(self, permit: Permit, series: Collection[int]) -> dict[int, Latest]:
        """Give the newest reading of each series that has one in the permit's window."""
        for one in series:
            permit.clip(one, permit.window, RAW)
        with self._connection.reading() as cursor:
            start_s, end_s = permit.window.start_s, permit.window.end_s
            return read.latest(cursor, series, start_s, end_s)

    def daily(self, permit: Permit, series: Collection[int], first: date, last: date) -> DayTotals:
        """Give daily totals, as last refreshed, of the local days from `first` to `last`.

        Days that are not wholly in the permit's window are left out.
        """
        for one in series:
            permit.clip(one, permit.window, Resolution.DAY)
        with self._connection.reading() as cursor:
            parts = [
                daily.read(cursor, keys, *allowed)
                for keys, allowed in self._days(cursor, permit, series, first, last)
            ]
            return daily.merge(parts or [daily.read(cursor, [], first, last)])

    def daily_total(
        self, permit: Permit, series: Collection[int], first: date, last: date
    ) -> DayTotals:
        """Give the sum over series of their daily totals, under the key 0.

        The calendar of the first series decides which days lie in the permit's window.

        Raises:
            Malformed: they have no total, or totals in different units.
        """
        permit.clip_total(permit.window, Resolution.DAY)
        keys = _summable(permit, series)
        with self._connection.reading() as cursor:
            curve.check_summable(self._known(cursor, keys))
            groups = self._days(cursor, permit, keys, first, last)
            if not groups:
                return daily.summed(cursor, [], first, last)
            since = max(allowed[0] for _, allowed in groups)
            until = min(allowed[1] for _, allowed in groups)
            return daily.summed(cursor, keys, since, until)

    def periods(
        self,
        permit: Permit,
        series: Collection[int],
        first: date,
        last: date,
        resolution: Resolution,
    ) -> PeriodTotals:
        """Give the totals of each series by week, month or year, from its daily totals.

        The calendar of the first series decides which days lie in the permit's window.

        Raises:
            Malformed: the resolution is finer than a week.
        """
        if resolution not in daily.PERIODS:
            raise Malformed(
                "store.period", "periods are weeks, months or years", hint="such as P1M"
            )
        for one in series:
            permit.clip(one, permit.window, resolution)
        with self._connection.reading() as cursor:
            groups = self._days(cursor, permit, series, first, last)
            since = max((allowed[0] for _, allowed in groups), default=last)
            until = min((allowed[1] for _, allowed in groups), default=first)
            keys = [key for group, _ in groups for key in group]
            return daily.periods(cursor, keys, since, until, resolution)

    def extent(self, permit: Permit, series: int) -> Window | None:
        """Give the time from the first reading to the end of the last, or None."""
        allowed = permit.clip(series, permit.window, permit.finest)
        if allowed is None:
            return None
        span_s = read.extent(self._connection, series, allowed.start_s, allowed.end_s)
        return Window.of_seconds(*span_s) if span_s else None

    def span_s(self, series: int) -> tuple[int, int] | None:
        """Give the start of the first reading and the end of the last, for followers [epoch s]."""
        return read.extent(self._connection, series, EARLIEST_S, LATEST_S)

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """Give the next lines of the change log after number `after`, oldest first."""
        with self._connection.reading() as cursor:
            return change.after(cursor, after, limit)

    def landed(self, series: int, at_s: int) -> list[Change]:
        """Give the lines of the change log whose span holds an instant, for tracing."""
        with self._connection.reading() as cursor:
            return change.touching(cursor, series, at_s)

    def refresh_daily(self, series: int, first: date, last: date) -> int:
        """Recompute the totals of these local days from the readings; count the days.

        Days before and after are included where readings reach into them, such as the days
        between two registers.

        Raises:
            Missing: the series was never declared.
        """
        return self.refresh_many({self._declared(series).series: (first, last)})

    def refresh_many(self, days: Mapping[int, tuple[date, date]]) -> int:
        """Recompute the totals of local days, from first to last, of many series at once.

        Series that are not declared are passed over.
        """
        return again(self._connection, partial(self._refresh, days))

    def erase(
        self, series: int, window: Window | None = None, *, now_s: int = 0, batch: str = ""
    ) -> int:
        """Delete the rows of a series, all or those that start in the window; count them.

        All: its daily totals, its lines of the change log and its declaration go too. In
        a window: daily totals are recomputed and the change log says that they changed.
        The bytes are gone after `vacuum`.
        """
        with self._connection.upkeep, self._connection.lock:
            try:
                work = partial(self._erase, series, window, now_s, batch)
                return again(self._connection, work)
            finally:
                self._writer.forget()

    def compact(self, before_s: int) -> int:
        """Put what starts before an instant into chunks, the small form; count the readings.

        Readers and writers go on meanwhile; a crash loses nothing.
        """
        return compact.compact(self._connection, before_s)

    def retain(self, rules: Sequence[Rule], now_s: int) -> Retained:
        """Thin and erase what is older than the first rule for its kind of series says.

        Only what lies in chunks is thinned, see `compact`. Sums stay; followers learn of
        both by the change log. Each step is one transaction: a crash loses nothing.
        """
        return retention.retain(
            self._connection, self._writer, rules, now_s, erase_window=self.erase
        )

    def vacuum(self) -> None:
        """Rewrite the file without the bytes of what was erased or replaced."""
        self._vacuum()

    def snapshot(self, target: Path, meanwhile: Callable[[], None]) -> dict[str, int]:
        """Copy all into a new file that a Store can open; give the rows of each table.

        What `meanwhile` copies is of the same moment: writers wait until it ends. Readers
        do not wait.
        """
        return snapshot.snapshot(self._connection, target, meanwhile)

    @property
    def last_seq(self) -> int:
        """Give the highest number of the change log that was ever used."""
        with self._connection.reading() as cursor:
            return change.last_seq(cursor)

    def counts(self) -> dict[str, int]:
        """Count the rows of each table, for proofs."""
        with self._connection.reading() as cursor:
            return snapshot.counts(cursor)

    def prune(self, before_s: int) -> int:
        """Forget the lines of the change log written before an instant; count them."""
        with self._connection.writing() as cursor:
            self._writer.keep_last_seq(cursor)
            return sum(int(row[0]) for row in cursor.execute(change.PRUNE, [before_s]).fetchall())

    def _refresh(self, days: Mapping[int, tuple[date, date]]) -> int:
        with self._connection.writing() as cursor:
            known = [(self._writer.known(key), span) for key, span in days.items()]
            return daily.refresh(cursor, [Dirty(one, *span) for one, span in known if one])

    def _move(self, declared: Declared, zone: ZoneInfo) -> None:
        moved = replace(declared, zone=zone)
        with self._connection.lock:
            with self._connection.writing() as cursor:
                cursor.execute(catalog.MOVE, [zone.key, declared.series])
                daily.rebuild(cursor, moved)
            self._writer.forget()

    def _erase(self, series: int, window: Window | None, now_s: int, batch: str) -> int:
        with self._connection.writing() as cursor:
            declared = self._writer.known(series)
            self._writer.keep_last_seq(cursor)
            if declared is None:
                return 0
            if window is None:
                return erase.everything(cursor, declared)
            count = erase.part(cursor, declared, window)
            if count:
                daily.refresh(cursor, [Dirty(declared, *erase.days(window, declared))])
                line = change.Line(series, window.start_s, window.end_s, count, now_s, batch)
                self._writer.note(cursor, line)
            return count

    def _known(self, cursor: Cursor, series: Collection[int]) -> list[Declared]:
        """Give those that are declared; to be asked after a reading transaction has begun.

        Then their exponents are at least as fine as what the transaction sees.
        """
        if self._connection.is_shared:
            held = catalog.some(cursor, series)
            return [held[one] for one in series if one in held]
        return [one for one in map(self._writer.known, series) if one is not None]

    def _declared(self, series: int) -> Declared:
        if declared := self._writer.known(series):
            return declared
        raise Missing("store.unknown_series", "the store was not told of this series")

    def _days(
        self, cursor: Cursor, permit: Permit, series: Collection[int], first: date, last: date
    ) -> list[tuple[list[int], tuple[date, date]]]:
        """Group series by calendar, each with the days wholly in the permit."""
        by_zone: dict[str, list[Declared]] = defaultdict(list)
        for declared in self._known(cursor, series):
            by_zone[declared.zone.key].append(declared)
        groups = []
        for known in by_zone.values():
            window = civil_days(first, last, known[0].zone).clip(permit.window)
            allowed = daily.days_within(window, known[0]) if window else None
            if allowed is not None:
                groups.append(([each.series for each in known], allowed))
        return groups


def _summable(permit: Permit, series: Collection[int]) -> frozenset[int]:
    """Hold that a sum can be given: never a part of what may only leave summed together."""
    keys = frozenset(series)
    if permit.totals_only and keys != permit.series:
        raise Refused("permit.part", "this permit only allows the sum of all its series")
    if not keys <= permit.series:
        raise Refused("permit.series", "this permit does not cover the series")
    return keys

"""Export: copy closed months of readings into a folder, and keep the copy true.

A month is closed a day after it ended in UTC. What a run has to write is noted in the
manifest as pending before the first file is written, so that a run that was cut is taken up
where it stopped. Months that the folder holds are kept true, whichever a later run asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import kevre
from kevre.flow.export_folder import ExportFolder
from kevre.flow.read import Curve, Door, Passage
from kevre.formats.manifest import Manifest
from kevre.formats.parquet import SeriesRow, finest
from kevre.model.errors import Conflict, Missing
from kevre.model.month import Month, months, runs
from kevre.model.window import EARLIEST_S, Window
from kevre.places.series import Series
from kevre.places.site import Site
from kevre.places.territory import Level, Territory
from kevre.store import Store

CLOSED_AFTER = timedelta(days=1)
_LINES_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Asked:
    """Which readings a folder shall hold: of a territory, from one month to another."""

    territory: str | None = None
    since: Month | None = None
    until: Month | None = None

    def holds(self, month: Month) -> bool:
        """Say whether a month was asked for."""
        return (self.since or month) <= month <= (self.until or month)


@dataclass(frozen=True, slots=True)
class Changed:
    """What the change log says since the last run.

    Attributes:
        months: in which readings changed.
        last: number of the last line of the log.
        is_whole: whether no line is missing; else anything may have changed.
    """

    months: frozenset[Month]
    last: int
    is_whole: bool


Tell = Callable[[Month, int, int], None]


def export(
    store: Store, door: Door, path: Path, asked: Asked, *, now: datetime, tell: Tell
) -> tuple[Manifest, int]:
    """Bring a folder up to date with the node; give its manifest and the months looked at.

    Args:
        store: whose change log tells what to write.
        door: by which the readings leave.
        path: the folder, made if absent.
        asked: what it shall hold.
        now: the time of the run.
        tell: called before each month with it, its number from 1, and how many there are.

    Raises:
        Conflict: the folder holds something else, or another territory.
        Missing: there is no such territory.
    """
    rows = selected(asked.territory)
    folder = ExportFolder(path)
    _check_same(folder.manifest, asked)
    run = _Run(folder, door, asked, rows, now)
    due = run.due(_changed(store, folder.manifest, rows))
    for number, month in enumerate(due, start=1):
        tell(month, number, len(due))
        run.write(month)
    return run.finish(), len(due)


def selected(territory: str | None) -> dict[int, SeriesRow]:
    """Give what is said of the series of a territory, or of all, by key.

    Raises:
        Missing: there is no such territory.
    """
    found = Series.objects.select_related("point__site__territory")
    if territory is not None:
        area = Territory.objects.filter(code=territory).first()
        if area is None:
            raise Missing("territory.unknown", "This node knows no such territory.")
        found = found.filter(point__site__territory__path__startswith=area.path)
    return {one.pk: _row(one) for one in found.iterator()}


def _row(one: Series) -> SeriesRow:
    site = one.point.site
    area = site.territory if site is not None else None
    return SeriesRow(
        series=one.pk,
        urn=one.urn,
        fluid=one.fluid,
        quantity=one.quantity,
        direction=one.direction,
        statistic=one.statistic,
        unit=one.unit,
        exponent=None,
        zone=(site or Site()).zone_name,
        commune=area.code if area is not None and area.level == Level.COMMUNE else None,
    )


def _check_same(manifest: Manifest | None, asked: Asked) -> None:
    if manifest is not None and manifest.territory != asked.territory:
        raise Conflict(
            "export.territory",
            "the folder holds the readings of another territory",
            hint="name another folder, or the same territory as before",
        )


def _changed(store: Store, manifest: Manifest | None, series: Collection[int]) -> Changed:
    """Read the change log since the last run.

    Erasing a series and pruning take lines away, so a number that is missing may hide any
    change; the last line of the last run must be there too.
    """
    after = manifest.change if manifest is not None else 0
    is_whole = not after or any(line.seq == after for line in store.changes(after - 1, 1))
    found: set[Month] = set()
    while lines := store.changes(after, _LINES_AT_ONCE):
        for line in lines:
            is_whole = is_whole and line.seq == after + 1
            after = line.seq
            if line.series in series:
                found |= set(months(Month.of(line.first_s), Month.of(line.last_s)))
    return Changed(frozenset(found), after, is_whole)


class _Run:
    """One run over one folder: first `due`, then `write` for each, then `finish`."""

    def __init__(
        self,
        folder: ExportFolder,
        door: Door,
        asked: Asked,
        rows: Mapping[int, SeriesRow],
        now: datetime,
    ) -> None:
        self._folder = folder
        self._door = door
        self._asked = asked
        self._rows = rows
        self._now = now
        self._closed = Month.of(int((now - CLOSED_AFTER).timestamp())).previous
        self._before = {row.series: row for row in folder.series()}
        self._exponents = {
            key: row.exponent for key, row in self._before.items() if row.exponent is not None
        }
        self._windows: list[Window] = []
        self._passage: Passage | None = None

    def due(self, changed: Changed) -> list[Month]:
        """Find the months to write, and note them in the folder."""
        before = self._folder.manifest
        held = {Month.parse(month) for month in before.files} if before else set()
        gone = self._before.keys() - self._rows.keys()
        found = held if gone or not changed.is_whole else set()
        if before is None or self._asks_otherwise(before) or not changed.is_whole:
            found = found | (self._with_readings(self._rows.keys()) - held)
        else:
            found = found | set(months(Month.parse(before.closed).following, self._closed))
        # A series that comes from elsewhere brings readings of which the log says nothing.
        if new := self._rows.keys() - self._before.keys() if before else set():
            found = found | self._with_readings(new)
        found = (
            found | changed.months | {Month.parse(m) for m in (before.pending if before else ())}
        )
        wanted = {one for one in found if one in held or self._asked.holds(one)}
        due = sorted(one for one in wanted if one <= self._closed)
        self._windows = [Window(a.window.start, b.window.end) for a, b in runs(set(due))]
        self._begin(due, changed.last)
        return due

    def write(self, month: Month) -> None:
        """Write one month anew."""
        manifest = self._manifest()
        file, tally = self._folder.put_month(month, self._readings(month))
        self._exponents = finest(self._exponents, tally.exponents)
        files = {key: one for key, one in manifest.files.items() if key != str(month)}
        if file is not None:
            files[str(month)] = file
        pending = tuple(one for one in manifest.pending if one != str(month))
        self._commit(replace(manifest, files=dict(sorted(files.items())), pending=pending))

    def finish(self) -> Manifest:
        """Say what the series are now; give the final state."""
        rows = [replace(row, exponent=self._exponents.get(key)) for key, row in self._rows.items()]
        self._commit(replace(self._manifest(), series=self._folder.put_series(rows)))
        return self._manifest()

    def _begin(self, due: list[Month], change: int) -> None:
        before = self._folder.manifest
        # Until every month is written, some may hold series that are gone.
        both = {**self._rows, **self._before} if due else self._before or self._rows
        manifest = Manifest(
            created="",
            kevre=kevre.__version__,
            territory=self._asked.territory,
            since=_text(self._asked.since),
            until=_text(self._asked.until),
            closed=str(self._closed),
            change=change,
            pending=tuple(str(month) for month in due),
            series=self._folder.put_series(list(both.values())),
            files=before.files if before else {},
        )
        self._commit(manifest)

    def _commit(self, manifest: Manifest) -> None:
        created = self._now.isoformat(timespec="seconds")
        self._folder.commit(replace(manifest, created=created))

    def _manifest(self) -> Manifest:
        manifest = self._folder.manifest
        if manifest is None:
            raise ValueError("a run begins by noting what is due")
        return manifest

    def _readings(self, month: Month) -> Iterator[tuple[int, Curve]]:
        passage = self._opened(month.window)
        for key in sorted(self._rows):
            for block in passage.blocks(key, month.window):
                yield key, block

    def _opened(self, window: Window) -> Passage:
        """Give the passage to a month; one, and one line of the log, for a run of months."""
        if self._passage is None or not self._passage.window.covers(window):
            whole = next(one for one in self._windows if one.covers(window))
            self._passage = self._door.passage(self._rows.keys(), whole, now=self._now)
        return self._passage

    def _with_readings(self, series: Collection[int]) -> set[Month]:
        """Find the months from the first to the last reading of any of these series."""
        start = self._asked.since.window.start if self._asked.since else None
        end = min(self._asked.until or self._closed, self._closed).window.end
        start = start or Window.of_seconds(EARLIEST_S, EARLIEST_S).start
        if start >= end:
            return set()
        passage = self._door.passage(series, Window(start, end), now=self._now)
        if len(series) == len(self._rows):
            self._passage = passage
        found: set[Month] = set()
        for one in series:
            extent = passage.extent(one)
            if extent is not None:
                found |= set(months(Month.of(extent.start_s), Month.of(extent.end_s - 1)))
        return found

    def _asks_otherwise(self, before: Manifest) -> bool:
        asked = _text(self._asked.since), _text(self._asked.until)
        return (before.since, before.until) != asked


def _text(month: Month | None) -> str | None:
    return None if month is None else str(month)

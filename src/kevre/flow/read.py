"""The one door out: every answer that contains readings leaves through it.

Each method asks `rights.gate` for a permit, which writes the access log, and then reads the
store with it. Whoever answers a person or a machine calls these and nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from kevre.flow.register import declare
from kevre.model.errors import Refused
from kevre.model.permit import Permit
from kevre.model.step import Resolution
from kevre.model.window import PARIS, Window, civil_days
from kevre.places.series import Series
from kevre.rights import gate
from kevre.rights.gate import ALWAYS, Reader
from kevre.store import Curve, DayTotals, Latest, Store

__all__ = ["CountedTotals", "Curve", "DayTotals", "Door", "Latest", "Passage"]


@dataclass(frozen=True, slots=True)
class CountedTotals:
    """Daily totals of many series summed, and how many sites stand behind them."""

    days: DayTotals
    sites: frozenset[int]


@dataclass(frozen=True, slots=True)
class Passage:
    """What the operator's export may read, after it was logged; see `rights.gate`."""

    _store: Store
    _permit: Permit

    @property
    def window(self) -> Window:
        """Give the time that may be read."""
        return self._permit.window

    def extent(self, series: int) -> Window | None:
        """Tell from when to when there are readings of a series."""
        return self._store.extent(self._permit, series)

    def raw(self, series: int, window: Window, *, as_of_s: int | None = None) -> Curve:
        """Read one series, also as it was known at an earlier time [epoch s]."""
        return self._store.read(self._permit, series, window, as_of_s=as_of_s)

    def blocks(self, series: int, window: Window) -> Iterator[Curve]:
        """Stream one series as it was stored, block by block."""
        return self._store.blocks(self._permit, series, window)


class Door:
    """The door of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def curve(
        self,
        reader: Reader,
        series: Series,
        window: Window,
        resolution: Resolution,
        *,
        purpose: str,
        now: datetime,
    ) -> Curve:
        """Read one series.

        Raises:
            Refused: no grant covers it.
        """
        allowed = self._permit(reader, [series], window, resolution, purpose, now)
        return self._store.read(allowed, series.pk, window, resolution)

    def curves(
        self,
        reader: Reader,
        series: Sequence[Series],
        window: Window,
        resolution: Resolution,
        *,
        purpose: str,
        now: datetime,
    ) -> dict[int, Curve]:
        """Read several series, each by itself; refused as a whole."""
        allowed = self._permit(reader, series, window, resolution, purpose, now)
        return {one.pk: self._store.read(allowed, one.pk, window, resolution) for one in series}

    def blocks(
        self, reader: Reader, series: Series, window: Window, *, purpose: str, now: datetime
    ) -> Iterator[Curve]:
        """Stream one series as it was stored, block by block; allowed before the first."""
        allowed = self._permit(reader, [series], window, Resolution.RAW, purpose, now)
        return self._store.blocks(allowed, series.pk, window)

    def total(
        self,
        reader: Reader,
        series: Sequence[Series],
        window: Window,
        resolution: Resolution,
        *,
        purpose: str,
        now: datetime,
    ) -> Curve:
        """Sum what may be summed of these series, per interval."""
        allowed, _ = gate.permit_total(reader, series, window, resolution, purpose=purpose, now=now)
        self._declare(series)
        return self._store.total(allowed, allowed.series, window, resolution)

    def latest(
        self, reader: Reader, series: Sequence[Series], *, purpose: str, now: datetime
    ) -> dict[int, Latest]:
        """Read the newest reading of each series that has one."""
        allowed = self._permit(reader, series, ALWAYS, Resolution.RAW, purpose, now)
        return self._store.latest(allowed, allowed.series)

    def daily(
        self,
        reader: Reader,
        series: Sequence[Series],
        first: date,
        last: date,
        *,
        purpose: str,
        now: datetime,
        zone: ZoneInfo = PARIS,
    ) -> DayTotals:
        """Read the totals of each local day, from `first` to `last`, series by series."""
        window = civil_days(first, last, zone)
        allowed = self._permit(reader, series, window, Resolution.DAY, purpose, now)
        return self._store.daily(allowed, allowed.series, first, last)

    def daily_total(
        self,
        reader: Reader,
        series: Sequence[Series],
        first: date,
        last: date,
        *,
        purpose: str,
        now: datetime,
        zone: ZoneInfo = PARIS,
    ) -> CountedTotals:
        """Sum the local days of what may be summed of these series."""
        window = civil_days(first, last, zone)
        allowed, sites = gate.permit_total(
            reader, series, window, Resolution.DAY, purpose=purpose, now=now
        )
        return CountedTotals(self._store.daily_total(allowed, allowed.series, first, last), sites)

    def parcels(
        self,
        reader: Reader,
        wanted: Sequence[tuple[Series, Window]],
        *,
        purpose: str,
        now: datetime,
    ) -> list[Curve | None]:
        """Read raw windows of several series, each by itself; None where it is refused.

        A window that is only partly granted is given as far as it is.
        """
        together: dict[Window, list[Series]] = defaultdict(list)
        for series, window in wanted:
            together[window].append(series)
        permits: dict[tuple[int, Window], Permit] = {}
        for window, group in together.items():
            permits |= self._each(reader, group, window, purpose, now)
        return [
            self._store.read(permits[series.pk, window], series.pk, window)
            if (series.pk, window) in permits
            else None
            for series, window in wanted
        ]

    def passage(self, series: Collection[int], window: Window, *, now: datetime) -> Passage:
        """Open the way of the operator's export to these series over a past window.

        Raises:
            Refused: the window is not past.
        """
        return Passage(self._store, gate.permit_export(series, window, now=now))

    def extent(
        self, reader: Reader, series: Series, *, purpose: str, now: datetime
    ) -> Window | None:
        """Tell from when to when there are readings of a series."""
        allowed = self._permit(reader, [series], ALWAYS, Resolution.DAY, purpose, now)
        return self._store.extent(allowed, series.pk)

    def _permit(
        self,
        reader: Reader,
        series: Sequence[Series],
        window: Window,
        resolution: Resolution,
        purpose: str,
        now: datetime,
    ) -> Permit:
        allowed = gate.permit(reader, series, window, resolution, purpose=purpose, now=now)
        self._declare(series)
        return allowed

    def _each(
        self,
        reader: Reader,
        group: Sequence[Series],
        window: Window,
        purpose: str,
        now: datetime,
    ) -> dict[tuple[int, Window], Permit]:
        """Permit each of a group; all at once where one grant covers them like another."""
        try:
            allowed = self._permit(reader, group, window, Resolution.RAW, purpose, now)
        except Refused:
            if len(group) == 1:
                return {}
        else:
            if len(group) == 1 or allowed.window == window:
                return {(one.pk, window): allowed for one in group}
        alone = (self._each(reader, [one], window, purpose, now) for one in group)
        return {key: permit for found in alone for key, permit in found.items()}

    def _declare(self, series: Sequence[Series]) -> None:
        # Cheap and idempotent: a series of the registry that has no reading yet is not
        # known to the store, and reading it must give nothing rather than fail.
        for one in series:
            declare(self._store, one)

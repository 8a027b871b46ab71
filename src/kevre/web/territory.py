"""The page of a territory: its totals, its map, and the sites one may follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from kevre.analyse.day import Days, together
from kevre.analyse.load import year_to_date
from kevre.flow.read import Latest
from kevre.model.series import Direction, Fluid
from kevre.model.window import PARIS, local_day
from kevre.places.series import Series
from kevre.places.site import Site, SiteKind
from kevre.places.territory import Level, Territory
from kevre.web import ask, draw, figure, now, registry
from kevre.web.meters import Meters, meters
from kevre.web.visit import Visit, visit

_SPARK_DAYS = 14


@dataclass(frozen=True, slots=True)
class Row:
    """One site in the list."""

    site: Site
    power: now.Power | None
    yesterday_wh: float | None
    day: date | None
    state: now.Power | None
    spark: SafeString | str


@dataclass(frozen=True, slots=True)
class Group:
    """The sites of one commune."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """Energies of one period, consumed and produced [Wh]."""

    label: str
    consumption_wh: float | None
    production_wh: float | None
    notes: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class Live:
    """The power of all live sites together [W]; at least one of both is known."""

    consumption_w: float | None
    production_w: float | None
    sites: int


@dataclass(frozen=True, slots=True)
class Homes:
    """Homes that count together and cannot be seen alone."""

    count: int
    day_wh: float
    each_wh: float


def home(request: HttpRequest) -> HttpResponse:
    """Show the territory that the node opens with."""
    look = visit(request)
    return render(request, "territory.html", _view(look, registry.home_territory(), "home"))


def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one territory."""
    look = visit(request)
    return render(request, "territory.html", _view(look, registry.territory(slug), ""))


def _view(look: Visit, place: Territory, here: str) -> dict[str, Any]:
    sites = registry.sites_below(look, place)
    every = registry.series_of(sites)
    known = {one.pk: meters(every[one.pk]) for one in sites}
    today = local_day(look.now, PARIS)
    latest = ask.latest(look, _looked_at(known.values()))
    counted = [one for site in known.values() for one in site.counted]
    daily = ask.daily(look, counted, date(today.year - 1, 1, 1), today)
    # What homes let count is shown for wide territories only: between a commune and the
    # territory around it, the difference of two sums could tell of a few homes.
    hidden = () if place.level == Level.COMMUNE else registry.hidden_homes(place, sites)
    homes = _hidden_days(look, hidden, daily)
    rows = [_row(look, one, known[one.pk], latest, daily) for one in sites]
    return {
        "here": here,
        "place": place,
        "lineage": [one for one in place.lineage() if one.pk != place.pk],
        "children": place.children.order_by("name"),
        "sites": sites,
        "live": _live(sites, known, latest, look.now),
        "cells": _cells(look, _sums(sites, known, daily, homes), today),
        "map": draw.territory_map(place, sites, look.locale),
        "groups": tuple(
            Group(name, tuple(of_commune))
            for name, of_commune in groupby(rows, lambda row: row.site.territory.name)
        ),
        "homes": _homes(homes, today),
    }


_Flow = tuple[Fluid, Direction]


def _hidden_days(
    look: Visit, hidden: Sequence[Series], daily: ask.Daily
) -> dict[_Flow, tuple[Days, int]]:
    """Ask the door for the homes together, flow by flow, and how many homes count."""
    homes = _by_site(hidden)
    found = {}
    for flow in _FLOWS:
        group = [one for home in homes for one in _group(home, flow)]
        days = ask.daily_total(look, group, daily.first, daily.last)
        if days is not None:
            found[flow] = days
    return found


def _sums(
    sites: Sequence[Site],
    known: Mapping[int, Meters],
    daily: ask.Daily,
    homes: Mapping[_Flow, tuple[Days, int]],
) -> dict[_Flow, Days]:
    """Add up, flow by flow, the sites one may see and the homes that count together."""
    places = [known[one.pk] for one in sites if one.kind != SiteKind.REFERENCE]
    sums = {}
    for flow in _FLOWS:
        group = [one for site in places for one in _group(site, flow)]
        parts = [(daily.of(group), len(group))] if group else []
        parts.extend([homes[flow]] if flow in homes else [])
        if parts:
            sums[flow] = together(parts)
    return sums


def _group(site: Meters, flow: _Flow) -> tuple[Series, ...]:
    fluid, direction = flow
    flows = site.consumption if direction is Direction.CONSUMPTION else site.production
    return flows.get(fluid, ())


_FLOWS = (
    (Fluid.ELECTRICITY, Direction.CONSUMPTION),
    (Fluid.ELECTRICITY, Direction.PRODUCTION),
    (Fluid.GAS, Direction.CONSUMPTION),
    (Fluid.HEAT, Direction.PRODUCTION),
)


def _by_site(hidden: Sequence[Series]) -> list[Meters]:
    ordered = sorted(hidden, key=lambda one: one.point.site_id or 0)
    return [meters(list(some)) for _, some in groupby(ordered, lambda one: one.point.site_id)]


def _looked_at(known: Sequence[Meters] | Any) -> tuple[Series, ...]:
    found = (one for site in known for one in (*now.wanted(site), *site.states[:1]))
    return tuple(dict.fromkeys(found))


def _cells(look: Visit, sums: Mapping[_Flow, Days], today: date) -> list[Cell]:
    consumed = sums.get((Fluid.ELECTRICITY, Direction.CONSUMPTION))
    produced = sums.get((Fluid.ELECTRICITY, Direction.PRODUCTION))
    cells = []
    if consumed is not None or produced is not None:
        cells = _electric_cells(look, consumed, produced, today)
    names = {
        (Fluid.GAS, Direction.CONSUMPTION): (gettext("Gas this year"), "gas"),
        (Fluid.HEAT, Direction.PRODUCTION): (gettext("Solar heat this year"), "heat"),
    }
    for flow, (label, key) in names.items():
        if flow in sums:
            wh, note = _this_year(look, sums[flow], today)
            cells.append(Cell(label, wh, None, note, key))
    return [cell for cell in cells if (cell.consumption_wh, cell.production_wh) != (None, None)]


def _electric_cells(
    look: Visit, consumed: Days | None, produced: Days | None, today: date
) -> list[Cell]:
    yesterday = today - timedelta(days=1)
    today_wh = _on(consumed, today), _on(produced, today)
    year_wh, note = _this_year(look, consumed, today)
    made_wh, _ = _this_year(look, produced, today)
    so_far = gettext("so far, from the meters that report within the day")
    return [
        Cell(gettext("Today"), *today_wh, (so_far,)),
        Cell(gettext("Yesterday"), _on(consumed, yesterday), _on(produced, yesterday)),
        Cell(gettext("This year"), year_wh, made_wh, note),
    ]


def _this_year(look: Visit, days: Days | None, today: date) -> tuple[float | None, tuple[str, ...]]:
    if days is None:
        return None, ()
    last = np.datetime64(today, "D") - 1
    sentence = gettext("%(change)s on the same days of last year")
    note = figure.change_text(year_to_date(days, last), sentence, look.locale)
    since = np.arange(np.datetime64(date(today.year, 1, 1), "D"), last + 1)
    wh = days.on(since, known_from=0.0)
    return (float(np.nansum(wh)) if np.isfinite(wh).any() else None), note


def _on(days: Days | None, day: date) -> float | None:
    if days is None:
        return None
    wh = float(days.on(np.array([day], dtype="datetime64[D]"), known_from=0.0)[0])
    return wh if np.isfinite(wh) else None


def _live(
    sites: Sequence[Site],
    known: Mapping[int, Meters],
    latest: Mapping[int, Latest],
    at: datetime,
) -> Live | None:
    """Add the live powers of those sites that have one in watts or volt-amperes."""
    sums: dict[Direction, float] = {}
    live_sites = set()
    for one in sites:
        for direction in (Direction.CONSUMPTION, Direction.PRODUCTION):
            power = now.power(known[one.pk], direction, latest, at)
            if power is not None and power.is_live and one.kind != SiteKind.REFERENCE:
                sums[direction] = sums.get(direction, 0.0) + power.value
                live_sites.add(one.pk)
    if not sums:
        return None
    return Live(sums.get(Direction.CONSUMPTION), sums.get(Direction.PRODUCTION), len(live_sites))


def _row(
    look: Visit, site: Site, known: Meters, latest: Mapping[int, Latest], daily: ask.Daily
) -> Row:
    direction = Direction.CONSUMPTION if known.consumption else Direction.PRODUCTION
    flows = known.consumption or known.production
    group = flows.get(Fluid.ELECTRICITY) or next(iter(flows.values()), ())
    days = (
        daily.of(group).before(np.datetime64(daily.last, "D")).tail(_SPARK_DAYS) if group else None
    )
    last = days.last_known() if days is not None else None
    day: date | None = last.astype(object) if last is not None else None
    wh = _on(days, day) if day is not None else None
    role = draw.CONSUMPTION if direction is Direction.CONSUMPTION else draw.PRODUCTION
    spark = draw.spark(days.total_wh, role) if wh is not None and days is not None else ""
    power = now.power(known, direction, latest, look.now)
    return Row(site, power, wh, day, _state(known, latest), spark)


def _state(known: Meters, latest: Mapping[int, Latest]) -> now.Power | None:
    """Give the newest temperature or the like, for sites that measure no energy."""
    for one in known.states[:1]:
        found = latest.get(one.pk)
        if found is not None and found.value is not None:
            mantissa, exponent = found.value
            at = datetime.fromtimestamp(found.start_s, UTC)
            return now.Power(one.pk, mantissa * 10.0**exponent, one.unit, at, is_live=False)
    return None


def _homes(homes: Mapping[_Flow, tuple[Days, int]], today: date) -> Homes | None:
    found = homes.get((Fluid.ELECTRICITY, Direction.CONSUMPTION))
    if found is None:
        return None
    days, count = found
    last = figure.last_whole_day(days, today)
    if last is None:
        return None
    wh = float(days.on(np.array([last]))[0])
    return Homes(count, wh, wh / count)

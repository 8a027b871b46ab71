"""The page of a site: its power now, its days, its year, and where the data come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext

from kevre.analyse.day import Days, trust
from kevre.analyse.solar import Balance, self_consumption
from kevre.flow.read import Latest
from kevre.model.series import Direction, Fluid
from kevre.model.window import local_day
from kevre.places.series import Series
from kevre.places.site import Site
from kevre.web import ask, draw, figure, now, plot, registry, words
from kevre.web.meters import Meters, meters
from kevre.web.visit import Visit, visit


@dataclass(frozen=True, slots=True)
class PowerText:
    """A power as it is written, and as the live page finds it."""

    series: int
    label: str
    number: str
    unit: str
    at: str
    instant: str


@dataclass(frozen=True, slots=True)
class Row:
    """One series in the table of the data."""

    series: Series
    name: str
    step: str
    value: str
    at: str


@dataclass(frozen=True, slots=True)
class Solar:
    """What becomes of the production, in words and as a bar."""

    sentence: str
    note: str
    bar: object


def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a site that the reader may see."""
    look = visit(request)
    place = registry.site(look, slug)
    return render(request, "site.html", _view(look, place))


def _view(look: Visit, place: Site) -> dict[str, Any]:
    every = registry.series_of([place])[place.pk]
    known = meters(every)
    today = local_day(look.now, place.zone)
    latest = ask.latest(look, every)
    daily = ask.daily(look, known.counted, date(today.year - 1, 1, 1), today)
    consumed, produced = _powers(look, place, known, latest)
    return {
        "site": place,
        "lineage": place.territory.lineage(),
        "consumed": consumed,
        "produced": produced,
        "is_live": _is_live(look, known, latest),
        "live_path": _live_path(place, known, latest),
        "cells": _cells(look, place, known, daily, today),
        "solar": _solar(look, known, daily, today),
        "charts": _charts(look, place, known, latest, daily),
        "trust": _trust(look, known, daily),
        "rows": [_row(look, place, one, latest.get(one.pk)) for one in every],
    }


def _powers(
    look: Visit, place: Site, known: Meters, latest: Mapping[int, Latest]
) -> tuple[PowerText | None, PowerText | None]:
    consumed = now.power(known, Direction.CONSUMPTION, latest, look.now)
    produced = now.power(known, Direction.PRODUCTION, latest, look.now)
    taken = gettext("Taken from the grid") if known.export else gettext("Consumption")
    made = gettext("Production")
    if produced and Direction.PRODUCTION in known.live and known.export:
        fed = produced.series == known.live[Direction.PRODUCTION].pk
        made = gettext("Fed into the grid") if fed else made
    return _power_text(look, place, consumed, taken), _power_text(look, place, produced, made)


def _power_text(look: Visit, place: Site, power: now.Power | None, label: str) -> PowerText | None:
    if power is None:
        return None
    number, unit = words.parts(words.quantity_text(power.value, power.unit, look.locale))
    at = words.clock_text(power.at, place.zone, look.now, look.locale)
    return PowerText(power.series, label, number, unit, at, power.at.isoformat())


def _is_live(look: Visit, known: Meters, latest: Mapping[int, Latest]) -> bool:
    powers = (now.power(known, way, latest, look.now) for way in known.live)
    return any(power is not None and power.is_live for power in powers)


def _live_path(place: Site, known: Meters, latest: Mapping[int, Latest]) -> str:
    if not any(one.pk in latest for one in known.live.values()):
        return ""
    return f"{reverse('live-site', args=[place.slug])}?lang={get_language()}"


def _cells(
    look: Visit, place: Site, known: Meters, daily: ask.Daily, today: date
) -> list[figure.Figure]:
    found: list[figure.Figure | None] = []
    for fluid, group in known.consumption.items():
        days = daily.of(group)
        label, key = _label(fluid, known), _KEYS[fluid]
        electric = fluid is Fluid.ELECTRICITY
        found.append(figure.day_figure(days, label, today, look.locale, key))
        if electric:
            found.append(figure.week_figure(days, label, today, look.locale, key))
        found.append(figure.year_figure(days, label, today, look.locale, key, place.floor_area_m2))
    for fluid, group in known.production.items():
        days = daily.of(group)
        label = gettext("Production") if fluid is Fluid.ELECTRICITY else gettext("Heat produced")
        found.append(figure.day_figure(days, label, today, look.locale, "prod"))
        found.append(figure.year_figure(days, label, today, look.locale, "prod"))
    return [one for one in found if one is not None]


_KEYS = {Fluid.ELECTRICITY: "elec", Fluid.GAS: "gas", Fluid.HEAT: "heat"}


def _label(fluid: Fluid, known: Meters) -> str:
    if fluid is not Fluid.ELECTRICITY:
        return str(words.FLUIDS[fluid])
    return gettext("From the grid") if known.export else gettext("Consumption")


def _solar(look: Visit, known: Meters, daily: ask.Daily, today: date) -> Solar | None:
    taken = known.consumption.get(Fluid.ELECTRICITY, ())
    made = known.production.get(Fluid.ELECTRICITY, ())
    if not (taken and made):
        return None
    if not known.export:
        return Solar(
            gettext(
                "What is fed into the grid is not measured here: how much of the "
                "production is used on site cannot be told."
            ),
            "",
            "",
        )
    asked = np.datetime64(today, "D") - np.arange(1, 366)
    balance = self_consumption(
        daily.of(taken).on(asked), daily.of(known.export).on(asked), daily.of(made).on(asked)
    )
    return _balance_text(look, balance)


def _balance_text(look: Visit, balance: Balance) -> Solar | None:
    if balance.self_consumption is None or balance.self_sufficiency is None:
        return None
    sentence = gettext(
        "Of %(made)s made over 12 months, %(used)s (%(share)s) were used on site and the rest "
        "was fed into the grid. The sun gave %(part)s of all that the site used."
    ) % {
        "made": words.quantity_text(balance.production_wh, "Wh", look.locale),
        "used": words.quantity_text(balance.used_wh, "Wh", look.locale),
        "share": words.percent_text(balance.self_consumption, look.locale),
        "part": words.percent_text(balance.self_sufficiency, look.locale),
    }
    note = gettext(
        "Used on site is production less what was fed into the grid, over the %(days)s days "
        "known from all three meters."
    ) % {"days": balance.intervals}
    return Solar(sentence, note, draw.share(balance, look.locale))


def _charts(
    look: Visit, place: Site, known: Meters, latest: Mapping[int, Latest], daily: ask.Daily
) -> list[plot.Plot]:
    flows = plot.electric_flows(known)
    newest = plot.newest_of(_ends(latest, [one for flow in flows for one in flow.group]), look.now)
    electric = [(flow.label, flow.role, daily.of(flow.group)) for flow in flows]
    charts: list[plot.Plot | None] = []
    if flows and newest is not None:
        past = plot.History(look, place, flows, newest)
        charts.extend(plot.curves(look, past))
        charts.append(plot.bars(look, electric, gettext("Day by day")))
        charts.append(plot.year(look, past))
    for fluid, group in (*known.consumption.items(), *known.production.items()):
        if fluid is not Fluid.ELECTRICITY:
            flow = (str(words.FLUIDS[fluid]), _KEYS[fluid], daily.of(group))
            title = gettext("%(flow)s day by day") % {"flow": flow[0]}
            charts.append(plot.bars(look, [flow], title))
    seen = plot.newest_of(_ends(latest, known.states), look.now)
    charts.extend(plot.states(look, place, known, seen))
    return [one for one in charts if one is not None]


def _ends(latest: Mapping[int, Latest], group: list[Series] | tuple[Series, ...]) -> list[int]:
    found = [latest[one.pk] for one in group if one.pk in latest]
    return [one.start_s + one.step_s for one in found]


def _trust(look: Visit, known: Meters, daily: ask.Daily) -> str:
    if not known.counted:
        return ""
    days: Days = daily.of(known.counted)
    last = figure.last_whole_day(days, daily.last)
    if last is None:
        return gettext("No day of this site is wholly known yet.")
    found = trust(days.before(last + 1).tail(plot.BAR_DAYS))
    return gettext(
        "Over the last %(days)s days, %(coverage)s of the time is known, and %(estimated)s of "
        "the energy is estimated rather than measured."
    ) % {
        "days": plot.BAR_DAYS,
        "coverage": words.percent_text(found.coverage, look.locale),
        "estimated": words.percent_text(found.estimated, look.locale),
    }


def _row(look: Visit, place: Site, one: Series, latest: Latest | None) -> Row:
    step = words.step_text(one.step_s, look.locale)
    if latest is None or latest.value is None:
        return Row(one, words.series_name(one), step, "", "")
    mantissa, exponent = latest.value
    value = words.quantity_text(mantissa * 10.0**exponent, one.unit, look.locale)
    at = datetime.fromtimestamp(latest.start_s, UTC)
    when = words.clock_text(at, place.zone, look.now, look.locale)
    return Row(one, words.series_name(one), step, value, when)

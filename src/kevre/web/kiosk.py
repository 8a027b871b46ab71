"""The page for a hall: what a building takes and makes now, in figures that can be read afar.

The equivalents are meant for children and rounded accordingly; what they stand on is said on
the page: a kettle of 2,000 W and a lamp of 9 W are what plates say, and an electric bicycle
takes about 10 Wh a kilometre.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from babel.numbers import format_decimal
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext, ngettext

from kevre.analyse.day import Days
from kevre.model.series import Direction, Fluid
from kevre.model.window import local_day
from kevre.places.series import Series
from kevre.places.site import Site
from kevre.web import ask, now, registry, words
from kevre.web.meters import Meters, meters
from kevre.web.now import Power
from kevre.web.visit import Visit, visit

LAMP_W, KETTLE_W, BICYCLE_WH_KM = 9.0, 2_000.0, 10.0
# From here on a power is told in kettles, below in lamps.
_MANY_LAMPS = 200
_FULL = 100


@dataclass(frozen=True, slots=True)
class Side:
    """One flow: its power now, its energy today, what that is like, and how long its bar is."""

    key: str
    label: str
    series: int
    number: str
    unit: str
    at: str
    instant: str
    likeness: str
    today: str
    today_likeness: str
    width: int


def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a site that the reader may see, for a screen that nobody touches."""
    look = visit(request)
    place = registry.site(look, slug)
    every = registry.series_of([place])[place.pk]
    known = _own_sun(meters(every))
    today = local_day(look.now, place.zone)
    latest = ask.latest(look, now.wanted(known))
    daily = ask.daily(look, known.counted, today, today)
    powers = {
        way: now.power(known, way, latest, look.now)
        for way in (Direction.CONSUMPTION, Direction.PRODUCTION)
    }
    most = max((one.value for one in powers.values() if one is not None), default=0.0)
    live = [one for one in known.live.values() if one.pk in latest]
    path = f"{reverse('live-site', args=[place.slug])}?lang={get_language()}"
    view = {
        "site": place,
        "sides": [
            _side(look, place, way, power, most, _today(known, way, daily))
            for way, power in powers.items()
            if power is not None
        ],
        "is_live": any(one is not None and one.is_live for one in powers.values()),
        "live_path": path if live else "",
        "back": reverse("web:site", args=[place.slug]),
    }
    return render(request, "kiosk.html", view)


def _own_sun(known: Meters) -> Meters:
    """Leave out the live power of what is fed into the grid: the sun gives more than that."""
    if not (known.export and known.production.get(Fluid.ELECTRICITY)):
        return known
    live = dict(known.live)
    live.pop(Direction.PRODUCTION, None)
    return replace(known, live=live)


def _side(
    look: Visit, place: Site, way: Direction, power: Power, most: float, today_wh: float | None
) -> Side:
    number, unit = words.parts(words.quantity_text(power.value, power.unit, look.locale))
    is_made = way is Direction.PRODUCTION
    at = words.clock_text(power.at, place.zone, look.now, look.locale)
    energy = words.quantity_text(today_wh, "Wh", look.locale) if today_wh is not None else ""
    return Side(
        key="prod" if is_made else "elec",
        label=gettext("The sun gives") if is_made else gettext("We use"),
        series=power.series,
        number=number,
        unit=unit,
        at=at,
        instant=power.at.isoformat(),
        likeness=like_power(power.value, look.locale),
        today=energy,
        today_likeness=like_energy(today_wh, look.locale) if today_wh is not None else "",
        width=round(_FULL * power.value / most) if most > 0 else 0,
    )


def like_power(power_w: float, locale: str) -> str:
    """Say what a power is like: lamps, or kettles where those are too many to imagine."""
    lamps = round(power_w / LAMP_W)
    if lamps < 1:
        return gettext("less than one lamp")
    if lamps <= _MANY_LAMPS:
        told = ngettext("as %(count)s lamp", "as %(count)s lamps", lamps)
        return told % {"count": _whole(lamps, locale)}
    kettles = max(round(power_w / KETTLE_W), 1)
    told = ngettext("as %(count)s kettle", "as %(count)s kettles", kettles)
    return told % {"count": _whole(kettles, locale)}


def like_energy(energy_wh: float, locale: str) -> str:
    """Say how far an electric bicycle would go with an energy."""
    kilometres = round(energy_wh / BICYCLE_WH_KM)
    told = ngettext(
        "%(count)s km on an electric bicycle", "%(count)s km on an electric bicycle", kilometres
    )
    return told % {"count": _whole(kilometres, locale)}


def _today(known: Meters, way: Direction, daily: ask.Daily) -> float | None:
    """Give the energy of this day so far, of what is known; None where nothing is [Wh]."""
    flows = known.consumption if way is Direction.CONSUMPTION else known.production
    group: tuple[Series, ...] = flows.get(Fluid.ELECTRICITY, ())
    if not group:
        return None
    days: Days = daily.of(group)
    value = float(days.total_wh[-1]) if days.total_wh.size else float("nan")
    return None if math.isnan(value) else value


def _whole(number: int, locale: str) -> str:
    return str(format_decimal(number, locale=locale))

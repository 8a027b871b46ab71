"""From readings to drawings: names the colours of flows and calls `web.chart`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
from babel.dates import format_date
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from numpy.typing import NDArray

from kevre.analyse.curve import Samples
from kevre.analyse.day import Days, by_month
from kevre.analyse.solar import Balance
from kevre.model.series import Direction
from kevre.model.window import Window, civil_days
from kevre.places.series import Series
from kevre.places.site import Site
from kevre.places.territory import Level, Territory
from kevre.web import chart, words
from kevre.web.chart import Trace

__all__ = ["CONSUMPTION", "PRODUCTION", "STATE", "Trace", "line"]

CONSUMPTION = "consumption"
PRODUCTION = "production"
STATE = "state"
_EXPORT = "export"
# Inhabitants from which a commune gets the next darker shade on the map.
_SHADES = (2_000, 4_000, 8_000, 20_000)


def role_of(series: Series) -> str:
    """Name the colour of a series by its direction."""
    if series.direction == Direction.NONE:
        return STATE
    return PRODUCTION if series.direction == Direction.PRODUCTION else CONSUMPTION


def days_window(first: date, last: date, zone: ZoneInfo) -> Window:
    """Give the instants of the days from `first` to `last`."""
    return civil_days(first, last, zone)


def line(
    traces: Sequence[Trace], window: Window, zone: ZoneInfo, unit: str, locale: str, title: str
) -> SafeString:
    """Draw curves over a window."""
    return chart.line(traces, window, zone, unit, locale, title)


def bars(flows: Sequence[tuple[str, str, Days]], *, locale: str, title: str) -> SafeString:
    """Draw the days of some flows, given as (label, colour, days)."""
    names = [_day_name(day.astype(object), locale) for day in flows[0][2].day]
    drawn = [chart.Bars(label, role, d.total_wh, d.coverage) for label, role, d in flows]
    return chart.bars(drawn, names, locale=locale, title=title)


def months(days: Days, role: str, locale: str, title: str) -> SafeString:
    """Draw the months of a flow."""
    found = list(by_month(days))
    total_wh = np.array([total for _, total, _ in found])
    coverage = np.array([known for _, _, known in found])
    names = [str(format_date(first, "LLL", locale=locale)) for first, _, _ in found]
    drawn = chart.Bars(title, role, total_wh, coverage)
    return chart.bars([drawn], names, locale=locale, title=title)


def year(
    samples: Samples,
    first: date,
    last: date,
    zone: ZoneInfo,
    locale: str,
    role: str,
    title: str,
) -> SafeString:
    """Draw hourly powers from `first` to `last` as a heat map [W]."""
    start_s, value = samples
    matrix = chart.hour_matrix(start_s, value, first, (last - first).days + 1, zone)
    return chart.heatmap(matrix, first, role, "W", locale, title)


def spark(total_wh: NDArray[np.float64], role: str) -> SafeString:
    """Draw the last days of a site, small."""
    return chart.sparkline(total_wh, role)


def share(balance: Balance, locale: str) -> SafeString:
    """Draw what was used on site of the production, and what was fed into the grid."""
    used = words.quantity_text(balance.used_wh, "Wh", locale)
    fed_wh = balance.production_wh - balance.used_wh
    fed = words.quantity_text(fed_wh, "Wh", locale)
    labels = (
        gettext("Used on site: %(energy)s") % {"energy": used},
        gettext("Fed into the grid: %(energy)s") % {"energy": fed},
    )
    parts = (
        chart.Part(labels[0], PRODUCTION, balance.used_wh),
        chart.Part(labels[1], _EXPORT, max(fed_wh, 0.0)),
    )
    return chart.share_bar(parts, gettext("Share used on site"), f"{labels[0]}. {labels[1]}.")


def territory_map(place: Territory, sites: Sequence[Site], locale: str) -> SafeString:
    """Draw the communes of a territory and the sites in them, as a sketch from positions."""
    found = place.subtree().filter(level=Level.COMMUNE, latitude__isnull=False)
    communes = [_commune(one, locale) for one in found]
    dots = [_dot(site) for site in sites if _position(site) is not None]
    sentence = gettext(
        "A sketch from the positions of the communes; the darker, the more inhabitants."
    )
    return chart.territory_map(
        communes, dots, gettext("Map of %(name)s") % {"name": place.name}, sentence
    )


def _commune(one: Territory, locale: str) -> chart.Commune:
    people = one.population or 0
    said = gettext("%(name)s, %(people)s inhabitants") % {
        "name": one.name,
        "people": words.number_text(people, locale),
    }
    return chart.Commune(
        one.name,
        one.latitude or 0.0,
        one.longitude or 0.0,
        sum(people >= limit for limit in _SHADES),
        reverse("web:territory", args=[one.slug]),
        said,
    )


def _position(site: Site) -> tuple[float, float] | None:
    """Give where a site stands: its own position, else its commune's."""
    for place in (site, site.territory):
        if place.latitude is not None and place.longitude is not None:
            return place.latitude, place.longitude
    return None


def _dot(site: Site) -> chart.Dot:
    latitude, longitude = _position(site) or (0.0, 0.0)
    return chart.Dot(
        site.name, latitude, longitude, site.kind, reverse("web:site", args=[site.slug])
    )


def _day_name(day: date, locale: str) -> str:
    return str(format_date(datetime.combine(day, time()), "d MMM", locale=locale))

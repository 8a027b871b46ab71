"""The charts of a site: which readings each needs, its words, and its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from kevre.analyse.curve import Samples, add, cut, means
from kevre.analyse.day import Days
from kevre.flow.read import Curve
from kevre.model.series import Fluid
from kevre.model.step import Resolution
from kevre.model.window import Window, civil_days, local_day, midnight
from kevre.places.series import Series
from kevre.places.site import Site
from kevre.web import ask, draw, words
from kevre.web.meters import Meters
from kevre.web.visit import Visit

BAR_DAYS = 31
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_YEAR = timedelta(days=365)
_FEW_STATES = 2
_LIGHT_STEP_S = 600


@dataclass(frozen=True, slots=True)
class Plot:
    """One chart with its words; `rows` says the same as a table, where that is readable."""

    title: str
    svg: SafeString
    sub: str = ""
    caption: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """One electric flow of a site: the series that make it up, and how it is drawn."""

    label: str
    role: str
    group: tuple[Series, ...]


def electric_flows(known: Meters) -> tuple[Flow, ...]:
    """Give the electric flows of a site that a curve can show, consumption first."""
    consumed = known.consumption.get(Fluid.ELECTRICITY, ())
    produced = known.production.get(Fluid.ELECTRICITY, ())
    label = gettext("Taken from the grid") if known.export else gettext("Consumption")
    flows = (
        Flow(label, draw.CONSUMPTION, consumed),
        Flow(gettext("Production"), draw.PRODUCTION, produced),
    )
    return tuple(flow for flow in flows if flow.group)


class History:
    """The electric flows of a site over the last year, read once where that is light.

    Raw readings cost the store less than readings cut to intervals, as long as the meter
    gives no more than one every ten minutes. Otherwise, or where only coarser readings are
    open, each window is asked for by itself.
    """

    def __init__(self, visit: Visit, site: Site, flows: Sequence[Flow], end: datetime) -> None:
        self.end = end
        self.flows = flows
        self.zone = site.zone
        self._visit = visit
        self._series = tuple(one for flow in flows for one in flow.group)
        self._raw: dict[int, Curve] = {}
        self._last_day = local_day(visit.now, site.zone) - _DAY
        if all((one.step_s or 0) >= _LIGHT_STEP_S for one in self._series):
            start = midnight(self._last_day - _YEAR, site.zone)
            window = Window(min(start, end - _WEEK), end)
            self._raw = ask.curves(visit, self._series, window, Resolution.RAW)

    @property
    def year(self) -> tuple[date, date]:
        """Give the first and the last of the days that a year's chart shows."""
        return self._last_day - _YEAR + _DAY, self._last_day

    def over(self, window: Window, resolution: Resolution) -> list[tuple[Flow, Samples]]:
        """Give the flows that are known in a window, cut no finer than `resolution`."""
        if not self._raw:
            found = ask.curves(self._visit, self._series, window, resolution)
            return self._summed({key: _samples(one) for key, one in found.items()})
        parts = {
            key: means(cut(_samples(one), window.start_s, window.end_s), resolution.least_s)
            if (one.step_s < resolution.least_s).any()
            else cut(_samples(one), window.start_s, window.end_s)
            for key, one in self._raw.items()
        }
        return self._summed(parts)

    def fine(self) -> Resolution:
        """Choose how finely a day is drawn: no finer than the coarsest step of the flows."""
        step_s = max((one.step_s or 0 for one in self._series), default=0)
        steps = (Resolution.TEN_MINUTES, Resolution.HALF_HOUR)
        return next((one for one in steps if step_s <= one.least_s), Resolution.HOUR)

    def _summed(self, parts: Mapping[int, Samples]) -> list[tuple[Flow, Samples]]:
        known = []
        for flow in self.flows:
            some = [parts[one.pk] for one in flow.group if one.pk in parts]
            if any(start.size for start, _ in some):
                known.append((flow, add(some)))
        return known


def curves(visit: Visit, past: History) -> list[Plot]:
    """Draw the last day and the last week up to the newest reading."""
    is_fresh = visit.now - past.end < _DAY
    names = (
        (gettext("Last 24 hours"), gettext("Last 7 days"))
        if is_fresh
        else (gettext("Last 24 hours known"), gettext("Last 7 days known"))
    )
    cuts = ((_DAY, past.fine()), (_WEEK, max(past.fine(), Resolution.HALF_HOUR, key=_least_s)))
    when = words.clock_text(past.end, past.zone, visit.now, visit.locale)
    sub = "" if is_fresh else gettext("up to %(when)s") % {"when": when}
    plots = []
    for title, (length, resolution) in zip(names, cuts, strict=True):
        window = Window(past.end - length, past.end)
        traces = [
            draw.Trace(flow.label, flow.role, *samples)
            for flow, samples in past.over(window, resolution)
        ]
        if traces:
            svg = draw.line(traces, window, past.zone, "W", visit.locale, title)
            plots.append(Plot(title, svg, sub))
    return plots


def year(visit: Visit, past: History) -> Plot | None:
    """Draw a year of hours as a heat map of the consumption, or else of the production."""
    first, last = past.year
    known = past.over(civil_days(first, last, past.zone), Resolution.HOUR)
    if not known:
        return None
    flow, samples = known[0]
    title = gettext("A year, hour by hour")
    svg = draw.year(samples, first, last, past.zone, visit.locale, flow.role, title)
    caption = gettext(
        "One column a day, midnight at the top. Look for nights, week-ends, holidays."
    )
    return Plot(title, svg, sub=flow.label, caption=caption)


def bars(visit: Visit, flows: Sequence[tuple[str, str, Days]], title: str) -> Plot | None:
    """Draw the last days as bars, one colour a flow, with their table."""
    last = [(label, role, days.tail(BAR_DAYS)) for label, role, days in flows]
    if not any(np.isfinite(days.total_wh).any() for _, _, days in last):
        return None
    columns = (gettext("Day"), *(label for label, _, _ in last))
    rows = tuple(
        (
            words.day_text(day.astype(object), visit.locale),
            *(_cell(days.total_wh[k], visit.locale) for _, _, days in last),
        )
        for k, day in reversed(list(enumerate(last[0][2].day)))
    )
    svg = draw.bars(last, locale=visit.locale, title=title)
    caption = gettext("Pale bars are days that are not wholly known.")
    partial = any(_is_partial(days) for _, _, days in last)
    return Plot(title, svg, caption=caption if partial else "", columns=columns, rows=rows)


def states(visit: Visit, site: Site, known: Meters, newest: datetime | None) -> list[Plot]:
    """Draw the last week of temperatures and the like."""
    if newest is None:
        return []
    window = Window(newest - _WEEK, newest)
    shown = known.states[:_FEW_STATES]
    found = ask.curves(visit, shown, window, Resolution.HOUR)
    plots = []
    for one in shown:
        if one.pk in found and found[one.pk].start_s.size:
            name = words.series_name(one)
            traces = [draw.Trace(name, draw.STATE, *_samples(found[one.pk]))]
            svg = draw.line(traces, window, site.zone, one.unit, visit.locale, name)
            plots.append(Plot(name, svg, sub=gettext("Last 7 days")))
    return plots


def _samples(curve: Curve) -> Samples:
    return curve.start_s, curve.values


def _is_partial(days: Days) -> bool:
    return bool(((days.coverage > 0) & (days.coverage < 0.96)).any())  # noqa: PLR2004


def _cell(total_wh: float, locale: str) -> str:
    return words.quantity_text(total_wh, "Wh", locale) if np.isfinite(total_wh) else words.DASH


def _least_s(resolution: Resolution) -> int:
    return resolution.least_s


def newest_of(latest_s: Sequence[int], now: datetime) -> datetime | None:
    """Give the end of the newest reading, no later than now."""
    return min(datetime.fromtimestamp(max(latest_s), UTC), now) if latest_s else None

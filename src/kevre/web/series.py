"""The page of a series: its curve over a period, the same as a table and as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from kevre.analyse.day import by_month
from kevre.flow import way
from kevre.flow.read import Curve
from kevre.model.step import Resolution
from kevre.model.window import Window
from kevre.places.series import Series
from kevre.web import ask, draw, figure, period, registry, words
from kevre.web.period import Period, Span
from kevre.web.visit import Visit, visit


@dataclass(frozen=True, slots=True)
class Tab:
    """One length of period to choose."""

    label: str
    query: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What a period holds, as a chart, figures and a table."""

    chart: object = ""
    caption: str = ""
    figures: tuple[figure.Figure, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one series over the period that the address asks for."""
    look = visit(request)
    series = registry.series(look, pk)
    return render(request, "series.html", _view(look, series, request))


def _view(look: Visit, series: Series, request: HttpRequest) -> dict[str, Any]:
    site = series.point.site
    if site is None:
        raise registry.not_open()
    extent = _extent(look, series)
    newest = extent or Window(look.now, look.now)
    shown = period.asked(request.GET, site.zone, newest)
    last = period.of_day(newest.end.astimezone(site.zone).date(), Span.DAY, site.zone)
    before, after = shown.previous, shown.next
    if after is not None and after.first > last.first:
        after = None
    content = _shown(look, series, shown)
    return {
        "series": series,
        "site": site,
        "lineage": site.territory.lineage(),
        "name": words.series_name(series),
        "kind": words.FLUIDS[series.fluid],
        "step": words.step_text(series.step_s, look.locale),
        "explanation": words.explanation(series),
        "period": shown,
        "period_label": shown.label(look.locale),
        "tabs": _tabs(shown, last.first),
        "previous": before,
        "previous_label": before.label(look.locale) if before else "",
        "next": after,
        "next_label": after.label(look.locale) if after else "",
        "newest_query": period.of_day(last.first, shown.span, site.zone).query if extent else "",
        "chart": content.chart,
        "caption": content.caption,
        "figures": content.figures,
        "columns": content.columns,
        "rows": content.rows,
    }


def _extent(look: Visit, series: Series) -> Window | None:
    return way.current().door.extent(look.reader, series, purpose=ask.PURPOSE, now=look.now)


def _tabs(shown: Period, newest: date) -> tuple[Tab, ...]:
    names = {
        Span.DAY: gettext("Day"),
        Span.WEEK: gettext("Week"),
        Span.MONTH: gettext("Month"),
        Span.YEAR: gettext("Year"),
    }
    return tuple(
        Tab(name, shown.within(span, newest).query, span is shown.span)
        for span, name in names.items()
    )


def _shown(look: Visit, series: Series, shown: Period) -> Shown:
    """Choose the fitting view: bars of energy for long periods, a line for all else."""
    if series.kind.totals_wh and shown.span is Span.MONTH:
        return _days(look, series, shown)
    if series.kind.totals_wh and shown.span is Span.YEAR:
        return _months(look, series, shown)
    return _line(look, series, shown)


def _line(look: Visit, series: Series, shown: Period) -> Shown:
    resolution = _resolution(series, shown.span)
    found = ask.curves(look, [series], shown.window, resolution).get(series.pk)
    if found is None or not np.isfinite(found.values).any():
        return Shown()
    site_zone = shown.zone
    name = words.series_name(series)
    role = draw.role_of(series)
    trace = draw.Trace(name, role, found.start_s, found.values)
    chart = draw.line([trace], shown.window, site_zone, series.unit, look.locale, name)
    rows = tuple(
        (
            words.stamp_text(datetime.fromtimestamp(int(start), UTC), site_zone, look.locale),
            words.quantity_text(float(value), series.unit, look.locale),
        )
        for start, value in zip(found.start_s, found.values, strict=True)
        if np.isfinite(value)
    )
    return Shown(
        chart,
        _cut_text(series, resolution, look.locale),
        _extremes(look, series, found),
        (gettext("From"), name),
        rows,
    )


def _resolution(series: Series, span: Span) -> Resolution:
    """Cut no finer than a screen can show, nor than the meter measures."""
    finest = {
        Span.DAY: Resolution.TEN_MINUTES,
        Span.WEEK: Resolution.HALF_HOUR,
        Span.MONTH: Resolution.HOUR,
        Span.YEAR: Resolution.DAY,
    }[span]
    step_s = series.step_s or 0
    if step_s >= Resolution.DAY.least_s:
        return Resolution.DAY
    coarser = [r for r in _CUTS if r.least_s >= max(step_s, finest.least_s)]
    return coarser[0]


_CUTS = (Resolution.TEN_MINUTES, Resolution.HALF_HOUR, Resolution.HOUR, Resolution.DAY)


def _cut_text(series: Series, resolution: Resolution, locale: str) -> str:
    if series.step_s and series.step_s >= resolution.least_s:
        return ""
    length = words.step_text(86_400 if resolution is Resolution.DAY else resolution.least_s, locale)
    return gettext("Means over %(length)s; the CSV file holds every reading.") % {"length": length}


def _extremes(look: Visit, series: Series, found: Curve) -> tuple[figure.Figure, ...]:
    values = found.values[np.isfinite(found.values)]
    figures = []
    if series.kind.totals_wh:
        energy_wh = float(np.nansum(found.energy))
        figures.append(
            figure.Figure(gettext("Energy"), words.quantity_text(energy_wh, "Wh", look.locale))
        )
    for label, value in (
        (gettext("Mean"), values.mean()),
        (gettext("Highest"), values.max()),
        (gettext("Lowest"), values.min()),
    ):
        text = words.quantity_text(float(value), series.unit, look.locale)
        figures.append(figure.Figure(label, text))
    return tuple(figures)


def _days(look: Visit, series: Series, shown: Period) -> Shown:
    days = ask.daily(look, [series], shown.first, shown.last).of([series])
    if not np.isfinite(days.total_wh).any():
        return Shown()
    name = words.series_name(series)
    chart = draw.bars([(name, draw.role_of(series), days)], locale=look.locale, title=name)
    known = np.flatnonzero(np.isfinite(days.total_wh))
    rows = tuple(
        (
            words.day_text(days.day[k].astype(object), look.locale),
            words.quantity_text(float(days.total_wh[k]), "Wh", look.locale),
            words.percent_text(float(days.coverage[k]), look.locale),
            words.percent_text(float(days.estimated[k]), look.locale),
        )
        for k in known
    )
    columns = (gettext("Day"), gettext("Energy"), gettext("Known"), gettext("Estimated"))
    return Shown(chart, "", _sum(look, float(np.nansum(days.total_wh))), columns, rows)


def _months(look: Visit, series: Series, shown: Period) -> Shown:
    days = ask.daily(look, [series], shown.first, shown.last).of([series])
    if not np.isfinite(days.total_wh).any():
        return Shown()
    name = words.series_name(series)
    chart = draw.months(days, draw.role_of(series), look.locale, name)
    rows = tuple(
        (
            words.month_text(first, look.locale),
            words.quantity_text(total_wh, "Wh", look.locale),
            words.percent_text(coverage, look.locale),
        )
        for first, total_wh, coverage in by_month(days)
        if np.isfinite(total_wh)
    )
    columns = (gettext("Month"), gettext("Energy"), gettext("Known"))
    return Shown(chart, "", _sum(look, float(np.nansum(days.total_wh))), columns, rows)


def _sum(look: Visit, total_wh: float) -> tuple[figure.Figure, ...]:
    return (figure.Figure(gettext("Energy"), words.quantity_text(total_wh, "Wh", look.locale)),)

"""Heat maps: a year at a glance, one column a day, midnight at the top."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from babel.dates import format_date
from babel.numbers import format_decimal
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from numpy.typing import NDArray

from kevre.model.step import Resolution
from kevre.model.window import civil_days, midnight, next_first_day
from kevre.web.chart import svg
from kevre.web.chart.number import decimals, quantity_scale

HOURS = 24
_CLASSES = 7
_CELL = 6  # height of an hour; a day is one unit wide
_LEFT, _TOP, _BOTTOM = 26, 2, 36


def hour_matrix(
    start_s: NDArray[np.int64],
    value: NDArray[np.float64],
    first: date,
    count: int,
    zone: ZoneInfo,
) -> NDArray[np.float64]:
    """Place hourly values on days and local hours.

    The hour that spring skips stays unknown; the hour that autumn repeats is the mean of both.

    Args:
        start_s: shape (n,), starts of the hours [epoch s].
        value: shape (n,), NaN where unknown.
        first: first day.
        count: number of days.
        zone: the calendar of the meter.

    Returns:
        shape (count, 24), NaN where unknown.
    """
    window = civil_days(first, first + timedelta(days=count - 1), zone)
    kept = (start_s >= window.start_s) & (start_s < window.end_s) & np.isfinite(value)
    starts, values = start_s[kept], value[kept]
    bounds, offsets = _calendar(first, count, zone)
    day = np.searchsorted(np.array(bounds), starts, side="right") - 1
    local_s = starts + offsets[day] - _shift_inside(starts, day, bounds, zone)
    hour = local_s // 3600 % HOURS
    sums = np.zeros((count, HOURS))
    known = np.zeros((count, HOURS))
    np.add.at(sums, (day, hour), values)
    np.add.at(known, (day, hour), 1)
    with np.errstate(invalid="ignore"):
        return sums / known


def heatmap(
    matrix: NDArray[np.float64], first: date, role: str, unit: str, locale: str, title: str
) -> SafeString:
    """Draw a matrix of days and hours in seven shades; what is unknown stays blank.

    Shades are quantiles of the values above zero, so that one cold week does not wash out
    the rest of the year.
    """
    if not np.isfinite(matrix).any():
        return svg.empty(title, gettext("No readings in this period."))
    return _drawn(matrix.shape, matrix.tobytes(), first, (role, unit, locale, title))


# The hours of the past stay as they are: most views of a page draw the same year again.
@lru_cache(maxsize=64)
def _drawn(
    shape: tuple[int, int], cells: bytes, first: date, words: tuple[str, str, str, str]
) -> SafeString:
    role, unit, locale, title = words
    matrix = np.frombuffer(cells).reshape(shape)
    known = matrix[np.isfinite(matrix)]
    edges = (
        np.unique(np.quantile(known[known > 0], np.linspace(0, 1, _CLASSES + 1)[1:-1]))
        if (known > 0).any()
        else np.array([1.0])
    )
    shade = np.where(np.isfinite(matrix), np.digitize(matrix, edges), -1)
    body = f'<g transform="translate({_LEFT} {_TOP})">'
    for number in range(edges.size + 1):
        body += f'<path class="heat {role} h{number}" d="{_runs(shade == number)}"/>'
    body += "</g>" + _months(first, matrix.shape[0], locale) + _hours()
    body += _legend(edges, role, unit, locale)
    height = _TOP + HOURS * _CELL + _BOTTOM
    width = _LEFT + max(matrix.shape[0], 60) + 2
    return svg.document((width, height), title, _describe(matrix, unit, locale), body, "year")


@lru_cache(maxsize=64)
def _calendar(first: date, count: int, zone: ZoneInfo) -> tuple[tuple[int, ...], NDArray[np.int64]]:
    """Give the midnights of some days [epoch s] and the offset from UTC at each [s]."""
    days = (first + timedelta(days=n) for n in range(count + 1))
    bounds = tuple(int(midnight(day, zone).timestamp()) for day in days)
    return bounds, np.array([_offset(bound, zone) for bound in bounds])


def _offset(instant_s: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(instant_s, zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _shift_inside(
    starts: NDArray[np.int64], day: NDArray[np.intp], bounds: tuple[int, ...], zone: ZoneInfo
) -> NDArray[np.int64]:
    """Give how far the clock went back since midnight, on the two days when it moves [s]."""
    shift = np.zeros(starts.size, np.int64)
    for number in range(len(bounds) - 1):
        if bounds[number + 1] - bounds[number] != HOURS * 3600:
            for index in np.flatnonzero(day == number):
                moved = _offset(bounds[number], zone) - _offset(int(starts[index]), zone)
                shift[index] = moved
    return shift


def _runs(mask: NDArray[np.bool_]) -> str:
    """Draw the cells of one shade, hour by hour, neighbours in time of year joined."""
    parts = []
    for hour in range(HOURS):
        padded = np.concatenate(([0], mask[:, hour].astype(np.int8), [0]))
        edges = np.flatnonzero(np.diff(padded))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            parts.append(f"M{begin} {hour * _CELL}h{end - begin}v{_CELL}h-{end - begin}z")
    return "".join(parts)


def _months(first: date, count: int, locale: str) -> str:
    labels = []
    day = next_first_day(first - timedelta(days=1), Resolution.MONTH) if first.day != 1 else first
    while (column := (day - first).days) < count:
        text = escape(format_date(day, "LLLLL", locale=locale))
        labels.append(
            f'<text x="{_LEFT + column + 15}" y="{_TOP + HOURS * _CELL + 14}" '
            f'text-anchor="middle">{text}</text>'
        )
        labels.append(f'<path class="axis" d="M{_LEFT + column} {_TOP + HOURS * _CELL}v4"/>')
        day = next_first_day(day, Resolution.MONTH)
    return "".join(labels)


def _hours() -> str:
    return "".join(
        f'<text x="{_LEFT - 4}" y="{_TOP + hour * _CELL + 5}" text-anchor="end">{hour}</text>'
        for hour in (0, 6, 12, 18)
    )


def _legend(edges: NDArray[np.float64], role: str, unit: str, locale: str) -> str:
    factor, symbol = quantity_scale(float(edges[-1]), unit)
    low, high = (
        format_decimal(v * factor, format=decimals(v * factor), locale=locale)
        for v in (float(edges[0]), float(edges[-1]))
    )
    y = _TOP + HOURS * _CELL + 22
    boxes = "".join(
        f'<rect class="heat {role} h{n}" x="{_LEFT + 56 + 14 * n}" y="{y}" width="14" height="10"/>'
        for n in range(edges.size + 1)
    )
    right = _LEFT + 60 + 14 * (edges.size + 1)
    return (
        f'<text x="{_LEFT + 52}" y="{y + 10}" text-anchor="end">&lt; {escape(low)}</text>{boxes}'
        f'<text x="{right}" y="{y + 10}">&gt; {escape(high)} {escape(symbol)}</text>'
    )


def _describe(matrix: NDArray[np.float64], unit: str, locale: str) -> str:
    with np.errstate(invalid="ignore"):
        known = np.isfinite(matrix).any(axis=0)
        hours = np.full(HOURS, np.nan)
        hours[known] = np.nanmean(matrix[:, known], axis=0)
    factor, symbol = quantity_scale(float(np.nanmax(hours)), unit)

    def said(value: float) -> str:
        number = format_decimal(value * factor, format=decimals(value * factor), locale=locale)
        return f"{number} {symbol}"

    return gettext(
        "On average highest around %(high)s h (%(most)s), lowest around %(low)s h (%(least)s)."
    ) % {
        "high": int(np.nanargmax(hours)),
        "most": said(float(np.nanmax(hours))),
        "low": int(np.nanargmin(hours)),
        "least": said(float(np.nanmin(hours))),
    }

"""The axis of time: round local hours, days or months, on days of 23 and 25 hours too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from babel.dates import format_date, format_time
from django.utils.html import escape

from kevre.model.step import Resolution
from kevre.model.window import Window, local_day, midnight, next_first_day
from kevre.web.chart.svg import LEFT, RIGHT, WIDTH, Frame

_SPAN = WIDTH - LEFT - RIGHT
_DAY_S = 86_400
_HOURS = 6


def x_of(window: Window, instant_s: Any) -> Any:
    """Place an instant, or an array of them [epoch s]."""
    return np.round(LEFT + (instant_s - window.start_s) / max(window.length_s, 1) * _SPAN, 1)


def time_axis(frame: Frame, window: Window, zone: ZoneInfo, locale: str) -> str:
    """Draw ticks and labels at round local times."""
    marks, labels = [], []
    for instant_s, text in _marks(window, zone, locale):
        x = x_of(window, instant_s)
        marks.append(f"M{x:g} {frame.bottom:g}v3")
        if LEFT <= x <= WIDTH - RIGHT - 2 * len(text):
            anchor = "start" if x < LEFT + 2 * len(text) else "middle"
            labels.append(
                f'<text x="{x:g}" y="{frame.height - 5}" text-anchor="{anchor}">'
                f"{escape(text)}</text>"
            )
    return f'<path class="axis" d="M{LEFT} {frame.bottom:g}H{WIDTH - RIGHT}{"".join(marks)}"/>' + (
        "".join(labels)
    )


def _marks(window: Window, zone: ZoneInfo, locale: str) -> Iterator[tuple[int, str]]:
    if window.length_s <= 1.5 * _DAY_S:
        yield from _hours(window, zone, locale)
    elif window.length_s <= 100 * _DAY_S:
        yield from _days(window, zone, locale)
    else:
        yield from _months(window, zone, locale)


def _hours(window: Window, zone: ZoneInfo, locale: str) -> Iterator[tuple[int, str]]:
    day = local_day(window.start, zone)
    while midnight(day, zone) < window.end:
        for hour in range(0, 24, _HOURS):
            local = datetime.combine(day, datetime.min.time(), zone).replace(hour=hour)
            at = local.astimezone(UTC)
            if window.start <= at < window.end:
                text = format_date(day, "EEE d", locale=locale) if hour == 0 else ""
                yield int(at.timestamp()), text or format_time(local, "H:mm", locale=locale)
        day += timedelta(days=1)


def _days(window: Window, zone: ZoneInfo, locale: str) -> Iterator[tuple[int, str]]:
    few = window.length_s <= 10 * _DAY_S
    day = local_day(window.start, zone)
    while midnight(day, zone) < window.end:
        if few or day.weekday() == 0:
            text = format_date(day, "EEE" if few else "d MMM", locale=locale)
            if midnight(day, zone) >= window.start:
                yield int(midnight(day, zone).timestamp()), text
        day += timedelta(days=1)


def _months(window: Window, zone: ZoneInfo, locale: str) -> Iterator[tuple[int, str]]:
    day = local_day(window.start, zone)
    while midnight(day, zone) < window.end:
        if midnight(day, zone) >= window.start:
            yield int(midnight(day, zone).timestamp()), format_date(day, "LLLLL", locale=locale)
        day = next_first_day(day, Resolution.MONTH)

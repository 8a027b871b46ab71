"""Curves: powers and temperatures over hours, days or weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from babel.numbers import format_decimal
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from numpy.typing import NDArray

from kevre.model.window import Window
from kevre.web.chart import svg
from kevre.web.chart.number import decimals, quantity_scale
from kevre.web.chart.svg import Frame
from kevre.web.chart.when import time_axis, x_of

_HEIGHT = 180
_MOST_POINTS = 700
# A hole in the data is anything longer than this many steps.
_HOLE = 1.6


@dataclass(frozen=True, slots=True)
class Trace:
    """One curve: where it is unknown its value is NaN, or its instant is absent.

    Attributes:
        label: its name in the legend.
        role: class of its colour: consumption, production or state.
        start_s: shape (n,), starts of the intervals, increasing [epoch s].
        value: shape (n,), in the unit of the chart.
    """

    label: str
    role: str
    start_s: NDArray[np.int64]
    value: NDArray[np.float64]


def line(
    traces: Sequence[Trace], window: Window, zone: ZoneInfo, unit: str, locale: str, title: str
) -> SafeString:
    """Draw up to three curves over a window.

    Powers start at zero and are drawn as steps, since each value is the mean of its
    interval; states such as temperatures are drawn from point to point.
    """
    shown = [_within(trace, window) for trace in traces]
    shown = [trace for trace in shown if np.isfinite(trace.value).any()]
    if not shown:
        return svg.empty(title, gettext("No readings in this period."))
    low = min(float(np.nanmin(trace.value)) for trace in shown)
    high = max(float(np.nanmax(trace.value)) for trace in shown)
    is_state = all(trace.role == "state" for trace in shown)
    factor, symbol = quantity_scale(max(abs(low), abs(high)), unit)
    values = svg.ticks((low if is_state else min(low, 0.0)) * factor, high * factor)
    frame = Frame(_HEIGHT, values[0], values[-1])
    body = svg.value_axis(frame, values, symbol, locale) + time_axis(frame, window, zone, locale)
    body += "".join(_curve(trace, frame, window, factor) for trace in shown)
    if len(shown) > 1:
        body += svg.legend([(trace.role, trace.label) for trace in shown])
    return svg.document((svg.WIDTH, _HEIGHT), title, describe(shown, unit, locale), body, "line")


def describe(traces: Sequence[Trace], unit: str, locale: str) -> str:
    """Say in a sentence what the curves show."""
    sentences = []
    for trace in traces:
        factor, symbol = quantity_scale(float(np.nanmax(np.abs(trace.value))), unit)
        low, mean, high = (
            f"{format_decimal(v, format=decimals(v), locale=locale)} {symbol}"
            for v in (float(f(trace.value)) * factor for f in (np.nanmin, np.nanmean, np.nanmax))
        )
        sentences.append(
            gettext("%(label)s: from %(low)s to %(high)s, %(mean)s on average.")
            % {"label": trace.label, "low": low, "high": high, "mean": mean}
        )
    return " ".join(sentences)


def _within(trace: Trace, window: Window) -> Trace:
    kept = (trace.start_s >= window.start_s) & (trace.start_s < window.end_s)
    value = trace.value[kept].astype(np.float64)
    value[~np.isfinite(value)] = np.nan
    return _thinned(Trace(trace.label, trace.role, trace.start_s[kept], value))


def _thinned(trace: Trace) -> Trace:
    """Average neighbours where there are more points than a screen can show."""
    group = -(-trace.start_s.size // _MOST_POINTS)
    if group <= 1:
        return trace
    whole = trace.start_s.size // group * group
    parts = trace.value[:whole].reshape(-1, group)
    known = np.isfinite(parts)
    sums = np.where(known, parts, 0.0).sum(axis=1)
    with np.errstate(invalid="ignore"):
        means = sums / known.sum(axis=1)
    return Trace(trace.label, trace.role, trace.start_s[:whole:group], means)


def _curve(trace: Trace, frame: Frame, window: Window, factor: float) -> str:
    step_s = _step(trace.start_s, window)
    drawn, filled = [], []
    for first, last in _runs(trace, step_s):
        xs = x_of(window, trace.start_s[first:last]).tolist()
        ys = frame.y(trace.value[first:last] * factor).tolist()
        end = min(x_of(window, trace.start_s[last - 1] + step_s), x_of(window, window.end_s))
        path = _dots(xs, ys) if trace.role == "state" else _steps(xs, ys, end)
        drawn.append(path)
        if trace.role != "state":
            base = frame.y(max(0.0, frame.low))
            filled.append(f"{path}V{base:g}H{xs[0]:g}z")
    area = f'<path class="area {trace.role}" d="{"".join(filled)}"/>' if filled else ""
    return f'{area}<path class="stroke {trace.role}" d="{"".join(drawn)}"/>'


def _step(start_s: NDArray[np.int64], window: Window) -> float:
    return float(np.median(np.diff(start_s))) if start_s.size > 1 else window.length_s / 48


def _runs(trace: Trace, step_s: float) -> list[tuple[int, int]]:
    """Give the stretches without a hole, as (first, after the last)."""
    known = np.flatnonzero(np.isfinite(trace.value))
    if not known.size:
        return []
    apart = np.diff(trace.start_s[known]) > _HOLE * step_s
    cuts = np.flatnonzero(apart | (np.diff(known) > 1)) + 1
    return [(int(run[0]), int(run[-1]) + 1) for run in np.split(known, cuts)]


def _steps(xs: list[float], ys: list[float], end: float) -> str:
    parts = [f"M{xs[0]:g} {ys[0]:g}"]
    for (x, y), before in zip(zip(xs[1:], ys[1:], strict=True), ys, strict=False):
        parts.append(f"H{x:g}" + (f"V{y:g}" if y != before else ""))
    return "".join(parts) + f"H{end:g}"


def _dots(xs: list[float], ys: list[float]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in zip(xs, ys, strict=True))

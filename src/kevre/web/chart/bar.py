"""Bars: energies day by day, or month by month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from numpy.typing import NDArray

from kevre.web.chart import svg
from kevre.web.chart.number import energy_text, quantity_scale
from kevre.web.chart.svg import LEFT, RIGHT, WIDTH, Frame

_HEIGHT = 180
_SPAN = WIDTH - LEFT - RIGHT
_WHOLE = 0.96  # a bar covered less than this is pale
_ROOM = 52  # between two labels


@dataclass(frozen=True, slots=True)
class Bars:
    """One colour of bars.

    Attributes:
        label: its name in the legend and tooltips.
        role: class of its colour.
        total_wh: shape (n,), NaN where unknown [Wh].
        coverage: shape (n,), share of the time that is known, 0 to 1.
    """

    label: str
    role: str
    total_wh: NDArray[np.float64]
    coverage: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Slots:
    """Where the bars of one colour stand."""

    names: int
    flows: int
    place: int

    @property
    def wide(self) -> float:
        return 0.8 * _SPAN / self.names / self.flows

    def x(self, index: int) -> float:
        return LEFT + _SPAN / self.names * (index + 0.1) + self.wide * self.place


def bars(flows: Sequence[Bars], names: Sequence[str], *, locale: str, title: str) -> SafeString:
    """Draw bars side by side, one group for each name.

    Args:
        flows: one to three colours, all as long as `names`.
        names: what each group is called, such as "1 Nov".
        locale: how numbers are written.
        title: name of the chart.
    """
    known = [value for flow in flows for value in flow.total_wh if np.isfinite(value)]
    if not known:
        return svg.empty(title, gettext("No readings in this period."))
    factor, symbol = quantity_scale(max(known), "Wh")
    values = svg.ticks(min(0.0, min(known) * factor), max(known) * factor)
    frame = Frame(_HEIGHT, values[0], values[-1])
    body = svg.value_axis(frame, values, symbol, locale) + _names(frame, names)
    for place, flow in enumerate(flows):
        body += _row(flow, frame, _Slots(len(names), len(flows), place), factor, names, locale)
    if len(flows) > 1:
        body += svg.legend([(flow.role, flow.label) for flow in flows])
    return svg.document((WIDTH, _HEIGHT), title, describe(flows, locale), body, "bars")


def describe(flows: Sequence[Bars], locale: str) -> str:
    """Say in a sentence what the bars show."""
    return " ".join(
        gettext("%(label)s: %(total)s in all, %(high)s at the most.")
        % {
            "label": flow.label,
            "total": energy_text(float(np.nansum(flow.total_wh)), locale),
            "high": energy_text(float(np.nanmax(flow.total_wh)), locale),
        }
        for flow in flows
        if np.isfinite(flow.total_wh).any()
    )


def _row(
    flow: Bars,
    frame: Frame,
    slots: _Slots,
    factor: float,
    names: Sequence[str],
    locale: str,
) -> str:
    base = frame.y(0.0)
    drawn = []
    for index, (total_wh, coverage) in enumerate(zip(flow.total_wh, flow.coverage, strict=True)):
        if not np.isfinite(total_wh):
            continue
        y = frame.y(float(total_wh) * factor)
        pale = " pale" if coverage < _WHOLE else ""
        said = f"{names[index]}: {energy_text(float(total_wh), locale)}"
        drawn.append(
            f'<rect class="bar {flow.role}{pale}" x="{slots.x(index):.1f}" y="{min(y, base):g}" '
            f'width="{slots.wide:.1f}" height="{abs(base - y):.1f}">'
            f"<title>{escape(said)}</title></rect>"
        )
    return "".join(drawn)


def _names(frame: Frame, names: Sequence[str]) -> str:
    every = max(1, -(-_ROOM * len(names) // _SPAN))
    labels = []
    for index in range((len(names) - 1) % every, len(names), every):
        x = LEFT + _SPAN / len(names) * (index + 0.5)
        anchor = "end" if x > WIDTH - _ROOM / 2 else "middle"
        x = min(x, WIDTH - RIGHT) if anchor == "middle" else WIDTH - RIGHT
        labels.append(
            f'<text x="{x:.1f}" y="{frame.height - 5}" text-anchor="{anchor}">'
            f"{escape(names[index])}</text>"
        )
    base = frame.y(0.0)
    return f'<path class="axis" d="M{LEFT} {base:g}H{WIDTH - RIGHT}"/>' + "".join(labels)

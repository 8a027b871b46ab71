"""Small drawings: a sparkline in a list, a bar of shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from numpy.typing import NDArray

from kevre.web.chart import svg

_SPARK = (84, 22)


@dataclass(frozen=True, slots=True)
class Part:
    """One share of a whole: its label, the class of its colour, its size (any unit)."""

    label: str
    role: str
    size: float


def sparkline(value: NDArray[np.float64], role: str) -> SafeString:
    """Draw values as a row of thin bars, without axis; hidden from screen readers.

    The figure beside it says what matters.
    """
    width, height = _SPARK
    known = np.isfinite(value)
    high = float(value[known].max()) if known.any() else 0.0
    wide = width / max(value.size, 1)
    scale = (height - 2) / high if high > 0 else 0.0
    bars = "".join(
        f"M{index * wide:.1f} {height}v-{max(1.0, amount * scale):.1f}h{wide * 0.75:.1f}V{height}z"
        for index, amount in enumerate(value)
        if high > 0 and np.isfinite(amount) and amount >= 0
    )
    return mark_safe(  # noqa: S308 - numbers and a class of ours only
        f'<svg class="chart sparkline" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" aria-hidden="true"><path class="bar {escape(role)}" d="{bars}"/></svg>'
    )


def share_bar(parts: Sequence[Part], title: str, sentence: str) -> SafeString:
    """Draw the shares of a whole as one bar, with their labels below."""
    whole = sum(part.size for part in parts)
    if not whole > 0:
        return svg.empty(title, sentence)
    x = 0.0
    drawn = []
    for row, part in enumerate(parts):
        wide = part.size / whole * svg.WIDTH
        y = 34 + 16 * row
        drawn.append(
            f'<rect class="bar {escape(part.role)}" x="{x:.1f}" width="{wide:.1f}" height="16"/>'
            f'<rect class="key {escape(part.role)}" y="{y - 9}" width="9" height="9" rx="2"/>'
            f'<text x="14" y="{y}">{escape(part.label)}</text>'
        )
        x += wide
    height = 38 + 16 * (len(parts) - 1)
    return svg.document((svg.WIDTH, height), title, sentence, "".join(drawn), "share")

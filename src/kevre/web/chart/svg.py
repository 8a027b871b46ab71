"""The frame that all charts share: box, title, sentence, axis of values."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from babel.numbers import format_decimal
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

WIDTH = 320
LEFT, RIGHT, TOP, BOTTOM = 34, 4, 18, 20
_NICE = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Frame:
    """The plot area of a chart and its scale of values."""

    height: int
    low: float
    high: float

    @property
    def bottom(self) -> float:
        """Give the y of the lowest value."""
        return self.height - BOTTOM

    def y(self, value: Any) -> Any:
        """Place a value, or an array of them."""
        share = (value - self.low) / (self.high - self.low)
        return np.round(self.bottom - share * (self.bottom - TOP), 1)


def document(
    size: tuple[int, int], title: str, sentence: str, body: str, name: str, *, role: str = "img"
) -> SafeString:
    """Close a chart: a title and a sentence for whoever cannot see it.

    It is one image, or a `group` where it holds links.
    """
    width, height = size
    key = f"g{zlib.crc32((title + body).encode()):x}"
    return mark_safe(  # noqa: S308 - every text below is escaped, every number is ours
        f'<svg class="chart {name}" viewBox="0 0 {width} {height}" role="{role}" '
        f'aria-labelledby="{key} {key}d"><title id="{key}">{escape(title)}</title>'
        f'<desc id="{key}d">{escape(sentence)}</desc>{body}</svg>'
    )


def empty(title: str, sentence: str) -> SafeString:
    """Draw the absence of readings, and say it."""
    said = escape(sentence)
    text = f'<text class="none" x="{WIDTH // 2}" y="44" text-anchor="middle">{said}</text>'
    return document((WIDTH, 80), title, sentence, text, "empty")


def ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Give round values that span low to high, both ends included.

    >>> ticks(0, 5.2), ticks(-3.1, 18)
    ([0.0, 2.0, 4.0, 6.0], [-5.0, 0.0, 5.0, 10.0, 15.0, 20.0])
    """
    if high - low < 1e-6 * max(abs(high), 1.0):  # a flat curve still needs a scale
        high = low + max(abs(low) * 0.1, 1.0)
    span = high - low
    size = 10.0 ** math.floor(math.log10(span / most))
    step = next((n * size for n in _NICE if n * size * most >= span), 10 * size)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 9) for n in range(first, max(last, first + 1) + 1)]


def value_axis(frame: Frame, values: Sequence[float], symbol: str, locale: str) -> str:
    """Draw the lines and labels of the values, and the unit above them."""
    lines = "".join(f"M{LEFT} {frame.y(value):g}H{WIDTH - RIGHT}" for value in values)
    labels = "".join(
        f'<text x="{LEFT - 4}" y="{frame.y(value) + 4:g}" text-anchor="end">'
        f"{escape(format_decimal(value, format='#,##0.##', locale=locale))}</text>"
        for value in values
    )
    unit = f'<text class="unit" x="{LEFT - 4}" y="10" text-anchor="end">{escape(symbol)}</text>'
    return f'<path class="grid" d="{lines}"/>{labels}{unit}'


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """Name the colours in a row above the plot: (role, label) each."""
    parts = []
    x = float(LEFT + 2)
    for role, label in entries:
        parts.append(f'<rect class="key {role}" x="{x:g}" y="3" width="8" height="8" rx="2"/>')
        parts.append(f'<text x="{x + 11:g}" y="11" dx="2">{escape(label)}</text>')
        x += 24 + 6.1 * len(label)
    return "".join(parts)

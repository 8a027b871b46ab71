"""The map of a territory, drawn from positions alone.

No outline of the communes comes with a clear licence in a package, so each commune is the
area nearest to its own centre (a Voronoi cell), clipped to a disc around it. It is a sketch of
the territory, and the page says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.utils.html import escape
from django.utils.safestring import SafeString

from kevre.web.chart import svg

_MARGIN = 14
_REACH = 0.105  # radius of the disc around a centre, as a share of the map's width
_SIDES = 16
_ROOM = 13.0  # between two labels
_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune on the map; `shade` is 0 to 4, from few to many inhabitants."""

    name: str
    latitude: float
    longitude: float
    shade: int
    href: str
    said: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A site on the map; `kind` is the class of its colour."""

    name: str
    latitude: float
    longitude: float
    kind: str
    href: str


def territory_map(
    communes: Sequence[Commune], dots: Sequence[Dot], title: str, sentence: str
) -> SafeString:
    """Draw communes as cells, the largest with their names, and sites as dots."""
    if not communes:
        return svg.empty(title, sentence)
    return _drawn(tuple(communes), tuple(dots), title, sentence)


# A territory moves as little as its sites do: most views draw the same map again.
@lru_cache(maxsize=64)
def _drawn(
    communes: tuple[Commune, ...], dots: tuple[Dot, ...], title: str, sentence: str
) -> SafeString:
    project, height = _projection([(c.latitude, c.longitude) for c in communes])
    centres = [project(c.latitude, c.longitude) for c in communes]
    cells = "".join(
        f'<a href="{escape(one.href)}"><title>{escape(one.said)}</title>'
        f'<path class="commune s{one.shade}" d="{_path(_cell(k, centres))}"/></a>'
        for k, one in enumerate(communes)
    )
    marks = "".join(_mark(dot, project(dot.latitude, dot.longitude)) for dot in dots)
    names = _labels(communes, centres)
    body = cells + names + marks
    return svg.document((svg.WIDTH, height), title, sentence, body, "map", role="group")


def _projection(places: Sequence[_Point]) -> tuple[_Projection, int]:
    """Give a projection that is true to shape at the middle latitude, and the map's height."""
    south, north = min(p[0] for p in places), max(p[0] for p in places)
    west, east = min(p[1] for p in places), max(p[1] for p in places)
    squeeze = math.cos(math.radians((south + north) / 2))
    reach = _REACH * svg.WIDTH + _MARGIN
    span = max((east - west) * squeeze, 1e-3)
    scale = (svg.WIDTH - 2 * reach) / span
    height = int((north - south) * scale + 2 * reach)
    return _Projection(north, west, squeeze, scale, reach), max(height, 60)


@dataclass(frozen=True, slots=True)
class _Projection:
    north: float
    west: float
    squeeze: float
    scale: float
    margin: float

    def __call__(self, latitude: float, longitude: float) -> _Point:
        x = self.margin + (longitude - self.west) * self.squeeze * self.scale
        y = self.margin + (self.north - latitude) * self.scale
        return round(x, 1), round(y, 1)


def _cell(index: int, centres: Sequence[_Point]) -> list[_Point]:
    """Give the polygon of what is nearer to one centre than to any other, within reach."""
    x, y = centres[index]
    reach = _REACH * svg.WIDTH
    turns = [2 * math.pi * k / _SIDES for k in range(_SIDES)]
    cell = [(x + reach * math.cos(turn), y + reach * math.sin(turn)) for turn in turns]
    for other, centre in enumerate(centres):
        if other != index and centre != (x, y):
            cell = _nearer(cell, (x, y), centre)
    return cell


def _nearer(cell: Sequence[_Point], here: _Point, there: _Point) -> list[_Point]:
    """Cut a convex polygon to the side of the bisector where `here` is (Sutherland-Hodgman)."""
    nx, ny = there[0] - here[0], there[1] - here[1]
    limit = (there[0] ** 2 + there[1] ** 2 - here[0] ** 2 - here[1] ** 2) / 2
    kept: list[_Point] = []
    for k, point in enumerate(cell):
        before = cell[k - 1]
        beyond = nx * point[0] + ny * point[1] - limit
        beyond_before = nx * before[0] + ny * before[1] - limit
        if beyond * beyond_before < 0:
            share = beyond_before / (beyond_before - beyond)
            kept.append(
                (
                    before[0] + share * (point[0] - before[0]),
                    before[1] + share * (point[1] - before[1]),
                )
            )
        if beyond <= 0:
            kept.append(point)
    return kept


def _path(cell: Sequence[_Point]) -> str:
    return "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in cell) + "z" if cell else ""


def _labels(communes: Sequence[Commune], centres: Sequence[_Point]) -> str:
    """Name as many communes as fit without touching, the most populous first."""
    order = sorted(range(len(communes)), key=lambda k: -communes[k].shade)
    placed: list[tuple[float, float, float]] = []
    labels = []
    for k in order:
        x, y = centres[k]
        y += 16
        half = 3.1 * len(communes[k].name)
        x = min(max(x, half + 2), svg.WIDTH - half - 2)
        if any(abs(y - v) < _ROOM and abs(x - u) < half + h + 2 for u, v, h in placed):
            continue
        placed.append((x, y, half))
        labels.append(
            f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle">{escape(communes[k].name)}</text>'
        )
    return f'<g class="names">{"".join(labels)}</g>'


def _mark(dot: Dot, at: _Point) -> str:
    x, y = at
    return (
        f'<a href="{escape(dot.href)}"><title>{escape(dot.name)}</title>'
        f'<circle class="touch" cx="{x:g}" cy="{y:g}" r="12"/>'
        f'<circle class="dot {escape(dot.kind)}" cx="{x:g}" cy="{y:g}" r="4.5"/></a>'
    )

"""Curves of intervals, made of totals: of one series, or summed over many."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import duckdb
import numpy as np

from kevre.model.errors import Malformed
from kevre.model.series import Statistic
from kevre.model.step import Resolution
from kevre.model.window import Window
from kevre.store import aggregate, calendar
from kevre.store.aggregate import AMOUNT_DAY, Totals
from kevre.store.calendar import Slots
from kevre.store.catalog import Declared
from kevre.store.result import Curve, Floats, Longs, scaled

_HOUR_S = 3_600
# Above so many intervals it pays to look first how far the readings go.
_MANY = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Intervals of series of one statistic and zone, in their unit."""

    totals: Totals
    slots: Slots
    value: Floats
    energy: Floats


def empty(series: int, resolution: Resolution, declared: Declared | None = None) -> Curve:
    """Give a curve without readings."""
    value: Longs | Floats = np.empty(0, np.float64)
    if resolution is Resolution.RAW:
        value = np.empty(0, np.int64)
    return Curve(
        series,
        resolution,
        0,
        declared.unit if declared else "",
        declared.statistic if declared else None,
        np.empty(0, np.int64),
        np.empty(0, np.int32),
        value,
        np.empty(0, np.uint8),
        np.empty(0, np.float64),
        np.empty(0, np.float32),
        np.empty(0, np.float32),
    )


def single(
    cursor: duckdb.DuckDBPyConnection,
    declared: Declared,
    window: Window,
    resolution: Resolution,
    finest: Resolution,
) -> Curve:
    """Cut one series into intervals; those at the ends count what lies in the window."""
    pieces = list(_pieces(cursor, [declared], window, resolution, finest))
    if not pieces:
        return empty(declared.series, resolution, declared)
    return _curve(declared.series, resolution, declared, pieces, 1)


def summed(
    cursor: duckdb.DuckDBPyConnection,
    series: Collection[int],
    known: Sequence[Declared],
    window: Window,
    resolution: Resolution,
    finest: Resolution,
) -> Curve:
    """Sum series into one curve; coverage counts every series, also those without readings.

    Raises:
        Malformed: they have no total, or totals in different units.
    """
    if not known:
        return empty(0, resolution)
    check_summable(known)
    pieces = list(_pieces(cursor, known, window, resolution, finest))
    units = {one.unit for one in known}
    first = known[0] if len(units) == 1 else next(one for one in known if one.unit == "W")
    if not pieces:
        return empty(0, resolution, first)
    return _curve(0, resolution, first, pieces, len(series))


def check_summable(known: Sequence[Declared]) -> None:
    """Refuse to sum what has no sum.

    Raises:
        Malformed: a series has no total, or their totals differ in unit.
    """
    if not all(one.is_counted for one in known):
        raise Malformed(
            "store.no_total",
            "a series that holds a state, such as a temperature, has no total",
            hint="leave it out of the sum, or ask for it alone",
        )
    if len({one.total_unit for one in known}) > 1:
        raise Malformed(
            "store.mixed_units",
            "the totals of these series have different units",
            hint="sum energies with energies, and volumes with volumes",
        )


def _pieces(
    cursor: duckdb.DuckDBPyConnection,
    known: Sequence[Declared],
    window: Window,
    resolution: Resolution,
    finest: Resolution,
) -> Iterator[_Piece]:
    unit_is_shared = len({one.unit for one in known}) == 1
    for group in _groups(known):
        zone = group[0].zone
        span_s = calendar.whole(window, finest, zone)
        if span_s[1] - span_s[0] > _MANY * resolution.least_s:
            extent = aggregate.extent(cursor, [one.series for one in group]) or (0, 0)
            span_s = max(span_s[0], extent[0]), min(span_s[1], extent[1])
        if span_s[0] >= span_s[1]:
            continue
        slots = calendar.slots(*span_s, resolution, zone)
        totals = aggregate.totals(cursor, group, span_s, slots)
        if len(totals.slot):
            yield _piece(group, totals, slots, unit_is_shared=unit_is_shared)


def _groups(known: Sequence[Declared]) -> Iterator[list[Declared]]:
    """Give series that one statement can total: one statistic, one zone."""

    def key(one: Declared) -> tuple[str, str]:
        return one.statistic.value, one.zone.key

    for _, group in groupby(sorted(known, key=key), key=key):
        yield list(group)


def _piece(
    group: Sequence[Declared], totals: Totals, slots: Slots, *, unit_is_shared: bool
) -> _Piece:
    exponents = {one.series: one.exponent or 0 for one in group}
    amount, maximum = totals.amount.copy(), totals.maximum.copy()
    for exponent in set(exponents.values()):
        keys = [series for series, held in exponents.items() if held == exponent]
        at = np.isin(totals.series, keys)
        amount[at] = scaled(amount[at], exponent)
        maximum[at] = scaled(maximum[at], exponent)
    statistic = group[0].statistic
    if statistic is Statistic.MAX:
        return _Piece(totals, slots, maximum, amount)
    if statistic in {Statistic.SUM, Statistic.REGISTER}:
        energy = amount / AMOUNT_DAY
        value = energy if unit_is_shared else energy * _HOUR_S / totals.covered_s
        return _Piece(totals, slots, value, energy)
    counted = [one.series for one in group if one.is_counted]
    energy = np.where(np.isin(totals.series, counted), amount / _HOUR_S, np.nan)
    return _Piece(totals, slots, amount / totals.covered_s, energy)


def _curve(
    series: int,
    resolution: Resolution,
    declared: Declared,
    pieces: Sequence[_Piece],
    count: int,
) -> Curve:
    slot, first = np.unique(
        np.concatenate([piece.slots.slot for piece in pieces]), return_index=True
    )
    start_s = np.concatenate([piece.slots.start_s for piece in pieces])[first]
    length_s = np.concatenate([piece.slots.end_s for piece in pieces])[first] - start_s
    at = np.searchsorted(slot, np.concatenate([piece.totals.slot for piece in pieces]))

    def total(arrays: Sequence[Floats | Longs]) -> Floats:
        summed = np.bincount(at, np.concatenate(arrays), minlength=len(slot))
        return summed.astype(np.float64)

    covered_s = total([piece.totals.covered_s for piece in pieces])
    estimated_s = total([piece.totals.estimated_s for piece in pieces])
    quality = np.zeros(len(slot), np.uint8)
    np.maximum.at(quality, at, np.concatenate([piece.totals.quality for piece in pieces]))
    kept = covered_s > 0
    return Curve(
        series,
        resolution,
        0,
        declared.unit,
        declared.statistic,
        start_s[kept],
        length_s[kept].astype(np.int32),
        total([piece.value for piece in pieces])[kept],
        quality[kept],
        total([piece.energy for piece in pieces])[kept],
        (covered_s[kept] / (length_s[kept] * count)).astype(np.float32),
        (estimated_s[kept] / covered_s[kept]).astype(np.float32),
    )

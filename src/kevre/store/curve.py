"""Curves of intervals, made of totals: of one series, or summed over many."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import duckdb
import numpy as np
from numpy.typing import NDArray

from kevre.model.errors import Malformed
from kevre.model.series import LIVE_HOLD_S, Statistic
from kevre.model.step import Resolution
from kevre.model.window import Window
from kevre.store import aggregate, calendar, gather, grid
from kevre.store.calendar import Slots
from kevre.store.catalog import Declared
from kevre.store.grid import Field
from kevre.store.result import Bytes, Curve, Floats, Longs, scaled
from kevre.store.total import AMOUNT_DAY, Totals

_HOUR_S = 3_600
# Above so many intervals it pays to look first how far the readings go.
_MANY = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Sums over series of one statistic and zone; shape (n,), one for each of n intervals."""

    slots: Slots
    value: Floats
    energy: Floats
    covered_s: Longs
    estimated_s: Longs
    quality: Bytes


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
            span_s = _clipped(cursor, group, span_s)
        if span_s[0] >= span_s[1]:
            continue
        slots = calendar.slots(*span_s, resolution, zone)
        piece = _blank(slots)
        regular, spans = grid.regular(cursor, group, span_s, slots)
        if regular:
            for exponent, field in grid.fields(cursor, regular, slots).items():
                _add_field(piece, group[0], field, exponent, unit_is_shared=unit_is_shared)
        for totals in aggregate.totals(cursor, spans, group[0].statistic, span_s, slots):
            _add(piece, group, totals, unit_is_shared=unit_is_shared)
        if piece.covered_s.any():
            yield piece


def _clipped(
    cursor: duckdb.DuckDBPyConnection, group: Sequence[Declared], span_s: tuple[int, int]
) -> tuple[int, int]:
    """Shorten a span to where there are readings."""
    extent = gather.extent(cursor, [one.series for one in group])
    if extent is None:
        return 0, 0
    reach_s = max(LIVE_HOLD_S, *(one.longest_s for one in group))
    return max(span_s[0], extent[0]), min(span_s[1], extent[1] + reach_s)


def _groups(known: Sequence[Declared]) -> Iterator[list[Declared]]:
    """Give series that one statement can total: one statistic, one zone."""

    def key(one: Declared) -> tuple[str, str]:
        return one.statistic.value, one.zone.key

    for _, group in groupby(sorted(known, key=key), key=key):
        yield list(group)


def _blank(slots: Slots) -> _Piece:
    count = len(slots.slot)
    return _Piece(
        slots,
        np.zeros(count),
        np.zeros(count),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.uint8),
    )


def _add(piece: _Piece, group: Sequence[Declared], totals: Totals, *, unit_is_shared: bool) -> None:
    """Add the totals of some series to the intervals."""
    at = np.searchsorted(piece.slots.slot, totals.slot)
    value, energy = worth(group, totals, unit_is_shared=unit_is_shared)
    count = len(piece.value)
    np.add(piece.value, np.bincount(at, value, count), out=piece.value)
    np.add(piece.energy, np.bincount(at, energy, count), out=piece.energy)
    np.add.at(piece.covered_s, at, totals.covered_s)
    np.add.at(piece.estimated_s, at, totals.estimated_s)
    np.maximum.at(piece.quality, at, totals.quality)


def _add_field(
    piece: _Piece, like: Declared, field: Field, exponent: int, *, unit_is_shared: bool
) -> None:
    """Add sums of series like this one whose readings are the intervals."""
    width_s = piece.slots.end_s - piece.slots.start_s
    number = scaled(field.value, exponent)
    if like.statistic is Statistic.SUM:
        piece.energy[:] += number
        piece.value[:] += number if unit_is_shared else number * _HOUR_S / width_s
    else:
        piece.energy[:] += number * width_s / _HOUR_S
        piece.value[:] += number
    piece.covered_s[:] += field.count * width_s
    piece.estimated_s[:] += field.estimated * width_s
    np.maximum(piece.quality, field.quality, out=piece.quality)


def worth(
    group: Sequence[Declared], totals: Totals, *, unit_is_shared: bool
) -> tuple[Floats, Floats]:
    """Give value and energy of totals in their unit, float64, shape (n,) each."""
    keys = np.array([one.series for one in group])
    order = np.argsort(keys)
    place = order[np.searchsorted(keys, totals.series, sorter=order)]
    exponents = np.array([one.exponent or 0 for one in group])[place]
    amount = _scaled(totals.amounts, exponents)
    statistic = group[0].statistic
    if statistic is Statistic.MAX and totals.maximum is not None:
        return _scaled(totals.maximum, exponents), amount
    if statistic in {Statistic.SUM, Statistic.REGISTER}:
        energy = amount / AMOUNT_DAY
        return energy if unit_is_shared else energy * _HOUR_S / totals.covered_s, energy
    is_counted = np.array([one.is_counted for one in group])[place]
    return amount / totals.covered_s, np.where(is_counted, amount / _HOUR_S, np.nan)


def _scaled(mantissa: Floats | Longs, exponents: NDArray[np.int64]) -> Floats:
    if len(exponents) and (exponents == exponents[0]).all():
        return scaled(mantissa, int(exponents[0]))
    number = mantissa.astype(np.float64)
    for exponent in np.unique(exponents):
        at = exponents == exponent
        number[at] = scaled(number[at], int(exponent))
    return number


def _curve(
    series: int,
    resolution: Resolution,
    declared: Declared,
    pieces: Sequence[_Piece],
    count: int,
) -> Curve:
    slot, first, at = np.unique(
        np.concatenate([piece.slots.slot for piece in pieces]),
        return_index=True,
        return_inverse=True,
    )
    start_s = np.concatenate([piece.slots.start_s for piece in pieces])[first]
    length_s = np.concatenate([piece.slots.end_s for piece in pieces])[first] - start_s

    def total(arrays: Sequence[Floats | Longs]) -> Floats:
        summed = np.bincount(at, np.concatenate(arrays), minlength=len(slot))
        return summed.astype(np.float64)

    covered_s = total([piece.covered_s for piece in pieces])
    estimated_s = total([piece.estimated_s for piece in pieces])
    quality = np.zeros(len(slot), np.uint8)
    np.maximum.at(quality, at, np.concatenate([piece.quality for piece in pieces]))
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

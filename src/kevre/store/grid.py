"""Sums over thousands of series: chunks on a grid are added as they come out of the codec.

Where the intervals asked for are those in which a series was read, a reading is its interval:
byte planes of whole years are added up and put together once, at the end. Whatever is not
that regular, and what came since the last compaction, is left to `aggregate`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kevre.model.quality import Quality
from kevre.model.series import Statistic
from kevre.store import aggregate, catalog, chunk, gather
from kevre.store.calendar import Slots
from kevre.store.catalog import Declared
from kevre.store.chunk import Grid
from kevre.store.connection import Cursor
from kevre.store.gather import Spans
from kevre.store.result import Bytes, Longs
from kevre.store.stretch import IS_ESTIMATE

# Below so many series the general way is as fast.
LEAST_SERIES = 16
_AT_ONCE = 64
# Sums stay below this, of 2**24 series at most: a byte so often still fits 32 bits.
_MOST_SUM = 2**62

EDGES = """
    select series, first_s, last_s, pitch_s, greatest(abs(low), abs(high)) as most from chunk
    where series in (select series from chosen) and last_s >= $lo_s and first_s < $hi_s
    order by series, first_s
"""
FIRST_RECENT = """
    select series, min(start_s) as first_s from recent
    where series in (select series from chosen) and start_s >= $lo_s and start_s < $hi_s
    group by series
"""
PAYLOADS = """
    select first_s, count, exponent, payload from chunk
    where series in (select series from chosen) and last_s >= $lo_s and first_s < $hi_s
"""


@dataclass(slots=True, eq=False)
class Field:
    """Sums over consecutive intervals of equal width; shape (n,) each.

    Attributes:
        value: int64, sum of the mantissas.
        count: int64, how many readings with a value.
        estimated: int64, how many of these are estimates.
        quality: uint8, the highest code of these.
        planes: uint32, sums of the low, the next... bytes that are still to join `value`.
    """

    value: Longs
    count: Longs
    estimated: Longs
    quality: Bytes
    planes: list[NDArray[np.uint32]]

    @classmethod
    def blank(cls, size: int) -> Field:
        """Give a field without readings."""
        value, count, estimated = (np.zeros(size, np.int64) for _ in range(3))
        return cls(value, count, estimated, np.zeros(size, np.uint8), [])

    def join(self) -> None:
        """Put the sums of planes into the values."""
        for place, plane in enumerate(self.planes):
            self.value += plane.astype(np.int64) << (8 * place)
        self.planes.clear()

    def merge(self, other: Field) -> None:
        """Add what another one has."""
        other.join()
        self.value += other.value
        self.count += other.count
        self.estimated += other.estimated
        np.maximum(self.quality, other.quality, out=self.quality)

    def add(self, grid: Grid, place: int) -> None:
        """Add a chunk whose first reading lies in interval `place`, maybe before the first."""
        skipped = max(0, -place)
        length = min(grid.length, len(self.value) - place) - skipped
        if length <= 0:
            return
        inside, here = slice(skipped, skipped + length), slice(place + skipped, None)
        here = slice(here.start, here.start + length)
        held: NDArray[np.bool_] | None = None
        if len(grid.empty):
            held = np.ones(grid.length, bool)
            held[grid.empty] = False

        def spread(array: NDArray[Any]) -> NDArray[Any]:
            if held is None:
                return array[inside]
            dense = np.zeros(grid.length, array.dtype)
            dense[held] = array
            return dense[inside]

        if grid.value.first is not None:
            self.value[here] += spread(grid.value.numbers())
        else:
            while len(self.planes) < len(grid.value.planes):
                self.planes.append(np.zeros(len(self.value), np.uint32))
            for sums, plane in zip(self.planes, grid.value.planes, strict=False):
                sums[here] += spread(plane)
            base = np.int64(grid.value.base)
            self.value[here] += base if held is None else base * held[inside]
        self._judge(grid, here, None if held is None else held[inside], spread)

    def _judge(
        self,
        grid: Grid,
        here: slice,
        held: NDArray[np.bool_] | None,
        spread: Callable[[NDArray[Any]], NDArray[Any]],
    ) -> None:
        """Count the readings of a chunk that have a value, and note their quality."""
        if grid.quality.is_equal and held is None and grid.quality.base != Quality.MISSING:
            self.count[here] += 1
            self.estimated[here] += int(IS_ESTIMATE[grid.quality.base])
            np.maximum(self.quality[here], grid.quality.base, out=self.quality[here])
            return
        quality = spread(grid.quality.numbers().astype(np.uint8)).astype(np.uint8)
        has_value = quality != Quality.MISSING
        if held is not None:
            has_value &= held
        self.count[here] += has_value
        self.estimated[here] += IS_ESTIMATE[quality] & has_value
        np.maximum(self.quality[here], quality * has_value, out=self.quality[here])


def regular(
    cursor: Cursor, group: Sequence[Declared], span_s: tuple[int, int], slots: Slots
) -> tuple[list[Declared], Spans]:
    """Find the series whose chunks can be added as they are.

    Returns:
        Those series, and the spans of what is left of all: of these the recent rows only.
    """
    whole = aggregate.reaching(cursor, group, span_s)
    width_s = int(slots.end_s[0] - slots.start_s[0])
    is_whole = (slots.start_s[0], slots.end_s[-1]) == span_s
    is_linear = group[0].statistic in {Statistic.MEAN, Statistic.SUM}
    if not (is_linear and is_whole and len(group) >= LEAST_SERIES):
        return [], whole
    longest_s = max(1, *(one.longest_s for one in group))
    catalog.choose(cursor, whole.series.tolist())
    bound = {"lo_s": span_s[0] - longest_s, "hi_s": span_s[1]}
    edge = cursor.execute(EDGES, bound).fetchnumpy()
    if not len(edge["series"]) or int(edge["most"].max()) * len(group) > _MOST_SUM:
        return [], whole
    place = np.searchsorted(whole.series, edge["series"])
    odd = (edge["pitch_s"] != width_s) | ((edge["first_s"] - span_s[0]) % width_s != 0)
    end_s = edge["last_s"] + longest_s
    odd[:-1] |= (edge["series"][1:] == edge["series"][:-1]) & (edge["first_s"][1:] < end_s[:-1])
    until_s = np.full(len(whole.series), span_s[0] - longest_s)
    np.maximum.at(until_s, place, end_s)
    is_regular = np.zeros(len(whole.series), bool)
    is_regular[place] = True
    is_regular[place[odd]] = False
    recent = cursor.execute(FIRST_RECENT, bound).fetchnumpy()
    newer = np.searchsorted(whole.series, recent["series"])
    is_regular[newer[recent["first_s"] < until_s[newer]]] = False
    lo_s = whole.lo_s.copy()
    lo_s[is_regular] = np.maximum(lo_s, until_s)[is_regular]
    has_more = ~is_regular
    has_more[newer] = True
    keys = set(whole.series[is_regular].tolist())
    rest = Spans(whole.series, whole.exponent, lo_s, whole.hi_s).only(has_more)
    return [one for one in group if one.series in keys], rest


def fields(cursor: Cursor, group: Sequence[Declared], slots: Slots) -> dict[int, Field]:
    """Add the chunks of series that are `regular`; give the sums by their exponent."""
    catalog.choose(cursor, [one.series for one in group])
    bound = {"lo_s": int(slots.start_s[0]), "hi_s": int(slots.end_s[-1])}
    cursor.execute(PAYLOADS, bound)
    width_s = int(slots.end_s[0] - slots.start_s[0])
    adders: list[_Adder] = [_Adder(bound["lo_s"], width_s, len(slots.slot)) for _ in range(2)]
    with ThreadPoolExecutor(len(adders)) as pool:
        running: deque[tuple[_Adder, Future[None] | None]] = deque((one, None) for one in adders)
        while rows := cursor.fetchmany(_AT_ONCE):
            adder, last = running.popleft()
            if last is not None:
                last.result()
            running.append((adder, pool.submit(adder.add, rows)))
        for _, last in running:
            if last is not None:
                last.result()
    found, other = (adder.fields for adder in adders)
    for exponent, sums in found.items():
        sums.join()
        if exponent in other:
            sums.merge(other.pop(exponent))
    for sums in other.values():
        sums.join()
    return found | other


@dataclass(slots=True, eq=False)
class _Adder:
    """Adds chunks for one thread; `fields` holds the sums by exponent."""

    start_s: int
    width_s: int
    size: int
    fields: dict[int, Field] = field(default_factory=dict)

    def add(self, rows: Sequence[tuple[int, int, int, bytes]]) -> None:
        for first_s, count, exponent, payload in rows:
            grid = chunk.grid(payload, count)
            if grid is None:
                raise gather.damaged(first_s)
            if exponent not in self.fields:
                self.fields[exponent] = Field.blank(self.size)
            self.fields[exponent].add(grid, (first_s - self.start_s) // self.width_s)

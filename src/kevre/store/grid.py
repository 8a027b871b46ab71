"""Sums over thousands of series: chunks on a grid are added as they come out of the codec.

Where the intervals asked for are those in which a series was read, a reading is its interval:
byte planes of whole years are added up and put together once, at the end. Whatever is not
that regular, and what came since the last compaction, is left to `aggregate`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
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
_AT_ONCE = 128
_THREADS = 2
# Sums stay below this.
_MOST_SUM = 2**62
_MOST_LANES = 64
# So many bytes fit 16 bits.
_MOST_ADDED = 256

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
    where series in (select series from chosen) and series between $low and $high
        and last_s >= $lo_s and first_s < $hi_s
"""


@dataclass(slots=True, eq=False)
class _Lanes:
    """Sums of bytes, two to a word: a byte is added without being widened by itself.

    The even bytes of a plane are the low halves of its 16-bit words, the odd ones the high
    halves; 256 of either fit 16 bits.
    """

    even: NDArray[np.uint16]
    odd: NDArray[np.uint16]
    added: int = 0

    @classmethod
    def blank(cls, length: int) -> _Lanes:
        words = (length + 1) // 2
        return cls(np.zeros(words, np.uint16), np.zeros(words, np.uint16))

    def add(self, plane: Bytes) -> None:
        words = (plane if len(plane) % 2 == 0 else np.append(plane, np.uint8(0))).view("<u2")
        self.even += words & 0xFF
        self.odd += words >> 8
        self.added += 1

    def pour(self, sums: Longs, factor: int) -> None:
        """Add what came together to `sums`, times `factor`, and begin anew."""
        sums[0::2] += self.even.astype(np.int64) * factor
        sums[1::2] += self.odd[: len(sums) // 2].astype(np.int64) * factor
        self.even[:], self.odd[:], self.added = 0, 0, 0


@dataclass(slots=True, eq=False)
class Field:
    """Sums over consecutive intervals of equal width; shape (n,) each, but for the steps.

    Attributes:
        value: int64, sum of the mantissas.
        count: int64, how many readings with a value.
        estimated: int64, how many of these are estimates.
        quality: uint8, the highest code of these.
        steps: int64, shape (3, n + 1): what is still to be added to value, count and
            estimated, as the difference to the interval before.
        lanes: sums of planes still to be added, by first interval, length and plane.
    """

    value: Longs
    count: Longs
    estimated: Longs
    quality: Bytes
    steps: Longs
    lanes: dict[tuple[int, int, int], _Lanes] = field(default_factory=dict)

    @classmethod
    def blank(cls, size: int) -> Field:
        """Give a field without readings."""
        value, count, estimated = (np.zeros(size, np.int64) for _ in range(3))
        steps = np.zeros((3, size + 1), np.int64)
        return cls(value, count, estimated, np.zeros(size, np.uint8), steps)

    def join(self) -> None:
        """Put everything that is still apart into the sums."""
        for (start, length, place), lanes in self.lanes.items():
            lanes.pour(self.value[start : start + length], 1 << (8 * place))
        self.lanes.clear()
        value, count, estimated = np.cumsum(self.steps, axis=1)[:, :-1]
        self.value += value
        self.count += count
        self.estimated += estimated
        self.steps[:] = 0

    def merge(self, other: Field) -> None:
        """Add what another one has; both are joined."""
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
        part = _Part(grid, place + skipped, skipped, length)
        here = slice(part.start, part.start + length)
        if grid.value.first is not None:
            self.value[here] += part.spread(grid.value.numbers())
        else:
            for number, plane in enumerate(grid.value.planes):
                self._add_plane(part, number, plane)
            self._step(0, part, grid.value.base)
        if grid.quality.is_equal and grid.quality.base != Quality.MISSING:
            self._step(1, part, 1)
            self._step(2, part, int(IS_ESTIMATE[grid.quality.base]))
            highest = np.maximum(self.quality[here], grid.quality.base)
            self.quality[here] = (
                highest if part.holes is None else np.where(part.held, highest, self.quality[here])
            )
            return
        quality = part.spread(grid.quality.numbers().astype(np.uint8))
        has_value = (quality != Quality.MISSING) & part.held
        self.count[here] += has_value
        self.estimated[here] += IS_ESTIMATE[quality] & has_value
        self.quality[here] = np.maximum(self.quality[here], quality * has_value)

    def _add_plane(self, part: _Part, number: int, plane: Bytes) -> None:
        key = (part.start, part.length, number)
        if key not in self.lanes:
            if len(self.lanes) >= _MOST_LANES:
                self.join()
            self.lanes[key] = _Lanes.blank(part.length)
        lanes = self.lanes[key]
        lanes.add(part.spread(plane))
        if lanes.added == _MOST_ADDED:
            lanes.pour(self.value[part.start : part.start + part.length], 1 << (8 * number))

    def _step(self, row: int, part: _Part, number: int) -> None:
        """Add a number wherever the part has a reading."""
        if not number:
            return
        self.steps[row, part.start] += number
        self.steps[row, part.start + part.length] -= number
        if part.holes is not None:
            sums = (self.value, self.count, self.estimated)[row]
            sums[part.start + part.holes] -= number


class _Part:
    """What of a chunk lies in a field.

    Attributes:
        start: the interval of its first place.
        holes: its places without a reading, None if there are none.
        held: bool, shape (length,): which places have a reading.
    """

    def __init__(self, grid: Grid, start: int, skipped: int, length: int) -> None:
        self.start, self.length = start, length
        self._inside = slice(skipped, skipped + length)
        self._grid = grid
        self._has: NDArray[np.bool_] | None = None
        self.holes: Longs | None = None
        if len(grid.empty):
            self._has = np.ones(grid.length, bool)
            self._has[grid.empty] = False
            self.holes = np.flatnonzero(~self.held)

    @property
    def held(self) -> NDArray[np.bool_]:
        """Give which places of the part have a reading."""
        return np.ones(self.length, bool) if self._has is None else self._has[self._inside]

    def spread(self, array: NDArray[Any]) -> NDArray[Any]:
        """Put what belongs to the readings at their places, 0 elsewhere."""
        if self._has is None:
            return array[self._inside]
        dense = np.zeros(self._grid.length, array.dtype)
        dense[self._has] = array
        return dense[self._inside]


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
    lo_s, hi_s = int(slots.start_s[0]), int(slots.end_s[-1])
    width_s = int(slots.end_s[0] - slots.start_s[0])
    adders = [_Adder(lo_s, width_s, len(slots.slot)) for _ in range(_THREADS)]
    with ThreadPoolExecutor(_THREADS) as pool:
        running: deque[tuple[_Adder, Future[None] | None]] = deque((one, None) for one in adders)
        for rows in _payloads(cursor, [one.series for one in group], lo_s, hi_s):
            adder, last = running.popleft()
            if last is not None:
                last.result()
            running.append((adder, pool.submit(adder.add, rows)))
        for _, last in running:
            if last is not None:
                last.result()
    found: dict[int, Field] = {}
    for adder in adders:
        for exponent, sums in adder.fields.items():
            sums.join()
            if exponent in found:
                found[exponent].merge(sums)
            else:
                found[exponent] = sums
    return found


def _payloads(
    cursor: Cursor, series: Sequence[int], lo_s: int, hi_s: int
) -> Iterator[list[tuple[int, int, int, bytes]]]:
    """Give chunks of some series at a time: an answer with all of them takes their memory."""
    ordered = sorted(series)
    catalog.choose(cursor, ordered)
    for first in range(0, len(ordered), _AT_ONCE):
        part = ordered[first : first + _AT_ONCE]
        bound = {"low": part[0], "high": part[-1], "lo_s": lo_s, "hi_s": hi_s}
        yield cursor.execute(PAYLOADS, bound).fetchall()


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

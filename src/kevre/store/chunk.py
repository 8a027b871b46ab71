"""A run of readings of one series as bytes; pure arrays.

A chunk holds CAPACITY readings at most: a year of half hours. Its bytes say, one after the
other: the layout's version, the starts, the steps, the values, the qualities and when each
reading arrived. Starts on a grid are a pitch and the places where nothing is; others are
coded like any number. What is equal throughout takes ten bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kevre.store import coding
from kevre.store.coding import Planes
from kevre.store.result import Bytes, Ints, Longs

CAPACITY = 17_520
_VERSION = 1
_FREE, _GRID = 0, 1
_HEAD = struct.Struct("<BB")
# Pitch of the grid, and how many of its places are empty.
_GRID_HEAD = struct.Struct("<qI")
# A grid with more empty places than this share is none.
_MOST_EMPTY = 4


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Readings of one series as arrays of one length, in strictly increasing time.

    Attributes:
        at_s: int64: when each arrived [epoch s]; empty where nobody asked.
    """

    start_s: Longs
    step_s: Ints
    value: Longs
    quality: Bytes
    at_s: Longs

    def __len__(self) -> int:
        """Count the readings."""
        return len(self.start_s)

    def between(self, first: int, end: int) -> Run:
        """Give the readings from one place to another."""
        return self.at(slice(first, end))

    def at(self, places: Longs | slice) -> Run:
        """Give the readings at some places, in the order asked."""
        return Run(
            self.start_s[places],
            self.step_s[places],
            self.value[places],
            self.quality[places],
            self.at_s[places] if len(self.at_s) else self.at_s,
        )

    def finer(self, digits: int) -> Run:
        """Give the readings with more decimals."""
        return replace(self, value=self.value * 10**digits) if digits else self


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A chunk whose readings all have one step and lie on a grid, not put together.

    Attributes:
        length: how many places the grid has.
        empty: int64: the places where there is no reading, ascending.
        value: of the readings, without the empty places.
        quality: of the readings; one number if all are alike.
    """

    pitch_s: int
    step_s: int
    length: int
    empty: Longs
    value: Planes
    quality: Planes


def joined(runs: Sequence[Run]) -> Run:
    """Put runs one after the other, at least one."""
    if len(runs) == 1:
        return runs[0]
    return Run(
        np.concatenate([run.start_s for run in runs]),
        np.concatenate([run.step_s for run in runs]),
        np.concatenate([run.value for run in runs]),
        np.concatenate([run.quality for run in runs]),
        np.concatenate([run.at_s for run in runs]) if len(runs[0].at_s) else runs[0].at_s,
    )


def encode(run: Run) -> bytes:
    """Make the bytes of a chunk; the first start is kept beside them."""
    mode, starts = _starts(run.start_s)
    return b"".join(
        (
            _HEAD.pack(_VERSION, mode),
            starts,
            coding.pack(run.step_s.astype(np.int64)),
            coding.pack(run.value),
            coding.pack(run.quality.astype(np.int64)),
            coding.pack(run.at_s),
        )
    )


def decode(payload: bytes, first_s: int, count: int, *, is_dated: bool = False) -> Run:
    """Give the readings of a chunk; when they arrived only if `is_dated`, else empty."""
    data = memoryview(payload)
    start_s, at = _decode_starts(data, first_s, count)
    step, at = coding.split(data, at, count)
    value, at = coding.split(data, at, count)
    quality, at = coding.split(data, at, count)
    at_s = coding.split(data, at, count)[0].numbers() if is_dated else np.empty(0, np.int64)
    return Run(
        start_s,
        step.numbers().astype(np.int32),
        value.numbers(),
        _octets(quality),
        at_s,
    )


def grid(payload: bytes, count: int) -> Grid | None:
    """Give a chunk as a grid, None if it is none: then `decode` it.

    Steps longer than the pitch overlap and are no grid either.
    """
    data = memoryview(payload)
    _, mode = _HEAD.unpack_from(data, 0)
    if mode != _GRID:
        return None
    pitch_s, empty, at = _decode_grid(data, _HEAD.size)
    step, at = coding.split(data, at, count)
    if not (step.is_equal and 0 < step.base <= pitch_s):
        return None
    value, at = coding.split(data, at, count)
    quality, _ = coding.split(data, at, count)
    return Grid(pitch_s, step.base, count + len(empty), empty, value, quality)


def pitch_s(run: Run) -> int:
    """Give the step of readings that all have it and start on a grid of it; 0 of others [s]."""
    step_s = int(run.step_s[0])
    if len(run) == 1 or step_s <= 0 or (run.step_s != step_s).any():
        return 0
    mode, _ = _starts(run.start_s)
    return step_s if mode == _GRID and np.diff(run.start_s).min() == step_s else 0


def _starts(start_s: Longs) -> tuple[int, bytes]:
    if len(start_s) == 1:
        return _FREE, coding.pack(start_s)
    place = start_s - start_s[0]
    pitch_s = int(np.diff(start_s).min())
    places = int(place[-1]) // pitch_s + 1
    missing = places - len(start_s)
    if missing * _MOST_EMPTY > len(start_s) or (place % pitch_s).any():
        return _FREE, coding.pack(start_s)
    head = _GRID_HEAD.pack(pitch_s, missing)
    if not missing:
        return _GRID, head
    is_empty = np.ones(places, bool)
    is_empty[place // pitch_s] = False
    return _GRID, head + coding.pack(np.flatnonzero(is_empty))


def _decode_starts(data: memoryview, first_s: int, count: int) -> tuple[Longs, int]:
    _, mode = _HEAD.unpack_from(data, 0)
    if mode == _FREE:
        planes, at = coding.split(data, _HEAD.size, count)
        return planes.numbers(), at
    pitch_s, empty, at = _decode_grid(data, _HEAD.size)
    start_s = np.arange(first_s, first_s + (count + len(empty)) * pitch_s, pitch_s)
    if len(empty):
        start_s = np.delete(start_s, empty)
    return start_s, at


def _decode_grid(data: memoryview, at: int) -> tuple[int, Longs, int]:
    pitch_s, missing = _GRID_HEAD.unpack_from(data, at)
    at += _GRID_HEAD.size
    if not missing:
        return pitch_s, np.empty(0, np.int64), at
    planes, at = coding.split(data, at, missing)
    return pitch_s, planes.numbers(), at


def _octets(planes: Planes) -> Bytes:
    if planes.is_equal:
        return np.full(planes.count, planes.base, np.uint8)
    return planes.numbers().astype(np.uint8)

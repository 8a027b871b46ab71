"""Whole numbers as few bytes: byte planes, each compressed alone; pure arrays.

A year of half-hourly watts takes two planes. Their high bytes hardly change and vanish;
their low bytes are noise that nothing shortens much. Kept apart, each is coded as well as
it can be, and a sum over thousands of series can add planes as they come out of the codec.

Layout of one array, little endian: kind, number of planes, least number (or, of steps, the
first number and the least step), then for each plane its length and bytes. A plane as long
as the array is stored as it is; one of no length is all zeros.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass

import numpy as np
import zstandard
from numpy.typing import NDArray

from kevre.store.result import Bytes, Longs

_LEVEL = 3
_EQUAL, _PLAIN, _STEPS = 0, 1, 2
_HEAD = struct.Struct("<BBq")
_FIRST = struct.Struct("<q")
_LENGTH = struct.Struct("<I")
_WORDS = {1: np.uint8, 2: np.uint16, 3: np.uint32, 4: np.uint32}
# Beyond this the difference of two numbers may not fit 64 bits with its sign.
_FAR = 2**62


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """An array before its bytes are put together.

    Attributes:
        base: what is added to each number.
        planes: uint8 arrays of one length, the low bytes first; none where all are `base`.
        first: of steps, the first number; None if the numbers themselves are kept.
    """

    count: int
    base: int
    planes: tuple[Bytes, ...]
    first: int | None

    @property
    def is_equal(self) -> bool:
        """Say whether every number is `base`."""
        return not self.planes and self.first is None

    def numbers(self) -> Longs:
        """Give the numbers: int64, shape (count,)."""
        if self.first is None:
            return _joined(self.planes, self.count, self.base)
        steps = _joined(self.planes, self.count - 1, self.base)
        return np.cumsum(np.concatenate(([np.int64(self.first)], steps)))


class _Codec(threading.local):
    """Compressors of one thread; the library's are not to be shared."""

    def __init__(self) -> None:
        self.packer = zstandard.ZstdCompressor(
            level=_LEVEL, write_checksum=False, write_content_size=True
        )
        self.unpacker = zstandard.ZstdDecompressor()


_codec = _Codec()


def pack(numbers: Longs) -> bytes:
    """Code an array that is not empty; by its steps where these take fewer planes."""
    low, high = int(numbers.min()), int(numbers.max())
    if low == high:
        return _HEAD.pack(_EQUAL, 0, low)
    width = _width(high - low)
    if high - low < _FAR and len(numbers) > 1:
        steps = np.diff(numbers)
        least = int(steps.min())
        if (narrow := _width(int(steps.max()) - least)) < width:
            head = _HEAD.pack(_STEPS, narrow, least) + _FIRST.pack(int(numbers[0]))
            return head + _planes(steps, least, narrow)
    return _HEAD.pack(_PLAIN, width, low) + _planes(numbers, low, width)


def split(data: memoryview, at: int, count: int) -> tuple[Planes, int]:
    """Decode the planes of an array of `count` numbers; give where the next one begins."""
    kind, width, base = _HEAD.unpack_from(data, at)
    at += _HEAD.size
    first = None
    length = count
    if kind == _STEPS:
        (first,) = _FIRST.unpack_from(data, at)
        at += _FIRST.size
        length = count - 1
    planes = []
    for _ in range(width):
        (size,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        planes.append(_plane(data[at : at + size], length))
        at += size
    return Planes(count, base, tuple(planes), first), at


def skip(data: memoryview, at: int) -> int:
    """Give where the array ends that begins here, without decoding it."""
    kind, width, _ = _HEAD.unpack_from(data, at)
    at += _HEAD.size + (_FIRST.size if kind == _STEPS else 0)
    for _ in range(width):
        at += _LENGTH.size + _LENGTH.unpack_from(data, at)[0]
    return at


def _width(span: int) -> int:
    return (span.bit_length() + 7) // 8


def _planes(numbers: Longs, base: int, width: int) -> bytes:
    word = _WORDS.get(width, np.uint64)
    # Arithmetic modulo 2**64: the span of two signed numbers may need all 64 bits.
    above = (numbers.view(np.uint64) - np.uint64(base % 2**64)).astype(word)
    octets = above.view(np.uint8).reshape(len(numbers), above.itemsize)
    parts = []
    for place in range(width):
        plane = octets[:, place]
        packed = _codec.packer.compress(plane.tobytes()) if plane.any() else b""
        if len(packed) >= len(plane):
            packed = plane.tobytes()
        parts += [_LENGTH.pack(len(packed)), packed]
    return b"".join(parts)


def _plane(data: memoryview, length: int) -> Bytes:
    if len(data) == length:
        return np.frombuffer(data, np.uint8)
    if len(data) == 0:
        return np.zeros(length, np.uint8)
    plane = _codec.unpacker.decompress(data, max_output_size=length)
    return np.frombuffer(plane, np.uint8)


def _joined(planes: tuple[Bytes, ...], count: int, base: int) -> Longs:
    if not planes:
        return np.full(count, base, np.int64)
    word = _WORDS.get(len(planes), np.uint64)
    octets: NDArray[np.uint8] = np.zeros((count, np.dtype(word).itemsize), np.uint8)
    for place, plane in enumerate(planes):
        octets[:, place] = plane
    above = octets.view(word).reshape(count).astype(np.uint64)
    above += np.uint64(base % 2**64)
    return above.view(np.int64)

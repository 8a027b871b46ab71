"""Readings written as tightly as a link paid by the kilobyte asks for.

The same columns as a SenML pack, byte for byte what the gate takes, in about one byte a
reading: times and values as differences, in Exp-Golomb codes whose order fits each column.
docs/developers/uplink.md describes every bit; the SenML forms stay accepted beside it.
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import cbor2

from kevre.model import identifier
from kevre.model.batch import Batch, Column
from kevre.model.errors import KevreError, Malformed
from kevre.model.exact import COARSEST, FINEST
from kevre.model.quality import Quality
from kevre.model.reading import Fault
from kevre.model.window import EARLIEST_S, LATEST_S

MOST_READINGS = 100_000
_MOST_COLUMNS = 1_000
_MOST_META = 65_536  # bytes, unpacked
_LONGEST_STEP_S = 366 * 86_400
_ORDERS = 15  # of Exp-Golomb codes; this number itself says "zeros only"
_ORDER_BITS = 4
_QUALITY_BITS = 3
_WIDEST = 66  # bits: a difference of differences of 64-bit values
_INT64 = 2**63
# What names of series are made of; changing it is another version of the format.
_WORDS = (
    b"voltage/instant/current/instant/humidity/indoor/instanttemperature/outdoor/instant"
    b"temperature/indoor/rawconsumption/volume/water/indexproduction/energy/heat/index"
    b"production/power/apparent/instantproduction/energy/active/index"
    b"production/power/active/instantconsumption/energy/active/index"
    b"consumption/power/active/instantconsumption/power/apparent/instant"
    b"urn:dev:ow:urn:dev:mac:urn:dev:org:urn:dev:pce:urn:dev:prm:"
)


@dataclass(frozen=True, slots=True)
class Note:
    """What travels beside the readings: any value of CBOR."""

    meta: Any
    batch: Batch


def encode(meta: object, columns: Sequence[Column]) -> bytes:
    """Write columns and a value beside them."""
    text = _deflated(cbor2.dumps([meta, [column.series for column in columns]]))
    bits = "".join(_columns(columns))
    # A one in front keeps the zeros that follow it.
    body = int("1" + bits, 2)
    length = len(text).to_bytes(2, "big")
    return length + text + body.to_bytes((body.bit_length() + 7) // 8, "big")


def decode(content: bytes, *, origin: str, source: str = "") -> Note:
    """Read what `encode` wrote; a series not known here is a fault, the others are kept.

    Raises:
        Malformed: it is something else.
    """
    try:
        length = int.from_bytes(content[:2], "big")
        meta, names = cbor2.loads(_inflated(content[2 : 2 + length]))
        bits = f"{int.from_bytes(content[2 + length :], 'big'):b}"
        columns, faults = _read(_Bits(bits, 1), [str(name) for name in names[:_MOST_COLUMNS]])
    except KevreError:
        raise
    except Exception as error:  # cbor2 lets errors of tags it builds through as they are
        raise _damaged() from error
    key = hashlib.sha256(content).hexdigest()[:32]
    return Note(meta, Batch(origin, key, tuple(columns), tuple(faults), source))


def _columns(columns: Sequence[Column]) -> Iterator[str]:
    base_s = 0
    for column in columns:
        if not len(column):
            raise ValueError("an empty column is left out")
        yield _code(len(column) - 1, 6)
        yield _signed(column.exponent, 1)
        yield _signed(column.start_s[0] - base_s, 4 if base_s else 30)
        base_s = column.start_s[0]
        yield _times(column.start_s)
        yield _steady(column.step_s, lambda step_s: _code(step_s, 8))
        yield _steady(column.quality, lambda code: f"{code:0{_QUALITY_BITS}b}")
        yield _values(column.value)


def _read(bits: _Bits, names: Sequence[str]) -> tuple[list[Column], list[Fault]]:
    columns, faults = [], []
    base_s, total = 0, 0
    for name in names:
        count = bits.code(6) + 1
        total += count
        if total > MOST_READINGS:
            raise Malformed("tight.too_many", "too many readings at once", hint="send fewer")
        exponent = bits.signed(1)
        base_s += bits.signed(4 if base_s else 30)
        start_s = _read_times(bits, count, base_s)
        step_s = _read_steady(bits, count, lambda: bits.code(8))
        quality = _read_steady(bits, count, lambda: bits.plain(_QUALITY_BITS))
        value = _read_values(bits, count)
        _check(exponent, start_s, step_s, value)
        try:
            parsed = identifier.parse(name)
        except Malformed as error:
            faults.append(Fault.of(error, field="n", raw=name))
            continue
        if parsed.kind is None:
            faults.append(Fault("senml.kind", "the path of this series is not known", raw=name))
            continue
        zeroed = [0 if q == Quality.MISSING else v for v, q in zip(value, quality, strict=True)]
        parts = (array("q", start_s), array("i", step_s), array("q", zeroed), array("B", quality))
        columns.append(Column(str(parsed), parsed.kind, exponent, *parts))
    return columns, faults


def _check(
    exponent: int, start_s: Sequence[int], step_s: Sequence[int], value: Sequence[int]
) -> None:
    is_ordered = all(a < b for a, b in pairwise(start_s))
    is_within = start_s[0] >= EARLIEST_S and start_s[-1] < LATEST_S
    fits = min(value) >= -_INT64 and max(value) < _INT64 and max(step_s) <= _LONGEST_STEP_S
    if not (is_ordered and is_within and fits and FINEST <= exponent <= COARSEST):
        raise _damaged()


def _times(start_s: Sequence[int]) -> str:
    """Write times after the first: strays from a grid, or from the usual distance."""
    gaps = [b - a for a, b in pairwise(start_s)]
    usual_s = Counter(gaps).most_common(1)[0][0] if gaps else 0
    from_grid = [at_s - start_s[0] - n * usual_s for n, at_s in enumerate(start_s)][1:]
    from_gap = [gap_s - usual_s for gap_s in gaps]
    return _code(usual_s, 4) + min("0" + _series(from_grid), "1" + _series(from_gap), key=len)


def _read_times(bits: _Bits, count: int, first_s: int) -> list[int]:
    usual_s, of_gaps = bits.code(4), bits.plain(1)
    strays = bits.series(count - 1)
    if of_gaps:
        return list(accumulate((usual_s + stray for stray in strays), initial=first_s))
    return [first_s, *(first_s + n * usual_s + stray for n, stray in enumerate(strays, 1))]


def _values(values: Sequence[int]) -> str:
    """Write values: the first, then differences, or differences of differences."""
    once = [b - a for a, b in pairwise(values)]
    twice = [b - a for a, b in pairwise((0, *once))]
    return _signed(values[0], 10) + min("0" + _series(once), "1" + _series(twice), key=len)


def _read_values(bits: _Bits, count: int) -> list[int]:
    first, is_twice = bits.signed(10), bits.plain(1)
    steps: Iterable[int] = bits.series(count - 1)
    if is_twice:
        steps = accumulate(steps)
    return list(accumulate(steps, initial=first))


def _series(numbers: Sequence[int]) -> str:
    """Write signed numbers in the order of code that makes them shortest."""
    if not any(numbers):
        return f"{_ORDERS:0{_ORDER_BITS}b}"
    codes = ("".join(_signed(number, order) for number in numbers) for order in range(_ORDERS))
    order, shortest = min(enumerate(codes), key=lambda one: len(one[1]))
    return f"{order:0{_ORDER_BITS}b}{shortest}"


def _steady(numbers: Sequence[int], write: Any) -> str:
    """Write numbers that are mostly all the same."""
    if len(set(numbers)) == 1:
        return "0" + str(write(numbers[0]))
    return "1" + "".join(str(write(number)) for number in numbers)


def _read_steady(bits: _Bits, count: int, read: Any) -> list[int]:
    if bits.plain(1):
        return [int(read()) for _ in range(count)]
    return [int(read())] * count


def _code(number: int, order: int) -> str:
    """Write a whole number in the Exp-Golomb code of an order."""
    above = (number >> order) + 1
    low = f"{number & ((1 << order) - 1):0{order}b}" if order else ""
    return "0" * (above.bit_length() - 1) + f"{above:b}{low}"


def _signed(number: int, order: int) -> str:
    """Write any whole number, small ones short: 0, -1, 1, -2 become 0, 1, 2, 3."""
    return _code(2 * number if number >= 0 else -2 * number - 1, order)


@dataclass(slots=True)
class _Bits:
    """A text of zeros and ones, read from a place on."""

    text: str
    at: int

    def plain(self, width: int) -> int:
        """Read so many bits as a number."""
        part = self.text[self.at : self.at + width]
        if len(part) < width:
            raise _damaged()
        self.at += width
        return int(part, 2) if part else 0

    def code(self, order: int) -> int:
        """Read what `_code` wrote."""
        zeros = self.text.find("1", self.at) - self.at
        if not 0 <= zeros <= _WIDEST:
            raise _damaged()
        self.at += zeros
        above = self.plain(zeros + 1) - 1
        return (above << order) + self.plain(order)

    def signed(self, order: int) -> int:
        """Read what `_signed` wrote."""
        number = self.code(order)
        return -(number + 1) // 2 if number % 2 else number // 2

    def series(self, count: int) -> list[int]:
        """Read what `_series` wrote."""
        order = self.plain(_ORDER_BITS)
        if order == _ORDERS:
            return [0] * count
        return [self.signed(order) for _ in range(count)]


def _deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=_WORDS)
    return packer.compress(content) + packer.flush()


def _inflated(content: bytes) -> bytes:
    unpacker = zlib.decompressobj(-15, zdict=_WORDS)
    unpacked = unpacker.decompress(content, _MOST_META)
    if not unpacker.eof:
        raise _damaged()
    return unpacked


def _damaged() -> Malformed:
    return Malformed("tight.damaged", "this is not what a collector writes", hint="update both")

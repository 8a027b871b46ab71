"""What Prometheus writes to remote storage, as values of inputs.

Follows "Prometheus Remote-Write 1.0 specification" (prometheus.io/docs): one message
`WriteRequest` of protocol buffers in a block of Snappy. Field numbers: WriteRequest
timeseries 1; TimeSeries labels 1, samples 2; Label name 1, value 2; Sample value 1
(double), timestamp 2 (ms). A value that is not a number says that a series ended: no reading.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from kevre.model import exact
from kevre.model.errors import KevreError, Malformed
from kevre.model.input import MOST_NAME, MOST_NODE, InputName, InputValue, Posted, short
from kevre.model.reading import Fault

_MOST_BYTES = 32 * 2**20
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_NAME = "__name__"


@dataclass(slots=True)
class _Reader:
    """Gathers what one request holds."""

    values: list[InputValue] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    nulls: int = 0

    def take(self, called: InputName, sample: bytes, line: int) -> None:
        """Take one sample; an infinity is a fault, what is no number says nothing."""
        number, at_ms = _sample(sample)
        if math.isnan(number):
            self.nulls += 1
            return
        try:
            value = exact.parse(repr(number))
        except KevreError as error:
            self.faults.append(Fault.of(error, line=line, field="value", raw=f"{called} {number}"))
            return
        self.values.append(InputValue(called, at_ms // 1_000, value, line=line))


def read(packed: bytes) -> Posted:
    """Read one request; series are numbered from 1.

    Raises:
        Malformed: it is damaged, or too large.
    """
    reader = _Reader()
    line = 0
    for number, kind, part in _fields(_unpacked(packed)):
        if (number, kind) != (1, _BYTES):
            continue
        line += 1
        called, samples = _series(part)
        for sample in samples:
            reader.take(called, sample, line)
    return Posted(tuple(reader.values), tuple(reader.faults), reader.nulls)


def _unpacked(packed: bytes) -> bytes:
    import pyarrow as pa

    size, start = _varint(packed, 0)
    if size > _MOST_BYTES:
        raise Malformed("request.too_large", "the body is too large", hint="send less")
    if start == len(packed):
        return b""
    try:
        plain: bytes = pa.decompress(packed, size, codec="snappy", asbytes=True)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _damaged() from error
    return plain


def _series(part: bytes) -> tuple[InputName, list[bytes]]:
    labels: dict[str, str] = {}
    samples: list[bytes] = []
    for number, kind, inner in _fields(part):
        if (number, kind) == (1, _BYTES):
            name, text = _label(inner)
            labels[name] = text
        elif (number, kind) == (2, _BYTES):
            samples.append(inner)
    node = labels.pop(_NAME, "") or "0"
    name = ",".join(f"{label}={text}" for label, text in sorted(labels.items())) or "value"
    return InputName(short(node, MOST_NODE), short(name, MOST_NAME)), samples


def _label(part: bytes) -> tuple[str, str]:
    found = {number: inner for number, kind, inner in _fields(part) if kind == _BYTES}
    return tuple(found.get(number, b"").decode("utf-8", "replace") for number in (1, 2))  # type: ignore[return-value]  # of two


def _sample(part: bytes) -> tuple[float, int]:
    number, at_ms = 0.0, 0
    for place, kind, inner in _fields(part):
        if (place, kind) == (1, _FIXED64):
            (number,) = struct.unpack("<d", inner)
        elif (place, kind) == (2, _VARINT):
            at_ms = int.from_bytes(inner, "little", signed=True)
    return number, at_ms


def _fields(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Give number, kind and content of each field; a whole number as eight bytes."""
    at = 0
    while at < len(content):
        tag, at = _varint(content, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(content, at)
            yield number, kind, (value & (2**64 - 1)).to_bytes(8, "little")
            continue
        if kind == _BYTES:
            length, at = _varint(content, at)
        elif kind in {_FIXED64, _FIXED32}:
            length = 8 if kind == _FIXED64 else 4
        else:
            raise _damaged()
        if at + length > len(content):
            raise _damaged()
        yield number, kind, content[at : at + length]
        at += length


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(content[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 the highest bit says that more follows
            return value, at + place + 1
    raise _damaged()


def _damaged() -> Malformed:
    return Malformed("remotewrite.damaged", "this is no request of remote write 1.0")

"""Frames: what a feed carries, one CBOR map (RFC 8949) after the other, each with its length.

| key | what |
|---|---|
| `n` | number up to which the receiver has all when it has committed this frame |
| `s` | list of series: [urn, kind, first_s, end_s, is_exact, seal] |
| `c` | few readings: SenML in CBOR (RFC 8428), of these series by their names |
| `p` | many readings: Parquet, `series` is the place in `s`; see `formats.parquet` |
| `x` | what may not be sent any more: [urn, first_s, end_s] |
| `e` | what was erased at the sender and is to go at the receiver: [urn, first_s, end_s] |
| `t` | under what terms series are lent, and that they are no more; see `told` |

A kind is [fluid, quantity, direction, statistic, unit] in the words of `model.series`; null where
the name tells it.
`first_s <= start < end_s` is what was asked of the store: with `is_exact` a reading that is not
there is to go at the receiver too. A frame with `n` alone says that the sender is alive.
"""

from __future__ import annotations

import io
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cbor2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kevre.federate.seal import Seal
from kevre.federate.seal import read as read_seal
from kevre.federate.told import Told
from kevre.formats import parquet, senml_cbor
from kevre.model import identifier
from kevre.model.batch import Column
from kevre.model.errors import KevreError, Malformed
from kevre.model.quality import Quality
from kevre.model.series import Direction, Fluid, Kind, Statistic
from kevre.model.window import Window

MEDIA_TYPE = "application/vnd.kevre.feed"
LARGEST = 32 * 1024 * 1024
HEAD_BYTES = 4
# Parquet has a kilobyte or two of its own; below this SenML is smaller.
_MANY = 300
_MOST_READINGS = 2_000_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Readings of one series over a window, and the seal of who first stored them."""

    column: Column
    window: Window
    is_exact: bool = False
    seal: Seal | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A window of a series without its readings."""

    urn: str
    window: Window


@dataclass(frozen=True, slots=True)
class Frame:
    """What is committed together, and how far the receiver has come by it.

    Attributes:
        refused: what may not be sent any more.
        erased: what is to go at the receiver too.
        told: what the receiver must know, and give receipts for.
    """

    cursor: int
    pieces: tuple[Piece, ...] = ()
    refused: tuple[Span, ...] = ()
    erased: tuple[Span, ...] = ()
    told: tuple[Told, ...] = ()

    def __len__(self) -> int:
        """Count the readings."""
        return sum(len(piece.column) for piece in self.pieces)


def encode(frame: Frame) -> bytes:
    """Write a frame with its length before it."""
    document: dict[str, Any] = {"n": frame.cursor}
    if frame.pieces:
        document["s"] = [_head(piece) for piece in frame.pieces]
        if len(frame) > _MANY or not all(_is_known(piece) for piece in frame.pieces):
            document["p"] = _parquet(frame.pieces)
        elif len(frame):
            document["c"] = senml_cbor.encode_cbor(piece.column for piece in frame.pieces)
    for key, spans in (("x", frame.refused), ("e", frame.erased)):
        if spans:
            document[key] = [[one.urn, one.window.start_s, one.window.end_s] for one in spans]
    if frame.told:
        document["t"] = [one.write() for one in frame.told]
    content = cbor2.dumps(document)
    return len(content).to_bytes(HEAD_BYTES, "big") + content


def length(head: bytes) -> int:
    """Read how long the frame is whose first four bytes these are.

    Raises:
        Malformed: longer than any frame may be.
    """
    size = int.from_bytes(head, "big")
    if size > LARGEST:
        raise _malformed("its length")
    return size


def decode(content: bytes, *, now_s: int) -> Frame:
    """Read a frame, without its length.

    Raises:
        Malformed: it is no frame, or parts of it contradict each other; all of it is refused.
    """
    try:
        document = cbor2.loads(content)
        heads = [_Head.of(one) for one in document.get("s", ())]
        columns = _columns(document, heads, now_s)
        pieces = tuple(_piece(head, columns.get(head.urn)) for head in heads)
        refused, erased = _spans(document.get("x", ())), _spans(document.get("e", ()))
        told = tuple(Told.read(one) for one in document.get("t", ()))
        return Frame(int(document["n"]), pieces, refused, erased, told)
    except KevreError:
        raise
    except Exception as error:  # whatever a stranger's bytes make these libraries raise
        raise _malformed("its content") from error


def _spans(found: Sequence[Any]) -> tuple[Span, ...]:
    return tuple(
        Span(str(urn), Window.of_seconds(int(first_s), int(end_s))) for urn, first_s, end_s in found
    )


@dataclass(frozen=True, slots=True)
class _Head:
    urn: str
    kind: Kind
    window: Window
    is_exact: bool
    seal: Seal | None

    @classmethod
    def of(cls, found: Sequence[Any]) -> _Head:
        urn, told, first_s, end_s, is_exact, seal = found
        name = identifier.parse(urn)
        kind = _kind(told) if told else name.kind
        if kind is None:
            raise _malformed("a series of no known kind")
        window = Window.of_seconds(int(first_s), int(end_s))
        return cls(str(name), kind, window, bool(is_exact), read_seal(seal) if seal else None)


def _kind(told: Sequence[str]) -> Kind:
    fluid, quantity, direction, statistic, unit = told
    return Kind(Fluid(fluid), str(quantity), Direction(direction), Statistic(statistic), str(unit))


def _is_known(piece: Piece) -> bool:
    """Say whether the name alone tells the kind, as SenML needs it."""
    return identifier.parse(piece.column.series).kind == piece.column.kind


def _head(piece: Piece) -> list[Any]:
    kind = piece.column.kind
    told = None
    if not _is_known(piece):
        told = [kind.fluid, kind.quantity, kind.direction, kind.statistic, kind.unit]
    window = piece.window
    seal = piece.seal.content if piece.seal else None
    return [piece.column.series, told, window.start_s, window.end_s, piece.is_exact, seal]


def _piece(head: _Head, column: Column | None) -> Piece:
    if column is None:
        column = Column(head.urn, head.kind, 0, array("q"), array("i"), array("q"), array("B"))
    if len(column) and not (
        head.window.start_s <= column.start_s[0] and column.start_s[-1] < head.window.end_s
    ):
        raise _malformed("a reading outside its window")
    return Piece(column, head.window, head.is_exact, head.seal)


def _columns(document: dict[str, Any], heads: Sequence[_Head], now_s: int) -> dict[str, Column]:
    if len({head.urn for head in heads}) != len(heads):
        raise _malformed("a series twice")
    if "p" in document:
        return _of_parquet(document["p"], heads)
    if "c" not in document:
        return {}
    batch = senml_cbor.decode_cbor(document["c"], now_s=now_s, origin="")
    known = {head.urn: head for head in heads}
    if batch.faults or not known.keys() >= {column.series for column in batch.columns}:
        raise _malformed("a record that is no reading of its series")
    return {column.series: column for column in batch.columns}


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """A column as the writer of Parquet wants it."""

    exponent: int
    start_s: NDArray[np.int64]
    step_s: NDArray[np.int32]
    value: NDArray[np.int64]
    quality: NDArray[np.uint8]

    @classmethod
    def of(cls, column: Column) -> _Block:
        return cls(
            column.exponent,
            np.frombuffer(column.start_s, np.int64),
            np.frombuffer(column.step_s, np.int32),
            np.frombuffer(column.value, np.int64),
            np.frombuffer(column.quality, np.uint8),
        )


def _parquet(pieces: Sequence[Piece]) -> bytes:
    sink = io.BytesIO()
    blocks = (
        (place, _Block.of(piece.column)) for place, piece in enumerate(pieces) if len(piece.column)
    )
    parquet.write_readings(sink, blocks)
    return sink.getvalue()


def _of_parquet(content: bytes, heads: Sequence[_Head]) -> dict[str, Column]:
    with pq.ParquetFile(pa.BufferReader(content)) as file:
        if file.metadata.num_rows > _MOST_READINGS:
            raise _malformed("more readings than a frame may hold")
        table = file.read().cast(parquet.READINGS)
    place = table.column("series").to_numpy()
    borders = np.flatnonzero(np.diff(place)) + 1
    parts: dict[str, Column] = {}
    for first, end in zip([0, *borders.tolist()], [*borders.tolist(), len(place)], strict=True):
        head = heads[int(place[first])]
        if head.urn in parts:
            raise _malformed("a series in two parts")
        parts[head.urn] = _column(table.slice(first, end - first), head)
    return parts


def _column(table: pa.Table, head: _Head) -> Column:
    start_s = table.column("start").cast(pa.int64()).to_numpy() // 1000
    exponents = table.column("exponent").to_numpy()
    quality = table.column("quality").to_numpy().astype(np.uint8)
    value = table.column("value")
    is_missing = value.is_null().to_numpy(zero_copy_only=False)
    if (
        (np.diff(start_s) <= 0).any()
        or (exponents != exponents[0]).any()
        or ((quality == Quality.MISSING) != is_missing).any()
        or quality.max() > max(Quality)
    ):
        raise _malformed("readings that contradict each other")
    return Column(
        head.urn,
        head.kind,
        int(exponents[0]),
        array("q", start_s.astype(np.int64).tobytes()),
        array("i", table.column("step_s").to_numpy().astype(np.int32).tobytes()),
        array("q", value.fill_null(0).to_numpy().astype(np.int64).tobytes()),
        array("B", quality.tobytes()),
    )


def _malformed(where: str) -> Malformed:
    return Malformed(
        "feed.frame",
        "this frame of a feed cannot be read",
        where=where,
        hint="bring both nodes up to date; if that does not help, tell us",
    )

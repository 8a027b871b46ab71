"""Arrow streams and Parquet files of readings, written block by block.

Columns: `start` (timestamp[s, UTC]), `step_s` (int32), `value` (decimal128 where exact, else
double; null where missing), `quality` (uint8, see `model.quality`). The identifier and the
unit stand in the schema's metadata.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kevre.formats.block import Block, is_exact
from kevre.model.quality import Quality

ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
_DIGITS = 38
_LOW_HALF = 2**64 - 1


def arrow_chunks(blocks: Iterable[Block], *, urn: str, unit: str) -> Iterator[bytes]:
    """Write an Arrow IPC stream."""
    batches, schema = _batches(blocks, urn, unit)
    sink = _Sink()
    with pa.ipc.new_stream(sink, schema) as writer:
        yield sink.take()
        for batch in batches:
            writer.write_batch(batch)
            yield sink.take()
    yield sink.take()


def parquet_chunks(blocks: Iterable[Block], *, urn: str, unit: str) -> Iterator[bytes]:
    """Write a Parquet file, one row group a block."""
    batches, schema = _batches(blocks, urn, unit)
    sink = _Sink()
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield sink.take()
    yield sink.take()


class _Sink(io.RawIOBase):
    """A file that is emptied after each block, so that memory stays flat."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def write(self, part: object) -> int:
        content = bytes(part)  # type: ignore[call-overload]  # any buffer
        self._parts.append(content)
        self._length += len(content)
        return len(content)

    def tell(self) -> int:
        return self._length

    def take(self) -> bytes:
        content = b"".join(self._parts)
        self._parts.clear()
        return content


def _batches(
    blocks: Iterable[Block], urn: str, unit: str
) -> tuple[Iterator[pa.RecordBatch], pa.Schema]:
    ordered = iter(blocks)
    first = next(ordered, None)
    # All blocks of one answer share their exponent: the store has one for each series.
    exact_value = first is not None and is_exact(first)
    scale = -first.exponent if first is not None and exact_value else 0
    kind = pa.decimal128(_DIGITS, max(scale, 0)) if exact_value else pa.float64()
    schema = pa.schema(
        [
            pa.field("start", pa.timestamp("s", tz="UTC"), nullable=False),
            pa.field("step_s", pa.int32(), nullable=False),
            pa.field("value", kind),
            pa.field("quality", pa.uint8(), nullable=False),
        ],
        metadata={"urn": urn, "unit": unit},
    )
    every = chain([first] if first is not None else [], ordered)
    return (_batch(block, schema) for block in every), schema


def _batch(block: Block, schema: pa.Schema) -> pa.RecordBatch:
    absent = block.quality == Quality.MISSING
    if is_exact(block):
        value = _decimals(block, absent, schema.field("value").type)
    else:
        value = pa.array(block.value, mask=absent | ~np.isfinite(block.value))
    return pa.record_batch(
        [
            pa.array(block.start_s).cast(pa.timestamp("s", tz="UTC")),
            pa.array(block.step_s, pa.int32()),
            value,
            pa.array(block.quality, pa.uint8()),
        ],
        schema=schema,
    )


def _decimals(block: Block, absent: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Reinterpret the mantissas as decimals: 128 bits each, low half first."""
    mantissa = block.value.astype(np.int64)
    halves = np.empty((mantissa.size, 2), np.int64)
    if block.exponent > 0:
        # Decimals of Parquet have no negative scale, and the product may need more than 64 bits.
        wide = mantissa.astype(object) * 10**block.exponent
        halves[:, 0] = (wide & _LOW_HALF).astype(np.uint64).view(np.int64)
        halves[:, 1] = wide >> 64
    else:
        halves[:, 0] = mantissa
        halves[:, 1] = mantissa >> 63  # the sign fills the high half
    validity = pa.array(~absent).buffers()[1]
    return pa.Array.from_buffers(kind, mantissa.size, [validity, pa.py_buffer(halves.tobytes())])

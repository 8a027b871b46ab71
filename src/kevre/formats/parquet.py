"""Parquet files of many series for other engines: sorted, small, streamed.

Readings, sorted by series, then start:

| column | type | what |
|---|---|---|
| `series` | int32 | key; `series.parquet` says what it is |
| `start` | timestamp[ms, UTC] | start of the interval |
| `step_s` | int32 | length of the interval [s], 0 for an instant |
| `value` | int64 | mantissa of the exact decimal; null where missing |
| `exponent` | int8 | the value is `value` x 10**`exponent` in the unit of the series |
| `quality` | int8 | see `model.quality` |

Mantissa and exponent rather than a decimal: decimals of Parquet have one scale for all rows,
are stored in 16 bytes and cannot be delta-encoded; whole numbers sum exactly and fast
everywhere. The exponent is on each row because a series can become finer after a month was
written; it costs a few bytes for each row group. Milliseconds are the coarsest timestamp that
Parquet has, and every engine reads it as an instant. All integers are signed: Spark has no others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kevre.formats.block import Block
from kevre.model.quality import Quality

ROW_GROUP = 131_072
READINGS = pa.schema(
    [
        pa.field("series", pa.int32(), nullable=False),
        pa.field("start", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("step_s", pa.int32(), nullable=False),
        pa.field("value", pa.int64()),
        pa.field("exponent", pa.int8(), nullable=False),
        pa.field("quality", pa.int8(), nullable=False),
    ]
)
SERIES = pa.schema(
    [
        pa.field("series", pa.int32(), nullable=False),
        pa.field("urn", pa.string(), nullable=False),
        pa.field("fluid", pa.string(), nullable=False),
        pa.field("quantity", pa.string(), nullable=False),
        pa.field("direction", pa.string(), nullable=False),
        pa.field("statistic", pa.string(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("exponent", pa.int8()),
        pa.field("zone", pa.string(), nullable=False),
        pa.field("commune", pa.string()),
    ]
)
# Whole numbers that grow or repeat pack best as differences; codes pack best as a dictionary.
_DELTA = "DELTA_BINARY_PACKED"
_READINGS_ENCODING = {"series": _DELTA, "start": _DELTA, "value": _DELTA}
_READINGS_DICTIONARY = ["step_s", "exponent", "quality"]
_LOW_HALF = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """What is said of one series.

    Attributes:
        exponent: the finest of its readings in the files; None while there are none.
        commune: INSEE code of the commune where it stands, if that is known.
    """

    series: int
    urn: str
    fluid: str
    quantity: str
    direction: str
    statistic: str
    unit: str
    exponent: int | None
    zone: str
    commune: str | None


@dataclass(slots=True)
class Tally:
    """What a file of readings holds.

    Attributes:
        first_s, last_s: the earliest and the latest start [epoch s]; None without readings.
        sums: exact sum of the mantissas, by exponent.
        exponents: of each series that has readings.
    """

    rows: int = 0
    first_s: int | None = None
    last_s: int | None = None
    sums: dict[int, int] = field(default_factory=dict)
    exponents: dict[int, int] = field(default_factory=dict)

    def add(self, series: int, block: Block) -> None:
        """Count a block of one series."""
        first_s, last_s = int(block.start_s[0]), int(block.start_s[-1])
        self.rows += len(block.start_s)
        self.first_s = first_s if self.first_s is None else min(self.first_s, first_s)
        self.last_s = last_s if self.last_s is None else max(self.last_s, last_s)
        known = block.value[block.quality != Quality.MISSING]
        self._sum(block.exponent, known)
        self.exponents[series] = min(block.exponent, self.exponents.get(series, block.exponent))

    def add_table(self, table: pa.Table) -> None:
        """Count readings that were read back."""
        start_s = table.column("start").cast(pa.int64()).to_numpy() // 1000
        self.rows += len(start_s)
        first_s, last_s = int(start_s.min()), int(start_s.max())
        self.first_s = first_s if self.first_s is None else min(self.first_s, first_s)
        self.last_s = last_s if self.last_s is None else max(self.last_s, last_s)
        for exponent in pc.unique(table.column("exponent")).to_pylist():
            alike = table.filter(pc.equal(table.column("exponent"), exponent))
            self._sum(exponent, alike.column("value").drop_null().to_numpy())

    def _sum(self, exponent: int, mantissa: np.ndarray) -> None:
        # In halves, because a sum of 64-bit numbers can need more than 64 bits.
        high, low = int((mantissa >> 32).sum()), int((mantissa & _LOW_HALF).sum())
        self.sums[exponent] = self.sums.get(exponent, 0) + (high << 32) + low


def write_readings(path: Path | BinaryIO, blocks: Iterable[tuple[int, Block]]) -> Tally:
    """Write readings in the order they come, holding one row group at a time.

    Args:
        path: the file, replaced if it is there; or one that is open.
        blocks: (key of the series, some of its readings), by series, then time; none empty.
    """
    tally = Tally()
    with pq.ParquetWriter(
        path,
        READINGS,
        compression="zstd",
        compression_level=3,
        use_dictionary=_READINGS_DICTIONARY,
        column_encoding=_READINGS_ENCODING,
        sorting_columns=[pq.SortingColumn(0), pq.SortingColumn(1)],
        write_page_index=True,
    ) as writer:
        for group in _groups(_counted(blocks, tally)):
            writer.write_batch(group, row_group_size=ROW_GROUP)
    return tally


def read_tally(path: Path) -> Tally:
    """Count what a file of readings holds, one row group at a time.

    Raises:
        OSError, pyarrow.ArrowInvalid: it is not such a file.
    """
    tally = Tally()
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            tally.add_table(file.read_row_group(number, ["start", "value", "exponent"]))
    return tally


def write_series(path: Path, rows: Sequence[SeriesRow]) -> None:
    """Write what is said of the series, by key."""
    ordered = sorted(rows, key=lambda row: row.series)
    columns = {one.name: [getattr(row, one.name) for row in ordered] for one in fields(SeriesRow)}
    table = pa.table(columns, schema=SERIES)
    pq.write_table(table, path, compression="zstd", row_group_size=ROW_GROUP)


def read_series(path: Path) -> list[SeriesRow]:
    """Read back what `write_series` wrote."""
    return [SeriesRow(**row) for row in pq.read_table(path, schema=SERIES).to_pylist()]


def digest(path: Path) -> str:
    """Give the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def finest(known: Mapping[int, int], more: Mapping[int, int]) -> dict[int, int]:
    """Give the finer exponent of each series in either."""
    return {**known, **{key: min(one, known.get(key, one)) for key, one in more.items()}}


def _counted(blocks: Iterable[tuple[int, Block]], tally: Tally) -> Iterator[pa.RecordBatch]:
    for series, block in blocks:
        tally.add(series, block)
        yield _batch(series, block)


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cut batches anew, into whole row groups and a last one."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        while count >= ROW_GROUP:
            whole = pa.concat_batches(held)
            yield whole.slice(0, ROW_GROUP)
            held = [whole.slice(ROW_GROUP)]
            count -= ROW_GROUP
    if count:
        yield pa.concat_batches(held)


def _batch(series: int, block: Block) -> pa.RecordBatch:
    count = len(block.start_s)
    columns = [
        pa.array(np.full(count, series, np.int32)),
        pa.array(block.start_s * 1000).cast(pa.timestamp("ms", tz="UTC")),
        pa.array(block.step_s, pa.int32()),
        pa.array(block.value.astype(np.int64), mask=block.quality == Quality.MISSING),
        pa.array(np.full(count, block.exponent, np.int8)),
        pa.array(block.quality.astype(np.int8)),
    ]
    return pa.record_batch(columns, schema=READINGS)

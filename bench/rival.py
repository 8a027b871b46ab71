"""Other ways to keep load curves, each as its users do it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from bench.figure import median_ms
from bench.load import SLOTS, START_S, STEP_S, Watts


@dataclass(frozen=True, slots=True)
class Measured:
    """Readings loaded per second, bytes a reading, milliseconds."""

    name: str
    rate: float
    size: float
    year_ms: float
    total_ms: float


def sqlite(folder: Path, watts: Watts, there: np.ndarray) -> Measured:
    """Keep a row a reading in SQLite, clustered by its key."""
    path = folder / "rows.sqlite3"
    base = sqlite3.connect(path)
    base.execute("pragma journal_mode=wal")
    base.execute(
        "create table reading (series int, start_s int, value int, quality int, "
        "primary key (series, start_s)) without rowid"
    )
    began = time.perf_counter()
    with base:
        for rows in _rows(watts, there):
            base.executemany("insert into reading values (?, ?, ?, 0)", rows)
    base.execute("pragma wal_checkpoint(truncate)")
    rate = there.sum() / (time.perf_counter() - began)
    year = "select start_s, value, quality from reading where series = ?"
    total = "select start_s, sum(value) from reading group by start_s"
    year_ms = median_ms(lambda: base.execute(year, (7,)).fetchall(), 9)
    total_ms = median_ms(lambda: base.execute(total).fetchall(), 3)
    base.close()
    size = path.stat().st_size / there.sum()
    return Measured("SQLite, a row a reading", rate, size, year_ms, total_ms)


def postgresql(url: str, watts: Watts, there: np.ndarray) -> Measured:
    """Keep a row a reading in PostgreSQL, with a primary key."""
    with psycopg.connect(url, autocommit=True) as base:
        base.execute("drop table if exists reading")
        base.execute(
            "create table reading (series int, start timestamptz, value float8, "
            "quality smallint, primary key (series, start))"
        )
        began = time.perf_counter()
        with base.cursor().copy("copy reading from stdin (format binary)") as copy:
            copy.set_types(["int4", "timestamptz", "float8", "int2"])
            moment = [datetime.fromtimestamp(START_S + n * STEP_S, UTC) for n in range(SLOTS)]
            for rows in _rows(watts, there):
                for key, start_s, value in rows:
                    copy.write_row((key, moment[(start_s - START_S) // STEP_S], float(value), 0))
        rate = there.sum() / (time.perf_counter() - began)
        base.execute("vacuum analyze reading")
        year = "select start, value, quality from reading where series = 7 order by start"
        total = "select start, sum(value) from reading group by start"
        year_ms = median_ms(lambda: base.execute(year).fetchall(), 9)
        total_ms = median_ms(lambda: base.execute(total).fetchall(), 3)
        row = base.execute("select pg_total_relation_size('reading')").fetchone()
        size = row[0] / there.sum()
        base.execute("drop table reading")
    return Measured("PostgreSQL, a row a reading", rate, size, year_ms, total_ms)


def emoncms(folder: Path, watts: Watts, there: np.ndarray) -> Measured:
    """Keep a file a meter of 32-bit floats at a fixed interval, NaN where nothing is."""
    paths = [folder / f"{key}.dat" for key in range(1, len(watts) + 1)]
    began = time.perf_counter()
    for path, curve, known in zip(paths, watts, there, strict=True):
        np.where(known, curve, np.nan).astype("<f4").tofile(path)
    rate = there.sum() / (time.perf_counter() - began)

    def total() -> np.ndarray:
        sums = np.zeros(SLOTS)
        for path in paths:
            sums += np.nan_to_num(np.fromfile(path, "<f4"))
        return sums

    year_ms = median_ms(lambda: np.fromfile(paths[6], "<f4"), 9)
    size = sum(path.stat().st_size for path in paths) / there.sum()
    name = "emoncms' files, without quality"
    return Measured(name, rate, size, year_ms, median_ms(total, 3))


def parquet(folder: Path, watts: Watts, there: np.ndarray) -> Measured:
    """Keep one sorted Parquet file, zstd; readings are found by the statistics of row groups."""
    path = folder / "readings.parquet"
    meter, slot = np.nonzero(there)
    began = time.perf_counter()
    table = pa.table(
        {
            "series": pa.array((meter + 1).astype(np.int32)),
            "start_s": pa.array(START_S + slot * STEP_S),
            "value": pa.array(watts[there].astype(np.int32)),
            "quality": pa.array(np.zeros(len(meter), np.int8)),
        }
    )
    coded = dict.fromkeys(("series", "start_s", "value"), "DELTA_BINARY_PACKED")
    pq.write_table(
        table, path, compression="zstd", row_group_size=131_072, use_dictionary=["quality"],
        column_encoding=coded,
    )  # fmt: skip
    rate = there.sum() / (time.perf_counter() - began)

    def total() -> np.ndarray:
        sums = np.zeros(SLOTS)
        for group in pq.ParquetFile(path).iter_batches(1_000_000, columns=["start_s", "value"]):
            at = (group["start_s"].to_numpy() - START_S) // STEP_S
            sums += np.bincount(at, group["value"].to_numpy(), SLOTS)
        return sums

    year_ms = median_ms(lambda: pq.read_table(path, filters=[("series", "=", 7)]), 9)
    size = path.stat().st_size / there.sum()
    return Measured("raw Parquet, sorted", rate, size, year_ms, median_ms(total, 3))


def bound(watts: Watts, there: np.ndarray) -> Measured:
    """Keep a matrix in memory, and its byte planes at zstd's best: what nothing beats by much."""
    matrix = np.where(there, watts, 0).astype(np.int32)
    coder = zstandard.ZstdCompressor(level=19)
    some = range(0, len(matrix), max(1, len(matrix) // 40))
    size = sum(
        len(coder.compress(matrix[meter].view(np.uint8).reshape(-1, 4).T.tobytes()))
        for meter in some
    ) / sum(int(there[meter].sum()) for meter in some)
    year_ms = median_ms(matrix[6].copy, 9)
    total_ms = median_ms(lambda: matrix.sum(axis=0, dtype=np.int64), 3)
    return Measured("NumPy matrix in memory, zstd 19", float("nan"), size, year_ms, total_ms)


def _rows(watts: Watts, there: np.ndarray) -> Sequence[Sequence[tuple[int, int, int]]]:
    for key, (curve, known) in enumerate(zip(watts, there, strict=True), start=1):
        slots = np.flatnonzero(known)
        yield [
            (key, start_s, value)
            for start_s, value in zip(
                (START_S + slots * STEP_S).tolist(), curve[slots].tolist(), strict=True
            )
        ]

"""CSV, Arrow and Parquet: every digit, every hole, whatever the number of blocks."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.formats.arrow import arrow_chunks, parquet_chunks
from kevre.formats.table import HEADER, csv_chunks
from kevre.model.quality import Quality

PARIS = ZoneInfo("Europe/Paris")
URN = "urn:dev:prm:09876543210123_consumption/power/active/raw"
INT64 = 2**63 - 1


@dataclass(frozen=True)
class Some:
    """Readings as the store gives them."""

    exponent: int
    start_s: np.ndarray
    step_s: np.ndarray
    value: np.ndarray
    quality: np.ndarray


def block(values, *, exponent=0, first_s=1_700_000_000, step_s=1800, dtype=np.int64):
    """A block of consecutive readings; None is a missing one."""
    size = len(values)
    return Some(
        exponent,
        first_s + 1800 * np.arange(size, dtype=np.int64),
        np.full(size, step_s, np.int32),
        np.array([0 if v is None else v for v in values], dtype),
        np.array([7 if v is None else 0 for v in values], np.uint8),
    )


def read_arrow(blocks):
    content = b"".join(arrow_chunks(blocks, urn=URN, unit="W"))
    return pa.ipc.open_stream(content).read_all()


def read_parquet(blocks):
    return pq.read_table(io.BytesIO(b"".join(parquet_chunks(blocks, urn=URN, unit="W"))))


def read_csv(blocks, zone=PARIS):
    text = "".join(csv_chunks(blocks, unit="W", zone=zone))
    return list(csv.DictReader(io.StringIO(text)))


READERS = pytest.mark.parametrize("read", [read_arrow, read_parquet])
mantissas = st.none() | st.integers(-(10**15), 10**15)


@READERS
@given(lists=st.lists(st.lists(mantissas, min_size=1, max_size=5), max_size=3),
       exponent=st.integers(-9, 3))  # fmt: skip
def test_every_digit_and_every_hole_comes_back(read, lists, exponent):
    table = read([block(values, exponent=exponent) for values in lists])
    expected = [
        None if v is None else Decimal(v).scaleb(exponent) for values in lists for v in values
    ]
    assert table.column("value").to_pylist() == expected


@given(lists=st.lists(st.lists(mantissas, min_size=1, max_size=5), max_size=3),
       exponent=st.integers(-9, 3))  # fmt: skip
def test_csv_has_every_digit_and_nothing_where_a_reading_is_missing(lists, exponent):
    rows = read_csv([block(values, exponent=exponent) for values in lists])
    for row, value in zip(rows, [v for values in lists for v in values], strict=True):
        if value is None:
            assert (row["value"], row["quality"]) == ("", "missing")
            continue
        assert Decimal(row["value"]) == Decimal(value).scaleb(exponent)
        assert "E" not in row["value"]


@READERS
@pytest.mark.parametrize(
    ("value", "exponent", "expected"),
    [
        (-1, -2, "-0.01"),
        (INT64, 0, str(INT64)),
        (-INT64, -9, "-9223372036.854775807"),
        (INT64, 3, f"{INT64}000"),
    ],
)
def test_the_largest_values_stay_exact(read, value, exponent, expected):
    table = read([block([value, None, -value], exponent=exponent)])
    assert table.column("value").to_pylist() == [Decimal(expected), None, -Decimal(expected)]


@READERS
def test_nothing_to_write_is_still_a_table(read):
    table = read(iter(()))
    assert table.num_rows == 0
    assert table.column_names == ["start", "step_s", "value", "quality"]


def test_nothing_to_write_is_still_a_header():
    assert "".join(csv_chunks(iter(()), unit="W", zone=PARIS)) == HEADER + "\n"


@READERS
def test_floats_stay_floats_and_what_is_not_finite_is_missing(read):
    table = read([block([0.5, np.nan, None, np.inf], dtype=np.float64)])
    assert table.column("value").to_pylist() == [0.5, None, None, None]


@READERS
def test_times_steps_qualities_and_names_come_back(read):
    table = read([block([1, None], step_s=600), block([3], first_s=1_800_000_000)])
    starts = [datetime.fromtimestamp(s, UTC) for s in (1_700_000_000, 1_700_001_800, 1_800_000_000)]
    assert table.column("start").to_pylist() == starts
    assert table.column("step_s").to_pylist() == [600, 600, 1800]
    assert table.column("quality").to_pylist() == [0, Quality.MISSING, 0]
    assert {b"urn": URN.encode(), b"unit": b"W"}.items() <= table.schema.metadata.items()


def test_one_row_group_a_block():
    content = b"".join(parquet_chunks([block([1]), block([2, 3])], urn=URN, unit="W"))
    assert pq.ParquetFile(io.BytesIO(content)).num_row_groups == 2


def test_an_empty_block_is_an_empty_batch():
    assert read_arrow([block([]), block([4])]).column("value").to_pylist() == [4]


def test_the_repeated_hour_of_october_is_told_by_its_offset():
    rows = read_csv([block([1, 2, 3], first_s=1_761_435_000)])  # 2025-10-25T23:30Z
    assert [row["start_local"] for row in rows] == [
        "2025-10-26T01:30:00+02:00",
        "2025-10-26T02:00:00+02:00",
        "2025-10-26T02:30:00+02:00",
    ]
    assert [row["start"] for row in rows[:1]] == ["2025-10-25T23:30:00Z"]


def test_csv_says_unit_quality_and_step_in_words():
    (row,) = read_csv([block([5], step_s=0)])
    assert (row["unit"], row["quality"], row["step"]) == ("W", "measured", "")
    (row,) = read_csv([block([5], step_s=86_400)])
    assert row["step"] == "P1D"


def test_csv_of_aggregates_keeps_four_decimals():
    rows = read_csv([block([1 / 3, 1e15, -0.00001, np.nan], dtype=np.float64)])
    assert [row["value"] for row in rows] == ["0.3333", "1000000000000000", "0", ""]

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.formats import parquet
from kevre.formats.manifest import File, Manifest
from kevre.formats.parquet import SeriesRow
from kevre.model.errors import Malformed
from kevre.model.quality import Quality

BIGGEST = 2**63 - 1


@dataclass
class Block:
    exponent: int
    start_s: np.ndarray
    step_s: np.ndarray
    value: np.ndarray
    quality: np.ndarray


def block(values, start_s=1_767_225_600, exponent=0, step_s=1800):
    count = len(values)
    return Block(
        exponent,
        start_s + np.arange(count, dtype=np.int64) * step_s,
        np.full(count, step_s, np.int32),
        np.array([value or 0 for value in values], np.int64),
        np.array([Quality.MISSING if value is None else 0 for value in values], np.uint8),
    )


def test_what_is_read_back_is_what_was_written(tmp_path):
    path = tmp_path / "readings.parquet"

    parquet.write_readings(path, [(3, block([612, None, -5], exponent=-1)), (9, block([BIGGEST]))])

    table = pq.read_table(path)
    assert table.schema.equals(parquet.READINGS)
    assert table.column("series").to_pylist() == [3, 3, 3, 9]
    assert table.column("value").to_pylist() == [612, None, -5, BIGGEST]
    assert table.column("exponent").to_pylist() == [-1, -1, -1, 0]
    assert table.column("quality").to_pylist() == [0, 7, 0, 0]
    assert table.column("start").to_pylist()[1].isoformat() == "2026-01-01T00:30:00+00:00"


def test_columns_are_packed_as_they_pack_best_and_every_group_is_findable(tmp_path):
    path = tmp_path / "readings.parquet"
    blocks = [(series, block(list(range(40_000)))) for series in range(1, 8)]

    parquet.write_readings(path, blocks)

    file = pq.ParquetFile(path).metadata
    groups = [file.row_group(number) for number in range(file.num_row_groups)]
    columns = {c["path_in_schema"]: c for c in map(pa_dict, range(6), [groups[0]] * 6)}
    assert [group.num_rows for group in groups] == [131_072, 131_072, 17_856]
    assert all(
        "DELTA_BINARY_PACKED" in columns[n]["encodings"] for n in ("series", "start", "value")
    )
    assert all(
        "RLE_DICTIONARY" in columns[n]["encodings"] for n in ("step_s", "exponent", "quality")
    )
    assert {column["compression"] for column in columns.values()} == {"ZSTD"}
    assert all(groups[0].column(number).has_offset_index for number in range(6))
    assert [one.column_index for one in groups[0].sorting_columns] == [0, 1]


def pa_dict(number, group):
    return group.column(number).to_dict()


def test_writing_holds_one_row_group_however_long_the_month_is(tmp_path):
    most = 0

    def blocks():
        nonlocal most
        generator = np.random.default_rng(7)
        for series in range(1, 81):
            most = max(most, pa.total_allocated_bytes())
            yield series, block(generator.integers(1, 9_000, 50_000).tolist())

    before = pa.total_allocated_bytes()
    tally = parquet.write_readings(tmp_path / "readings.parquet", blocks())

    whole = tally.rows * 26
    assert tally.rows == 4_000_000
    assert most - before < whole / 4


blocks_of_one_exponent = st.tuples(
    st.integers(1, 5),
    st.integers(-9, 9),
    st.lists(st.none() | st.integers(-BIGGEST, BIGGEST), min_size=1, max_size=20),
)


@given(st.lists(blocks_of_one_exponent, max_size=6))
def test_sums_are_exact_and_read_back_the_same(tmp_path_factory, some):
    path = tmp_path_factory.mktemp("sums") / "readings.parquet"

    wrote = parquet.write_readings(
        path, [(series, block(values, exponent=exponent)) for series, exponent, values in some]
    )

    expected = {}
    for _, exponent, values in some:
        known = sum(value for value in values if value is not None)
        expected[exponent] = expected.get(exponent, 0) + known
    assert wrote.sums == expected
    back = parquet.read_tally(path)
    assert (back.rows, back.sums, back.first_s, back.last_s) == (
        wrote.rows,
        wrote.sums,
        wrote.first_s,
        wrote.last_s,
    )


def test_what_is_said_of_series_is_read_back(tmp_path):
    rows = [
        SeriesRow(
            2, "urn:b", "gas", "energy", "consumption", "sum", "Wh", None, "Europe/Paris", None
        ),
        SeriesRow(
            1, "urn:a", "heat", "power", "consumption", "mean", "W", -3, "Europe/Paris", "56121"
        ),
    ]

    parquet.write_series(tmp_path / "series.parquet", rows)

    assert parquet.read_series(tmp_path / "series.parquet") == rows[::-1]


def manifest():
    file = File("month=202601/readings.parquet", 2, 100, "ab", "x", "y", {"-1": str(2**70)})
    return Manifest(
        "2026-03-02T00:00:00+00:00", "1", None, "202601", None, "202602", 12, ("202602",),
        File("series.parquet", 1, 10, "cd"), {"202601": file},
    )  # fmt: skip


def test_a_manifest_is_read_back():
    assert Manifest.load(manifest().dump()) == manifest()


@pytest.mark.parametrize(
    "torn",
    ["", "{}", "[]", "null", manifest().dump()[:-9], manifest().dump().replace('"version": 1', '"version": 2')],
)  # fmt: skip
def test_a_manifest_that_cannot_be_read_is_refused_with_its_remedy(torn):
    with pytest.raises(Malformed, match="new folder"):
        Manifest.load(torn)

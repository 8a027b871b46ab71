from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.model.batch import Batch, Column, ColumnBuilder
from kevre.model.identifier import KINDS
from kevre.model.quality import Quality
from kevre.model.reading import Reading

KIND = KINDS["consumption/power/active/raw"]
SERIES = "urn:dev:prm:09876543210123_consumption/power/active/raw"

values = st.tuples(st.integers(-(10**9), 10**9), st.integers(-3, 0))
measured = st.builds(
    Reading, st.integers(0, 50).map(lambda slot: slot * 1800), st.just(1800), values
)
missing = st.builds(
    Reading,
    st.integers(0, 50).map(lambda slot: slot * 1800),
    st.just(1800),
    st.none(),
    st.just(Quality.MISSING),
)


def built(readings):
    builder = ColumnBuilder(SERIES, KIND)
    for line, reading in enumerate(readings, start=1):
        builder.add(reading, line=line)
    return builder, builder.build()


def number(reading):
    return None if reading.value is None else reading.value[0] * 10 ** (reading.value[1] + 9)


@given(st.lists(measured | missing))
def test_a_column_is_ordered_and_keeps_the_last_word_of_each_instant(readings):
    _, column = built(readings)

    last = {reading.start_s: number(reading) for reading in readings}
    assert list(column.start_s) == sorted(last)
    assert {reading.start_s: number(reading) for reading in column.readings()} == last


@given(st.lists(measured))
def test_every_reading_is_kept_repeated_or_named_in_a_fault(readings):
    builder, column = built(readings)

    assert len(column) + builder.repeated + len(builder.faults) == len(readings)


def test_a_reading_that_does_not_fit_beside_the_others_becomes_a_fault():
    builder, column = built([Reading(0, 1800, (2**62, 0)), Reading(1800, 1800, (1, -9))])

    assert list(column.start_s) == [1800]
    assert [fault.code for fault in builder.faults] == ["value.too_large"]


def test_a_missing_reading_has_no_value_and_any_other_has_one():
    with pytest.raises(ValueError, match="MISSING"):
        Reading(0, 1800, None)
    with pytest.raises(ValueError, match="MISSING"):
        Reading(0, 1800, (1, 0), Quality.MISSING)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="length"):
        Column(SERIES, KIND, 0, array("q", [0]), array("i"), array("q"), array("B"))


def test_a_batch_counts_the_readings_of_all_its_columns():
    _, column = built([Reading(0, 1800, (1, 0)), Reading(1800, 1800, (2, 0))])

    assert len(Batch("here", "k", (column, column))) == 4


def test_a_reading_keeps_the_line_it_came_from():
    _, column = built(
        [Reading(3600, 1800, (3, 0)), Reading(0, 1800, (1, 0)), Reading(3600, 1800, (4, 0))]
    )

    assert list(column.line) == [2, 3]

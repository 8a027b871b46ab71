"""Readings on their way into batches: the short way and the long way give the same."""

from hypothesis import given
from hypothesis import strategies as st
from tests.connect.reading import faults_of, readings_of

from kevre.connect.gathering import LARGEST, Gathering
from kevre.model.batch import ColumnBuilder
from kevre.model.identifier import KINDS
from kevre.model.quality import Quality
from kevre.model.reading import Reading

PATH = "consumption/power/active/raw"
POINT = "urn:dev:org:32473-school:hall"

values = st.none() | st.tuples(
    st.integers(-(2**62), 2**62) | st.integers(-1000, 1000), st.integers(-2, 0)
)
readings = st.lists(st.tuples(st.integers(0, 6).map(lambda slot: slot * 1800), values), max_size=10)


def gathering():
    return Gathering("test", "key", "file")


@given(some=readings)
def test_gathered_readings_are_those_of_a_column_builder(some):
    here = gathering()
    builder = ColumnBuilder(f"{POINT}_{PATH}", KINDS[PATH])
    for line, (start_s, value) in enumerate(some, start=1):
        here.add(PATH, POINT, start_s, 1800, value, line=line)
        quality = Quality.MISSING if value is None else Quality.MEASURED
        builder.add(Reading(start_s, 1800, value, quality), line=line)
    batches = list(here.rest())
    column = builder.build()
    assert readings_of(batches).get(column.series, []) == list(column.readings())
    assert faults_of(batches) == builder.faults


def test_batches_are_bounded_and_their_keys_differ():
    here = gathering()
    batches = []
    for slot in range(2 * LARGEST + 1):
        here.add(PATH, POINT, 1800 * slot, 1800, (slot, 0), line=slot)
        if here.is_full:
            batches.append(here.batch())
    batches.extend(here.rest())
    assert [len(batch) for batch in batches] == [LARGEST, LARGEST, 1]
    assert [batch.key for batch in batches] == ["key.1", "key.2", "key.3"]


def test_nothing_gathered_is_still_one_batch():
    (batch,) = gathering().rest()
    assert (len(batch), batch.faults) == (0, ())

from decimal import Decimal
from xml.etree.ElementTree import fromstring, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.federate.conftest import NOW_S, POWER, column

from kevre.formats import quoalise
from kevre.model.errors import Malformed
from kevre.model.quality import Quality

Q, SENML = "{urn:quoalise:0}", "{urn:ietf:params:xml:ns:senml}"


def read(element):
    return quoalise.batch(element, now_s=NOW_S, origin="x", source="x")


def values(found):
    return [(r.start_s, r.step_s, Decimal(r.value[0]).scaleb(r.value[1])) for r in found.readings()]


@given(st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=30), st.integers(-3, 2))
def test_readings_are_read_as_they_were_written(some, exponent):
    sent = column(some, exponent=exponent)

    found = read(fromstring(tostring(quoalise.element([sent]))))

    assert found.faults == ()
    assert values(found.columns[0]) == values(sent)


def test_the_description_has_the_words_that_others_know():
    root = quoalise.element([column([1, 2])])

    assert root.find(f".//{Q}device").attrib == {"type": "electricity-meter"}
    assert root.find(f".//{Q}measurement").attrib == {
        "name": "active-power",
        "direction": "consumption",
        "quantity": "power",
        "type": "electrical",
        "unit": "W",
        "aggregation": "mean",
        "corrected": "false",
        "sampling-interval": "PT30M",
    }


@pytest.mark.parametrize(
    ("path", "name", "unit"),
    [
        ("consumption/energy/active/index", "active-energy-index", "Wh"),
        ("consumption/energy/active/index/provider/hch", "active-energy-index", "Wh"),
        ("consumption/power/apparent/max", "apparent-power", "VA"),
        ("production/power/capacitive/raw", "capacitive-power", "var"),
        ("consumption/voltage/raw", "voltage", "V"),
    ],
)
def test_every_quantity_is_named(path, name, unit):
    root = quoalise.element([column([1], urn=POWER.partition("_")[0] + "_" + path)])

    measurement = root.find(f".//{Q}measurement")
    assert (measurement.get("name"), measurement.get("unit")) == (name, unit)


def test_only_the_first_record_carries_the_bases():
    first, *others = quoalise.element([column([1, 2, 3])]).iter(f"{SENML}senml")

    assert set(first.attrib) == {"bn", "bt", "bu", "bst", "v"}
    assert {key for one in others for key in one.attrib} == {"t", "v"}


def test_missing_readings_are_left_out_and_the_rest_keeps_its_time():
    sent = column([5, 0, 7])
    sent.quality[1] = Quality.MISSING

    found = read(quoalise.element([sent])).columns[0]

    assert [start_s - sent.start_s[0] for start_s in found.start_s] == [0, 3_600]


def test_a_column_that_begins_with_a_missing_reading_keeps_its_time():
    sent = column([0, 6, 7])
    sent.quality[0] = Quality.MISSING

    assert read(quoalise.element([sent])).columns[0].start_s == sent.start_s[1:]


def test_version_1_counts_from_the_start_of_the_period_under_its_own_name():
    sent = column([5, 6])

    root = quoalise.element([sent], start_s=sent.start_s[0] - 1_800)
    first = next(root.iter(f"{SENML}senml"))

    assert first.get("bn") == "urn:dev:prm:09876543210123_consumption_load"
    assert first.get("t") == "1800"
    assert root.find(f".//{Q}sampling").get("interval") == "1800"
    assert values(read(root).columns[0]) == values(sent)


@pytest.mark.parametrize(
    "records",
    [
        '<senml bn="{urn}" bt="1706742000.0" bu="W" v="5.0"/><senml t="1800.0" v="6"/>',
        '<senml bn="{urn}" bt="1706742000" bu="W" v="5"/><senml bn="{urn}" bt="1706743800" bu="W" v="6"/>',
        '<senml n="{urn}" t="1706742000" u="W" v="5"/><senml n="{urn}" t="1706743800" u="W" v="6"/>',
        '<senml bn="{urn}" bt="1706743800" bu="W" v="6"/><senml t="-1800" v="5"/>',
        '<senml bn="{urn}" bt="1706742000" bu="W" v="5"/><senml t="1800" u="W" v="6"/>',
    ],
)
def test_every_way_of_writing_records_is_read(records):
    text = records.format(urn=POWER)
    root = fromstring(
        f'<quoalise xmlns="urn:quoalise:0"><data><meta/>'
        f'<sensml xmlns="urn:ietf:params:xml:ns:senml">{text}</sensml></data></quoalise>'
    )

    found = read(root)

    assert values(found.columns[0]) == [(1_706_742_000, 1_800, 5), (1_706_743_800, 1_800, 6)]


def test_the_word_none_of_the_first_servers_is_a_missing_reading():
    root = fromstring(
        '<quoalise xmlns="urn:quoalise:0"><data><meta/><sensml xmlns="urn:ietf:params:xml:ns:senml">'
        f'<senml bn="{POWER}" bt="1706742000" bu="W" v="5"/><senml t="1800" v="None"/>'
        "</sensml></data></quoalise>"
    )

    assert list(read(root).columns[0].quality) == [Quality.MEASURED, Quality.MISSING]


def test_several_data_are_all_read():
    other = column([3, 4], urn=POWER.replace("raw", "corrected"))

    assert len(read(quoalise.element([column([1, 2]), other])).columns) == 2


def test_an_element_without_readings_is_refused():
    with pytest.raises(Malformed):
        read(fromstring('<quoalise xmlns="urn:quoalise:0"/>'))


@given(st.integers(1, 50), st.integers(1, 20))
def test_chunks_hold_all_in_order(count, size):
    whole = column(list(range(count)))

    parts = list(quoalise.chunks(whole, size))

    assert [value for part in parts for value in part.value] == list(range(count))
    assert max(len(part) for part in parts) <= size

"""Green Button feeds (ESPI)."""

import pytest
from tests.connect.reading import batches_of, faults_of, from_file, only, readings_of
from tests.connect.test_contracts import FEED

from kevre.model.errors import Malformed
from kevre.model.quality import Quality


def test_intervals_have_start_length_value_and_quality():
    found = batches_of(FEED)
    assert list(readings_of(found)) == ["urn:dev:espi:48c2a019_consumption/energy/active/raw"]
    assert [(r.start_s, r.step_s, r.value, r.quality) for r in only(found)] == [
        (1_768_478_400, 900, (282, 0), Quality.ESTIMATED),
        (1_768_479_300, 900, (0, 0), Quality.MEASURED),
    ]


@pytest.mark.parametrize(("tens", "value"), [("3", (282_000, 0)), ("-3", (282, -3))])
def test_the_power_of_ten_moves_the_value_exactly(tens, value):
    feed = FEED.replace("Multiplier>0<", f"Multiplier>{tens}<")
    assert only(batches_of(feed))[0].value == value


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("<flowDirection>1", "<flowDirection>19", "production/energy/active/raw"),
        ("Behaviour>4<", "Behaviour>3<", "consumption/energy/active/index"),
        ("<uom>72", "<uom>38", "consumption/power/active/raw"),
        ("<uom>72", "<commodity>7</commodity><uom>42", "consumption/volume/gas/raw"),
        ("<kind>0", "<kind>1", "consumption/energy/gas/raw"),
    ],
)
def test_the_reading_type_tells_the_series(before, after, path):
    (series,) = readings_of(batches_of(FEED.replace(before, after)))
    assert series.partition("_")[2] == path


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("<flowDirection>1", "<flowDirection>4", "greenbutton.quantity"),
        ("<uom>72", "<uom>169", "greenbutton.quantity"),
        ("ReadingType", "OtherType", "greenbutton.feed"),
        ("<value>282", "<value>many", "greenbutton.number"),
        ("Multiplier>0<", "Multiplier>99<", "greenbutton.number"),
    ],
)
def test_what_is_not_known_is_a_fault(before, after, code):
    assert [fault.code for fault in faults_of(batches_of(FEED.replace(before, after)))] == [code]


def test_entities_are_refused():
    with pytest.raises(Malformed) as raised:
        batches_of('<!DOCTYPE feed [<!ENTITY a "b">]>' + FEED)
    assert raised.value.code == "file.xml"


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "count"), [("test_usage_data", 1340), ("test_usage_data_01", 96)])
def test_real_feeds_give_every_interval(samples, name, count):
    found = from_file(samples / f"greenbutton/{name}.xml")
    (readings,) = readings_of(found).values()
    assert len(readings) + len(faults_of(found)) == count
    assert f"{readings[0].start:%Y-%m-%dT%H:%M}" == "2012-03-01T05:00"
    assert {r.step_s for r in readings} == {900}

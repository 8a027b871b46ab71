"""Thermometers as Linux shows them."""

import pytest
from tests.collect.device.rig import made, thermometer

from kevre.collect.device.onewire import urn
from kevre.model.errors import Unavailable


@pytest.fixture
def bus(tmp_path):
    return tmp_path / "w1"


def read(bus, tmp_path):
    """What came before a failure, and the failure."""
    driver = made("onewire", {"bus": str(bus)}, tmp_path).driver
    driver.open()
    came = []
    try:
        for sample in driver.read():
            came.append((sample.point, sample.value))
    except Unavailable as error:
        return came, error.code
    return came, None


def test_each_thermometer_has_the_urn_of_its_own_number(bus, tmp_path):
    thermometer(bus, "10-0008013a07e2", 26_187)
    thermometer(bus, "28-0316a2795bff", -1_250)
    (bus / "w1_bus_master1").mkdir()

    came, failure = read(bus, tmp_path)

    assert failure is None
    assert came == [
        (urn("10-0008013a07e2"), (26_187, -3)),
        (urn("28-0316a2795bff"), (-1_250, -3)),
    ]


def test_the_checksum_of_a_number_is_that_of_the_standards_example():
    assert urn("10-0008013a07e2") == "urn:dev:ow:10e2073a01080063"


@pytest.mark.parametrize(
    ("milli", "verdict", "code"),
    [(85_000, "YES", "onewire.power_on"), (21_000, "NO", "onewire.checksum")],
)
def test_a_false_answer_is_refused_and_spares_the_others(bus, tmp_path, milli, verdict, code):
    thermometer(bus, "28-000000000001", milli, verdict)
    thermometer(bus, "28-000000000002", 21_062)

    came, failure = read(bus, tmp_path)

    assert came == [(urn("28-000000000002"), (21_062, -3))]
    assert failure == code


@pytest.mark.parametrize("text", ["", "a3 01", "\x00" * 60, "a3 : crc=ce YES\nt=hot"])
def test_an_answer_cut_short_is_refused(bus, tmp_path, text):
    thermometer(bus, "28-000000000001", 0)
    (bus / "28-000000000001" / "w1_slave").write_text(text)

    assert read(bus, tmp_path) == ([], "onewire.checksum")


def test_a_bus_without_thermometers_says_so(bus, tmp_path):
    bus.mkdir()

    assert read(bus, tmp_path) == ([], "onewire.no_sensor")

"""Devices that describe themselves, in a real Modbus server."""

import json

import pytest
from tests.collect.device import modbus_server
from tests.collect.device.rig import POINT, inverter, made, samples

from kevre.model.errors import KevreError, Malformed


def reading(port, tmp_path):
    entries = {"host": "127.0.0.1", "port": port, "point": POINT, "timeout_s": 1}
    return made("sunspec", entries, tmp_path).driver


def read(registers, tmp_path):
    with modbus_server.serving(modbus_server.device(registers)) as port:
        return {s.path: s.value for s in samples(reading(port, tmp_path))}


@pytest.mark.parametrize("base", [40_000, 0, 50_000])
def test_an_inverter_is_found_at_each_of_the_three_addresses(tmp_path, base):
    told = read({base: inverter(4_250, 1_234_567)}, tmp_path)

    assert told["production/power/active/instant"] == (4_250, 0)
    assert told["consumption/power/active/instant"] == (0, 0)
    assert told["production/energy/active/index"] == (1_234_567, 0)
    assert told["production/voltage/instant/l2"] == (2_315, -1)
    assert told["production/current/instant/l3"] == (615, -2)
    assert told["frequency/grid/instant"] == (4_998, -2)


@pytest.mark.real_data
def test_the_sample_device_of_ieee_1547_is_read_exactly(samples, tmp_path):
    models = json.loads((samples / "sunspec" / "device_1547.json").read_text())["models"]
    told = read({40_000: modbus_server.sunspec_words(models)}, tmp_path)

    # W 9800 x 10^0, TotWhInj 150 x 10^3, TotWhAbs 0 x 10^3, Hz 60010 x 10^-3
    assert told == {
        "production/power/active/instant": (9_800, 0),
        "consumption/power/active/instant": (0, 0),
        "production/energy/active/index": (150_000, 0),
        "consumption/energy/active/index": (0, 0),
        "frequency/grid/instant": (6_001, -2),
    }


@pytest.mark.real_data
def test_a_device_without_a_meter_says_so(samples, tmp_path):
    models = json.loads((samples / "sunspec" / "inverter_123.json").read_text())["models"]
    with pytest.raises(Malformed) as told:
        read({40_000: modbus_server.sunspec_words(models)}, tmp_path)

    assert told.value.code == "sunspec.models"


def test_a_meter_counts_both_ways_and_what_it_lacks_gives_nothing(tmp_path):
    meter = {"ID": 203, "W": -125, "W_SF": 1, "TotWhImp": 5_000, "TotWhExp": 70, "TotWh_SF": 2}
    told = read({40_000: modbus_server.sunspec_words([{"ID": 1}, meter])}, tmp_path)

    assert told == {
        "consumption/power/active/instant": (0, 0),
        "production/power/active/instant": (1_250, 0),
        "consumption/energy/active/index": (500_000, 0),
        "production/energy/active/index": (7_000, 0),
    }


def test_another_modbus_device_is_told_from_a_sunspec_one(tmp_path):
    with pytest.raises(Malformed) as told:
        read({40_000: [1, 2, 3, 4]}, tmp_path)

    assert told.value.code == "sunspec.none"


def test_a_device_that_vanishes_is_searched_anew(tmp_path):
    first = modbus_server.device({40_000: inverter(1_000, 1)})
    with modbus_server.serving(first) as port:
        driver = reading(port, tmp_path)
        samples(driver)
    with pytest.raises(KevreError) as told:
        list(driver.read())

    assert told.value.code == "modbus.unreachable"

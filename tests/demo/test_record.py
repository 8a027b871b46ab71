import numpy as np
import pytest

from kevre.model.quality import Quality
from kevre.node.demo.record import CONDAT_SHARE, FUELS, Record, records


@pytest.fixture(scope="module")
def real(record_files):
    return {name: Record.load(path) for name, path in record_files.items()}


def test_every_series_of_the_packages_is_read(real):
    assert set(real) == {
        "uk-electricity-0",
        "uk-electricity-1",
        "uk-gas-0",
        "uk-temperature-0",
        "fr-gas-energy",
        "fr-gas-volume",
        "condat-heat",
        *(f"generation-{fuel}" for fuel in FUELS),
    }


def test_every_series_is_in_strict_order_and_on_its_step(real):
    for record in real.values():
        steps_s = np.diff(record.start_s)
        assert (steps_s > 0).all()
        assert (record.start_s % min(record.step_s, 3_600) == 0).all()


def test_kilowatt_hours_of_half_hours_become_watts(real):
    # The first readings of sample 0 are 0.078, 0.078 and 0.092 kWh an hour.
    assert real["uk-electricity-0"].value[:3].tolist() == [78, 78, 92]
    # Sample 1 used 4,217.6 kWh in 2013: 481 W on average, in half-hours.
    first, last = 1_356_998_400, 1_388_534_400
    record = real["uk-electricity-1"]
    in_2013 = (record.start_s >= first) & (record.start_s < last)
    assert record.value[in_2013].sum() / 2 == pytest.approx(4_217_564, rel=1e-3)


def test_temperatures_keep_two_decimals(real):
    assert real["uk-temperature-0"].exponent == -2
    assert real["uk-temperature-0"].value[0] == 518  # 5.180084


def test_gas_is_in_watt_hours_and_cubic_metres_and_says_what_was_estimated(real):
    energy, volume = real["fr-gas-energy"], real["fr-gas-volume"]
    assert (energy.value[0], energy.exponent) == (57, 3)
    assert (volume.value[0], volume.exponent) == (51, -1)
    assert (energy.quality == Quality.ESTIMATED).sum() == 1


def test_the_solar_plant_gives_a_fortieth_of_its_heat(real):
    # 3.61 GWh over the minutes of 2020 that are known.
    heat = real["condat-heat"]
    assert heat.value.sum() / 6 * CONDAT_SHARE / 1e9 == pytest.approx(3.61, rel=0.01)
    assert heat.value.min() >= 0


def test_generation_is_never_negative_and_is_mostly_nuclear(real):
    generation = {fuel: real[f"generation-{fuel}"] for fuel in FUELS}
    assert min(record.value.min() for record in generation.values()) >= 0
    means = {fuel: record.value.mean() for fuel, record in generation.items()}
    assert means["nuclear"] > 0.5 * sum(means.values())
    assert generation["nuclear"].exponent == 6


def test_a_second_reading_opens_no_package(real, record_files, tmp_path):
    folder = next(iter(record_files.values())).parent
    again = records(None, folder)
    assert again == record_files

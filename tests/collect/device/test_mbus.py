"""Meters on wired M-Bus: frames of real meters, and a simulated slave for the line."""

import threading
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.collect.device import mbus_slave
from tests.collect.device.mbus_slave import Slave, heat_frame
from tests.collect.device.rig import POINT, made
from tests.collect.device.rig import samples as read_of

from kevre.collect import telegram
from kevre.collect.driver import Surroundings
from kevre.model.errors import KevreError, Malformed

# Records by hand: 0C 06 is energy in kWh of eight digits, 0C 13 volume in litres.
ENERGY = bytes.fromhex("0C06 78563412")
VOLUME = bytes.fromhex("0C13 21436500")
PAST = bytes.fromhex("4C06 11111111")  # storage 1: the day of the bill
ITS_INPUT = bytes.fromhex("8C4013 99999999")  # sub-unit 1: a water meter wired to it
MOST = bytes.fromhex("1B2E 001000")  # the highest power
NO_VALUE = bytes.fromhex("0B2D EEEEEE")  # digits that are none
JOULES = bytes.fromhex("0C0E 34120000")  # 1234 MJ


def values(frame, medium=""):
    return {
        sample.path: Decimal(sample.value[0]).scaleb(sample.value[1])
        for sample in telegram.samples(frame, medium)
    }


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "kamstrup_multical_601",
            {
                "consumption/energy/heat/index": "37351000",
                "consumption/volume/heat/index": "561.08",
                "temperature/supply/instant": "101.69",
                "temperature/return/instant": "46.16",
                "consumption/power/heat/instant": "34700",
                "consumption/flow/heat/instant": "0.543",
            },
        ),
        ("itron_cyble_m-bus_v1.4_water", {"consumption/volume/water/index": "123.49"}),
        ("itron_cyble_m-bus_v1.4_gas", {"consumption/volume/gas/index": "0.26"}),
        (
            "siemens_water",
            {"consumption/volume/water/index": "0.101", "consumption/flow/water/instant": "0"},
        ),
    ],
)
def test_a_real_meter_gives_its_present_values_exactly(samples, name, told):
    read = values(mbus_slave.frame_of(samples, name))

    assert read == {path: Decimal(text) for path, text in told.items()}


QUANTITIES = {
    "Energy": ("ENERGY_WH", "ENERGY_J"),
    "Volume": ("VOLUME",),
    "Power": ("POWER_W", "POWER_J_H"),
    "Volume flow": ("VOLUME_FLOW",),
    "Flow temperature": ("FLOW_TEMPERATURE",),
    "Return temperature": ("RETURN_TEMPERATURE",),
}
FACTORS = {"Wh": 1, "J": Decimal(1) / 3600, "m^3": 1, "W": 1, "m^3/h": 1, "C": 1}


@pytest.mark.real_data
def test_every_frame_agrees_with_what_libmbus_reads_in_it(samples):
    """The expected XML is that of another implementation, in C."""
    compared = read_at_all = 0
    for path in sorted((samples / "mbus" / "test-frames").glob("*.hex")):
        expected = path.with_suffix(".norm.xml")
        try:
            told = values(bytes.fromhex(path.read_text()))
        except Malformed:
            continue
        read_at_all += 1
        if not expected.exists():
            continue
        for series, value in told.items():
            assert any(
                abs(value - known) <= abs(known) * Decimal("1e-5") + Decimal("1e-3")
                for known in present(expected, series)
            ), (path.name, series, value)
            compared += 1

    assert read_at_all >= 40
    assert compared >= 120


def present(xml, series):
    """The present values of a quantity in libmbus' reading, in the unit of the series."""
    for record in ET.parse(xml).getroot().iter("DataRecord"):
        quantity, unit = record.findtext("Quantity"), record.findtext("Unit") or ""
        unit = "C" if unit.endswith("°C") else unit  # in some files encoded twice
        kinds = QUANTITIES.get(quantity, ())
        is_series = any(
            series in paths.values() and kind in paths and paths[kind] == series
            for paths in telegram.PATHS.values()
            for kind in kinds
        )
        is_present = (
            record.findtext("Function") == "Instantaneous value"
            and record.findtext("StorageNumber") == "0"
        )
        if is_series and is_present and unit in FACTORS:
            number = Decimal(record.findtext("Value")) * FACTORS[unit]
            yield max(number, Decimal(0)) if "/power/" in series or "/flow/" in series else number


def test_only_present_values_of_the_meter_itself_count():
    frame = heat_frame(PAST, ENERGY, ITS_INPUT, VOLUME, MOST, NO_VALUE)

    assert values(frame) == {
        "consumption/energy/heat/index": Decimal(12_345_678_000),
        "consumption/volume/heat/index": Decimal("654.321"),
    }


def test_joules_become_watt_hours():
    # 1,234,000,000 J / 3600 = 342,777.778 Wh
    assert values(heat_frame(JOULES)) == {"consumption/energy/heat/index": Decimal("342777.778")}


def test_a_medium_not_known_is_told_and_can_be_overruled():
    frame = heat_frame(VOLUME, medium=0x0F)
    with pytest.raises(Malformed) as told:
        values(frame)

    assert told.value.code == "mbus.medium"
    assert values(frame, "water") == {"consumption/volume/water/index": Decimal("654.321")}


@given(st.binary(max_size=60), st.integers(0, 40))
def test_any_torn_or_disturbed_frame_is_refused_or_read_as_it_was(noise, at):
    whole = heat_frame(ENERGY, VOLUME)
    torn = whole[:at] + noise + whole[at + len(noise) :]
    try:
        read = values(torn)
    except Malformed:
        return
    # One byte of checksum: two faults may cancel out, but the frame has its form still.
    assert sum(torn[4:-2]) & 0xFF == torn[-2]
    assert set(read) <= set(telegram.PATHS["heat"].values()) | {
        path for paths in telegram.PATHS.values() for path in paths.values()
    }


def asking(line, tmp_path, around=None, **more):
    whose = {} if "number" in more else {"address": 1}
    # A pseudo-terminal has no parity, and refuses to be opened with one twice.
    entries = {"line": line, "point": POINT, "parity": "none"} | whose | more
    return made("mbus", entries, tmp_path, around=around).driver


@pytest.mark.parametrize("line", [mbus_slave.over_tcp, mbus_slave.over_serial])
@pytest.mark.parametrize("noise", [b"", b"\x00\xff\x16"])
def test_a_slave_is_asked_over_tcp_and_over_a_serial_line(tmp_path, line, noise):
    with line(Slave(heat_frame(ENERGY), noise=noise)) as path:
        (sample,) = read_of(asking(path, tmp_path))

    assert (sample.path, sample.value) == ("consumption/energy/heat/index", (12_345_678_000, 0))


def test_a_meter_is_chosen_by_the_number_on_its_plate(tmp_path):
    one = Slave(heat_frame(ENERGY), address=None, number=bytes.fromhex("78563412 2D2C 01 04"))
    other = Slave(heat_frame(VOLUME), address=None, number=bytes.fromhex("11111111 2D2C 01 04"))
    with mbus_slave.over_tcp(one, other) as path:
        by_plate = read_of(asking(path, tmp_path, number="12345678"))
        in_full = read_of(asking(path, tmp_path, number="111111112D2C0104"))

    assert [sample.path for sample in by_plate] == ["consumption/energy/heat/index"]
    assert [sample.path for sample in in_full] == ["consumption/volume/heat/index"]


def test_two_meters_share_a_serial_line(tmp_path):
    around = Surroundings(tmp_path, lambda: 0.0)
    slaves = [Slave(heat_frame(ENERGY), address=1), Slave(heat_frame(VOLUME), address=2)]
    came = {}

    def ask(address, driver):
        for _ in range(5):
            came.setdefault(address, set()).update(sample.path for sample in read_of(driver))

    with mbus_slave.over_serial(*slaves) as path:
        threads = [
            threading.Thread(target=ask, args=(n, asking(path, tmp_path, around, address=n)))
            for n in (1, 2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    assert came == {
        1: {"consumption/energy/heat/index"},
        2: {"consumption/volume/heat/index"},
    }


def test_a_meter_that_gives_heat_counts_for_production(tmp_path):
    with mbus_slave.over_tcp(Slave(heat_frame(ENERGY))) as path:
        (sample,) = read_of(asking(path, tmp_path, reversed=True))

    assert sample.path == "production/energy/heat/index"


def test_a_meter_at_another_address_is_told_from_a_line_that_is_not_there(tmp_path):
    with mbus_slave.over_tcp(Slave(heat_frame(ENERGY), address=7)) as path:
        with pytest.raises(KevreError) as told:
            read_of(asking(path, tmp_path))
        assert told.value.code == "mbus.no_answer"
    with pytest.raises(KevreError) as told:
        read_of(asking("/nonexistent/ttyUSB9", tmp_path))

    assert told.value.code == "mbus.line"


@pytest.mark.parametrize(
    "more", [{"address": 251}, {"number": "12"}, {"medium": "steam"}, {"baud": 0}]
)
def test_a_slip_is_named(tmp_path, more):
    with pytest.raises(Malformed) as told:
        asking("/dev/ttyUSB0", tmp_path, **more)

    assert next(iter(more)) in str(told.value)

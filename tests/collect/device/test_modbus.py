"""Meters on Modbus: a real pymodbus server with the registers of each map that is shipped."""

import struct
import threading
from collections import deque
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.constants import ExcCodes
from tests.collect.device import modbus_server
from tests.collect.device.rig import POINT, made, samples

from kevre.collect import register
from kevre.collect.driver import Surroundings
from kevre.collect.option import Options
from kevre.model.errors import KevreError, Malformed

OWN = {
    "address": 10,
    "type": "int32",
    "word_order": "little",
    "series": "consumption/energy/active/index",
    "unit": "kWh",
    "scale": Decimal("0.01"),
}


def reading(port, tmp_path, around=None, **entries):
    entries = {"host": "127.0.0.1", "port": port, "point": POINT} | entries
    return made("modbus", entries, tmp_path, around=around).driver


@pytest.mark.parametrize("name", sorted(register.known()))
def test_a_meter_of_a_shipped_map_is_read_whole_and_exactly(name, tmp_path):
    chosen = register.load(name)
    numbers = {one.address: 230.1 + one.address for one in chosen.registers}
    for one in chosen.registers:
        if "power" in one.measure.path:
            numbers[one.address] = 1_234.5
    served = modbus_server.of_map(chosen.registers, lambda one: numbers[one.address])
    with modbus_server.serving(modbus_server.device(served)) as port:
        read = {s.path: s.value for s in samples(reading(port, tmp_path, map=name))}

    assert read.keys() == {one.measure.path for one in chosen.registers}
    for one in chosen.registers:
        told = Decimal(str(numbers[one.address])) if "f" in one.form else numbers[one.address]
        exact = one.measure.value(Decimal(int(told)) if "f" not in one.form else told)
        assert read[one.measure.path] == exact, one.measure.path


@pytest.mark.parametrize("name", sorted(register.known()))
def test_a_shipped_map_names_its_source_and_both_ways_of_its_energy(name):
    chosen = register.load(name)
    paths = [one.measure.path for one in chosen.registers]

    assert len(chosen.source) > 40
    assert len(paths) == len(set(paths))
    assert {"consumption/energy/active/index", "production/energy/active/index"} <= set(paths)


def test_a_feed_in_counts_for_the_other_direction_and_a_reversed_meter_swaps_them(tmp_path):
    registers = {12: modbus_server.words(struct.pack(">f", -750.25))}
    power = {"address": 12, "type": "float32"}
    entries = {
        "register": [
            power | {"series": "consumption/power/active/instant", "sign": "positive"},
            power | {"series": "production/power/active/instant", "sign": "negative"},
        ]
    }
    with modbus_server.serving(modbus_server.device(registers)) as port:
        plain = samples(reading(port, tmp_path, **entries))
        turned = samples(reading(port, tmp_path, reversed=True, **entries))

    assert {s.path: s.value for s in plain} == {
        "consumption/power/active/instant": (0, 0),
        "production/power/active/instant": (75_025, -2),
    }
    assert {s.path: s.value for s in turned} == {
        "production/power/active/instant": (0, 0),
        "consumption/power/active/instant": (75_025, -2),
    }


def test_a_register_of_ones_own_has_order_scale_and_unit(tmp_path):
    registers = {10: modbus_server.words(struct.pack(">i", 123_456))[::-1]}
    with modbus_server.serving(modbus_server.device(registers)) as port:
        (read,) = samples(reading(port, tmp_path, register=[OWN]))

    assert read.value == (1_234_560, 0)


def test_registers_that_touch_are_read_at_once_and_none_across_a_gap(tmp_path):
    asked = []

    async def note(function_code, start_address, address, count, registers, set_values):
        asked.append((address, count))

    table = [OWN | {"address": at, "series": f"consumption/current/instant/l{at}"} for at in (0, 2)]
    table.append(OWN | {"address": 10})
    for one in table:
        one.pop("unit")
    with modbus_server.serving(
        modbus_server.device({0: [0, 1, 0, 2], 10: [0, 3]}, action=note)
    ) as port:
        read = samples(reading(port, tmp_path, register=table))

    assert len(read) == 3
    assert asked == [(0, 4), (10, 2)]


def test_what_the_meter_does_not_measure_spares_the_rest(tmp_path):
    nan = modbus_server.words(struct.pack(">f", float("nan")))
    table = [
        {"address": 0, "type": "float32", "series": "frequency/grid/instant"},
        {"address": 2, "series": "consumption/voltage/instant"},
        {"address": 99, "series": "consumption/current/instant"},
    ]
    with modbus_server.serving(modbus_server.device({0: nan, 2: [231]})) as port:
        driver = reading(port, tmp_path, register=table)
        came = []
        with pytest.raises(Malformed) as told:
            deque(map(came.append, driver.read()), maxlen=0)

    assert told.value.code in {"modbus.not_a_number", "modbus.register"}
    # The voltage shares the request of the frequency, which is no number.
    assert [sample.value for sample in came] == [(231, 0)]


@pytest.mark.parametrize("error", [ExcCodes.DEVICE_BUSY, ExcCodes.GATEWAY_NO_RESPONSE])
def test_a_refusal_names_the_registers(tmp_path, error):
    async def refuse(*_):
        return error

    with (
        modbus_server.serving(modbus_server.device({10: [0, 0]}, action=refuse)) as port,
        pytest.raises(KevreError) as told,
    ):
        samples(reading(port, tmp_path, register=[OWN]))

    assert "from 10" in str(told.value)


def test_two_meters_share_a_serial_line(tmp_path):
    around = Surroundings(tmp_path, lambda: 0.0)
    served = [
        modbus_server.device({10: modbus_server.words(struct.pack(">i", n * 100))[::-1]}, unit=n)
        for n in (1, 2)
    ]
    with modbus_server.serial_line() as (ours, theirs), modbus_server.serving_on(theirs, *served):
        line = {"serial": ours, "baud": 19_200, "point": POINT, "register": [OWN]}
        drivers = [
            made("modbus", line | {"unit_id": n}, tmp_path, around=around).driver for n in (1, 2)
        ]
        read = {}

        def round_of(number, driver):
            for _ in range(5):
                (sample,) = samples(driver)
                read.setdefault(number, set()).add(sample.value)

        threads = [
            threading.Thread(target=round_of, args=(n, driver))
            for n, driver in enumerate(drivers, 1)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    assert read == {1: {(1_000, 0)}, 2: {(2_000, 0)}}


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({}, "map"),
        ({"map": "eastron"}, "eastron-sdm120"),
        ({"map": "eastron-sdm120", "serial": "/dev/ttyUSB0"}, "host"),
        ({"register": [OWN | {"type": "uint24"}]}, "type"),
        ({"register": [OWN | {"unit": "W"}]}, "register 1"),
        ({"register": [OWN | {"series": "consumption/energy"}]}, "register 1"),
        ({"register": [OWN | {"address": 65_535}]}, "address"),
        ({"register": [OWN | {"address": -1}]}, "address"),
        ({"register": [OWN | {"adress": 1}]}, "adress"),
    ],
)
def test_a_slip_in_a_map_is_named(tmp_path, more, word):
    with pytest.raises(Malformed) as told:
        reading(502, tmp_path, **more)

    assert word in str(told.value)


def one_register(form):
    entries = {"address": 0, "type": form, "series": "consumption/energy/active/index"}
    (made_register,) = register.registers(Options({"register": [entries]}, "test"))
    return made_register


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_of_32_bits_is_given_by_a_decimal_that_is_no_other(value):
    words = modbus_server.words(struct.pack(">f", value))

    number = one_register("float32").number(words)

    assert struct.pack(">f", float(number)) == struct.pack(">f", value)
    assert len(number.as_tuple().digits) <= 9


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_whole_number_is_read_back_in_either_word_order(value):
    words = modbus_server.words(struct.pack(">q", value))
    big = one_register("int64")

    assert big.number(words) == value
    little = register.Register("holding", 0, big.form, False, big.measure)
    assert little.number(words[::-1]) == value


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 300)), max_size=30))
def test_blocks_hold_every_register_once_and_cross_no_gap(places):
    some = [
        register.Register("input" if is_input else "holding", at, ">f", True, None)
        for is_input, at in places
    ]
    blocks = list(register.blocks(some))

    assert sorted(map(str, some)) == sorted(str(one) for block in blocks for one in block)
    for block in blocks:
        covered = {at for one in block for at in range(one.address, one.end)}
        assert covered == set(range(block[0].address, max(one.end for one in block)))
        assert len({one.table for one in block}) == 1

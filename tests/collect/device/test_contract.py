"""What every driver must hold, over the table of all."""

import subprocess
import sys

import pytest
from tests.collect.device.rig import RIGS, made, samples

from kevre.collect.equipment import DRIVERS
from kevre.model import identifier
from kevre.model.errors import KevreError, Malformed

every_driver = pytest.mark.parametrize("kind", sorted(DRIVERS))
LIBRARIES = ("gpiozero", "meterbus", "paho", "pymodbus", "sunspec2")


def test_every_driver_has_a_rig():
    assert set(RIGS) == set(DRIVERS)


@every_driver
def test_a_device_gives_exact_values_of_known_series(kind, tmp_path):
    rig, _ = RIGS[kind]
    with rig(tmp_path) as entries:
        one = made(kind, entries, tmp_path)
        read = samples(one.driver)

    assert read
    for sample in read:
        urn = f"{sample.point or one.point}_{sample.path}"
        assert identifier.parse(urn).kind is not None
        assert [type(part) for part in sample.value] == [int, int]


@every_driver
def test_a_device_can_be_closed_twice_and_opened_again(kind, tmp_path):
    rig, _ = RIGS[kind]
    with rig(tmp_path) as entries:
        driver = made(kind, entries, tmp_path).driver
        driver.close()
        first = samples(driver)
        driver.close()
        second = samples(driver)

    assert {sample.path for sample in first} == {sample.path for sample in second}


@every_driver
def test_a_device_that_is_not_there_says_so_with_a_remedy(kind, tmp_path):
    rig, absence = RIGS[kind]
    with rig(tmp_path) as entries:
        driver = made(kind, entries | absence, tmp_path).driver
        with pytest.raises(KevreError) as told:
            samples(driver)

    assert told.value.hint


@every_driver
def test_what_a_driver_counts_are_numbers_that_never_fall(kind, tmp_path):
    rig, _ = RIGS[kind]
    with rig(tmp_path) as entries:
        driver = made(kind, entries, tmp_path).driver
        before = dict(driver.counts())
        samples(driver)
        after = dict(driver.counts())

    assert after.keys() == before.keys()
    assert all(after[name] >= before[name] >= 0 for name in before)


@every_driver
def test_a_slip_in_the_file_names_device_and_entry(kind, tmp_path):
    rig, _ = RIGS[kind]
    with rig(tmp_path) as entries, pytest.raises(Malformed) as told:
        made(kind, entries | {"evry_s": 3}, tmp_path)

    assert told.value.code == "device.entry"
    assert f"device one-{kind}" in told.value.where
    assert "evry_s" in str(told.value)


@every_driver
def test_a_drivers_library_is_loaded_only_when_the_device_is_opened(kind):
    look = (
        f"import sys, kevre.collect.cli, kevre.collect.device.{DRIVERS[kind]}\n"
        f"print([name for name in {LIBRARIES} if name in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, check=True
    ).stdout

    assert said.strip() == "[]"

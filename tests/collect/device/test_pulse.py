"""Counts that go on after a power cut, and contacts that bounce."""

import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.collect.device.rig import POINT, made, samples

from kevre.collect.device.pulse import Pin
from kevre.collect.tally import Tally
from kevre.model.errors import Malformed, Unavailable

WATER = {"point": POINT, "series": "consumption/volume/water/index", "unit": "l", "scale": 10}


@pytest.fixture
def dial(tmp_path):
    """A file of pulses and a driver on it, ten litres a pulse; made anew after each cut."""
    count = tmp_path / "pulses"
    count.write_text("100")

    def driver(**more):
        return made("pulse", WATER | {"file": str(count)} | more, tmp_path).driver

    return count, driver


def litres(driver):
    (sample,) = driver.read()
    return sample.value[0] * 10 ** (sample.value[1] + 3)


def test_a_register_starts_at_the_dial_and_counts_pulses(dial):
    count, driver = dial
    meter = driver(start=4_200)
    meter.open()
    first = litres(meter)
    count.write_text("103")

    assert (first, litres(meter)) == (42_000, 42_030)


def test_the_count_goes_on_after_a_power_cut(dial):
    count, driver = dial
    before = driver(start=4_200)
    before.open()
    count.write_text("107")
    assert litres(before) == 42_070
    # The power goes: nothing is closed. The program that counts begins anew at zero.
    count.write_text("0")
    after = driver(start=4_200)
    after.open()
    count.write_text("2")

    assert litres(after) == 42_090


def test_a_count_of_another_program_that_begins_anew_is_recognised(dial):
    count, driver = dial
    meter = driver()
    meter.open()
    count.write_text("5")

    assert litres(meter) == 50


def test_what_was_counted_is_kept_at_the_end(dial, tmp_path):
    count, driver = dial
    meter = driver()
    meter.open()
    count.write_text("104")
    meter.close()

    assert (tmp_path / "collect.state" / "one-pulse.count").read_text() == "4\n"


def test_a_damaged_count_is_not_guessed_and_not_overwritten(dial, tmp_path):
    _, driver = dial
    kept = tmp_path / "collect.state" / "one-pulse.count"
    kept.parent.mkdir()
    kept.write_text("12x\n")
    with pytest.raises(Malformed) as told:
        samples(driver())

    assert told.value.code == "tally.damaged"
    assert kept.read_text() == "12x\n"


@pytest.mark.parametrize("text", ["", "-3", "many", "1.5"])
def test_a_file_that_holds_no_count_is_refused(dial, text):
    count, driver = dial
    count.write_text(text)
    with pytest.raises(Malformed) as told:
        samples(driver())

    assert told.value.code == "pulse.count"


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=20))
def test_a_tally_read_back_is_the_sum(tmp_path_factory, some):
    path = tmp_path_factory.mktemp("tally") / "one.count"
    for more in some:
        tally = Tally(path)
        tally.open(0)
        tally.add(more)
        tally.save()

    again = Tally(path)
    again.open(0)
    assert again.count == sum(some)


def test_a_tally_killed_while_it_writes_never_goes_back(tmp_path):
    path = tmp_path / "one.count"
    script = (
        "import sys, pathlib\n"
        "from kevre.collect.tally import Tally\n"
        f"tally = Tally(pathlib.Path({str(path)!r})); tally.open(0)\n"
        "while True:\n"
        "    tally.add(1); tally.save(); print(tally.count, flush=True)\n"
    )
    told = 0
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as counting:
            counting.stdout.readline()
            time.sleep(0.05)
            counting.send_signal(signal.SIGKILL)
            rest = counting.stdout.read().split()
        told = int(rest[-1]) if rest else told + 1
        tally = Tally(path)
        tally.open(0)
        assert tally.count in {told, told + 1}
        told = tally.count


def test_a_folder_that_takes_no_file_says_so(tmp_path):
    (tmp_path / "full").write_text("no folder")
    tally = Tally(tmp_path / "full" / "one.count")
    tally.add(1)
    with pytest.raises(Unavailable) as told:
        tally.save()

    assert told.value.code == "tally.write"


@pytest.fixture
def pin():
    """Pin 17 of gpiozero's own simulated board, and a source that counts on it."""
    from gpiozero import Device
    from gpiozero.pins.mock import MockFactory

    before, Device.pin_factory = Device.pin_factory, MockFactory()
    source = Pin(17, pull_up=True, debounce_ms=20)
    source.open()
    yield Device.pin_factory.pin(17), source
    source.close()
    Device.pin_factory.reset()
    Device.pin_factory = before


def close_contact(pin, for_s):
    pin.drive_low()
    time.sleep(for_s)
    pin.drive_high()
    time.sleep(0.02)


def test_a_contact_that_bounces_counts_once(pin):
    board, source = pin
    for _ in range(3):
        for _ in range(5):  # sparks of a millisecond
            close_contact(board, 0.001)
        close_contact(board, 0.15)

    assert source.new() == 3
    assert source.new() == 0


@pytest.mark.filterwarnings("ignore:Falling back")  # gpiozero tells each way that it tried
def test_a_board_without_pins_says_so():
    from gpiozero import Device

    before, Device.pin_factory = Device.pin_factory, None
    try:
        with pytest.raises(Unavailable) as told:
            Pin(17, pull_up=True, debounce_ms=20).open()
    finally:
        Device.pin_factory = before

    assert told.value.code == "pulse.pin"
    assert "gpio" in told.value.hint

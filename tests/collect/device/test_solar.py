"""The heat of a solar loop, on paper and beside what a real plant computed of itself."""

import csv
import gzip
from datetime import datetime

import pytest
from tests.collect.device.rig import LOOP, loop_of, made, solar

from kevre.collect import fluid
from kevre.collect.device.solar import EFFICIENCY, ENERGY, POWER, Loop, Solar
from kevre.collect.driver import Board, Surroundings
from kevre.collect.tally import Tally
from kevre.model import exact
from kevre.model.errors import Malformed, Unavailable
from kevre.model.quality import Quality

SUN = f"{LOOP}_irradiance/collector/instant"
FLOW, SUPPLY, BACK = (
    f"{LOOP}_{path}"
    for path in (
        "production/flow/heat/instant",
        "temperature/supply/instant",
        "temperature/return/instant",
    )
)


@pytest.fixture
def loop(tmp_path):
    """A loop of water, its board and a clock that is set by hand."""

    class At:
        now_s = 1_800_000_000
        board = Board()

    at = At()

    def driver(flowing=None):
        return Solar(
            flowing or Loop(FLOW, SUPPLY, BACK, SUN, 10.0, fluid.Water()),
            at.board,
            Tally(tmp_path / "loop.joule"),
            clock=lambda: at.now_s,
            stale_s=120,
            index_s=60,
            monotonic=lambda: at.now_s,
        )

    return at, driver


def read(driver):
    return {sample.path: sample.value for sample in driver.read()}


def test_the_power_is_that_of_the_formula_by_hand(loop):
    at, driver = loop
    one = driver()
    one.open()
    loop_of(at.board, at.now_s, flow="0.9", supply="60", back="40")
    at.board.post(SUN, exact.parse("800"), at.now_s)
    told = list(one.read())
    values = {sample.path: sample.value for sample in told}

    # 0.9 m3/h of 992.2 kg/m3 is 0.24805 kg/s; times 4181 J/(kg K) and 20 K: 20,742 W.
    power_w = values[POWER][0] * 10.0 ** values[POWER][1]
    assert power_w == pytest.approx(20_742, rel=0.001)
    share = values[EFFICIENCY][0] * 10.0 ** values[EFFICIENCY][1]
    assert share == pytest.approx(power_w / 8_000, abs=0.0001)
    assert {sample.quality for sample in told} == {Quality.COMPUTED}


def test_energy_is_what_the_power_sums_to_and_goes_on_after_a_power_cut(loop):
    at, driver = loop
    one = driver()
    one.open()
    for _ in range(361):
        loop_of(at.board, at.now_s, flow="0.9", supply="60", back="40")
        at.board.post(SUN, exact.parse("800"), at.now_s)
        told = read(one)
        at.now_s += 10
    hour_wh = told[ENERGY][0]
    power_w = told[POWER][0] * 10.0 ** told[POWER][1]
    assert hour_wh == pytest.approx(power_w, rel=0.001)

    # The power goes, nothing is closed; in the two hours until it comes nothing is counted.
    at.now_s += 7_200
    again = driver()
    again.open()
    loop_of(at.board, at.now_s)
    at.board.post(SUN, exact.parse("800"), at.now_s)
    assert read(again)[ENERGY] == (hour_wh, 0)


def test_a_loop_that_cools_gives_nothing_and_takes_nothing_back(loop):
    at, driver = loop
    one = driver()
    one.open()
    for _ in range(20):
        loop_of(at.board, at.now_s, supply="20", back="40")
        at.board.post(SUN, exact.parse("0"), at.now_s)
        told = read(one)
        at.now_s += 10

    assert told[POWER] == (0, 0)
    assert EFFICIENCY not in told
    one.close()
    again = driver()
    again.open()
    loop_of(at.board, at.now_s)
    at.board.post(SUN, exact.parse("0"), at.now_s)
    assert read(again)[ENERGY] == (0, 0)


@pytest.mark.parametrize("age_s", [121, -121])
def test_an_old_input_is_none(loop, age_s):
    at, driver = loop
    one = driver()
    one.open()
    loop_of(at.board, at.now_s - age_s)
    at.board.post(SUN, exact.parse("800"), at.now_s)
    with pytest.raises(Unavailable) as told:
        read(one)

    assert told.value.code == "solar.input"
    assert told.value.where == "production/flow/heat/instant"


def test_devices_that_have_not_spoken_yet_are_waited_for_but_not_for_ever(loop):
    at, driver = loop
    one = driver()
    one.open()

    assert read(one) == {}
    at.now_s += 121
    with pytest.raises(Unavailable):
        read(one)


def test_a_long_gap_is_not_filled(loop):
    at, driver = loop
    one = driver()
    one.open()
    for _ in range(2):
        loop_of(at.board, at.now_s)
        at.board.post(SUN, exact.parse("800"), at.now_s)
        told = read(one)
        at.now_s += 3_600

    assert told[ENERGY] == (0, 0)
    assert one.counts() == {"gaps": 1}


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"flow": SUPPLY}, "flow"),
        ({"flow": "flowmeter"}, "device one-solar"),
        ({"fluid": "oil"}, "fluid"),
        ({"fluid": "propylene-glycol"}, "glycol_pct"),
        ({"fluid": "propylene-glycol", "glycol_pct": 61}, "glycol_pct"),
        ({"fluid": "table"}, "density"),
        ({"fluid": "table", "density": [[0, 1]], "heat_capacity": [[0, 1], [1, 1]]}, "density"),
        ({"fluid": "table", "density": [[0, "x"]], "heat_capacity": []}, "density"),
        ({"irradiance": SUN}, "area_m2"),
        ({"irradiance": FLOW, "area_m2": 10}, "irradiance"),
    ],
)
def test_a_slip_is_named(tmp_path, more, word):
    around = Surroundings(tmp_path, lambda: 0.0)
    with solar(tmp_path) as entries, pytest.raises(Malformed) as told:
        made("solar", entries | more, tmp_path, around=around)

    assert word in str(told.value)


def minutes(samples):
    """What the plant of Condat wrote down: flow, hot and cold side, and its own power."""
    names = {
        "flow": "Solar_Flow_rate (FT110.1)",
        "supply": "T_out_SF_East (TT140.8)",
        "back": "T_in_SF (TT140.6)",
    }
    path = samples / "solar_thermal" / "Condat__2020-05-01__2020-05-31__1m.csv.gz"
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file, delimiter=";"):
            if row["Time"] == "time" or not all(row[name] for name in names.values()):
                continue
            at_s = int(datetime.fromisoformat(row["Time"]).timestamp())
            told = {key: row[name] for key, name in names.items()}
            yield at_s, told, float(row["SF_Power_calculation"] or 0)


@pytest.mark.real_data
@pytest.mark.parametrize("by", ["maker's table", "glycol formula"])
def test_a_real_plants_month_is_within_two_percent_of_its_own_reckoning(samples, loop, by):
    """Condat-sur-Vezere, 4212 m2, May 2020; the plant's fluid is Coracon SOL 5 at 30 %."""
    at, driver = loop
    folder = samples / "solar_thermal"
    flowing = fluid.propylene(30)
    if by == "maker's table":
        from tests.collect.test_fluid import curve

        flowing = fluid.Tabled(
            curve(folder / "Coracon_SOL_5_density.csv", 30),
            curve(folder / "Coracon_SOL_5_heat_capacity.csv", 30),
        )
    one = driver(Loop(FLOW, SUPPLY, BACK, "", 1.0, flowing))
    one.open()
    theirs_wh = 0.0
    for at_s, told, power_kw in minutes(samples):
        at.now_s = at_s
        loop_of(at.board, at_s, **told)
        if power_kw < 200:  # their reckoning is kept to the hours of work
            one._last = None
            continue
        ours = read(one)
        theirs_wh += power_kw * 1_000 / 60

    assert theirs_wh > 200e6
    assert ours[ENERGY][0] == pytest.approx(theirs_wh, rel=0.02)

import pytest

from kevre.model.identifier import kind_of
from kevre.model.input import InputName
from kevre.model.unit import shift
from kevre.quality.proposal import part, propose


@pytest.mark.parametrize(
    ("name", "least", "most", "path", "unit"),
    [
        ("power1", 0, 2_400, "consumption/power/active/instant/power1", "W"),
        ("CT3", 0, 2_400, "consumption/power/active/instant/ct3", "W"),
        ("grid_power", 0, 900, "consumption/power/active/instant", "W"),
        ("solar", 0, 3_000, "production/power/active/instant/solar", "W"),
        ("Vrms", 228, 241, "consumption/voltage/instant/vrms", "V"),
        ("temp2", -4, 21, "temperature/indoor/raw/temp2", "Cel"),
        ("external_outside_t", -4, 21, "temperature/outdoor/instant", "Cel"),
        ("humidity", 40, 61, "humidity/indoor/instant", "%RH"),
        ("salon co2", 400, 1_900, "co2/indoor/instant", "ppm"),
        ("PAPP", 0, 6_000, "consumption/power/apparent/instant", "VA"),
        ("BASE", 10**7, 10**7, "consumption/energy/active/index/base", "Wh"),
        ("kWh", 3, 9, "consumption/energy/active/index/kwh", "kWh"),
    ],
)
def test_names_of_the_field_are_understood(name, least, most, path, unit):
    proposed = propose(InputName("emontx", name), "", least, most)

    assert (proposed.path, proposed.unit) == (path, unit)
    assert shift(unit, kind_of(path).unit) >= 0


@pytest.mark.parametrize("name", ["rssi", "1", "msg", "E7", "état", ""])
def test_of_a_name_that_says_nothing_nothing_is_guessed(name):
    assert propose(InputName("n", name)).path == ""


def test_a_unit_says_more_than_a_name():
    assert propose(InputName("kWh", "entity_id=boiler"), "").unit == "kWh"
    assert propose(InputName("n", "boiler"), "°C").path.startswith("temperature/")


def test_a_value_that_cannot_be_takes_the_guess_away():
    assert propose(InputName("n", "temp"), "", -2, 4_095).path == ""


def test_power_below_zero_is_drawn_and_fed():
    proposed = propose(InputName("n", "solar_grid"), "", -2_000, 900)

    assert proposed.is_signed
    assert proposed.path == "consumption/power/active/instant"


def test_a_part_is_always_a_part():
    for name in ("Lave-linge (cuisine)", "ÇÀ ET LÀ", "//..", "x" * 300):
        assert kind_of(f"consumption/power/active/instant/{part(name) or 'x'}") is not None

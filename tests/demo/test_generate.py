from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.node.demo import generate, sun
from kevre.node.demo.clock import clock

PARIS = ZoneInfo("Europe/Paris")
SKY = generate.Sky(7, sun.Place(47.75, -3.37))
HOME = generate.Home(11, base_w=120, activity_w=500, loss_w_per_k=80, people=3, has_tank=True)
SCHOOL = generate.Building(
    5, 3_000, 15_000, 7.5, 18.0, (1.0, 1.0, 0.5, 1.0, 1.0, 0.0, 0.0), (30, 31), 300
)
ROOF = generate.Array(3, 3_000, 3_000, sun.Plane(30, 180))


def slots(year, month, day, days=1, step_s=1_800):
    first = int(datetime(year, month, day, tzinfo=UTC).timestamp())
    return np.arange(first, first + days * 86_400, step_s)


def home(start_s, temp_c=8.0, of=HOME):
    temps = np.full(len(start_s), temp_c)
    return generate.home_w(of, start_s, 1_800, temp_c=temps, zone=PARIS)


def solar(start_s, of=ROOF):
    return generate.solar_w(of, SKY, start_s, temp_c=np.full(len(start_s), 12.0))


@given(st.integers(500_000, 1_500_000), st.integers(2, 200), st.data())
def test_a_home_is_the_same_in_whatever_pieces_it_is_asked(first, count, data):
    start_s = np.arange(first, first + count) * 1_800
    cut = data.draw(st.integers(1, count - 1))
    pieces = np.concatenate([home(start_s[:cut]), home(start_s[cut:])])
    assert pieces.tolist() == home(start_s).tolist()


@given(st.integers(500_000, 1_500_000))
def test_solar_production_is_the_same_in_whatever_pieces_it_is_asked(first):
    start_s = np.arange(first, first + 144) * generate.SOLAR_STEP_S
    pieces = np.concatenate([solar(start_s[:50]), solar(start_s[50:])])
    assert pieces.tolist() == solar(start_s).tolist()


@given(st.integers(0, 2**62), st.integers(500_000, 1_500_000), st.floats(-20, 40))
def test_a_home_never_draws_less_than_nothing_nor_more_than_it_subscribed(seed, first, temp_c):
    one = generate.Home(seed, 90, 600, 150, 6, has_tank=True)
    power_w = home(np.arange(first, first + 48) * 1_800, temp_c, one)
    assert power_w.min() > 0
    assert power_w.max() <= one.limit_w


def test_another_seed_is_another_home():
    start_s = slots(2026, 2, 3)
    other = generate.Home(12, 120, 500, 80, 3, has_tank=True)
    assert not np.allclose(home(start_s), home(start_s, of=other))


def test_cold_weather_costs_a_heated_home_about_its_loss():
    start_s = slots(2026, 1, 1, days=60)
    more_w = home(start_s, 0.0).mean() - home(start_s, 10.0).mean()
    assert 0.6 * 10 * HOME.loss_w_per_k < more_w < 10 * HOME.loss_w_per_k


def test_water_is_heated_at_night_by_the_clock_on_the_wall():
    cold_tap = generate.Home(11, 120, 500, 80, 3, has_tank=False)
    for start_s in (slots(2026, 1, 5, days=10), slots(2026, 6, 1, days=10)):
        tank_w = home(start_s) - home(start_s, of=cold_tap)
        hour = clock(start_s + 900, PARIS).hour[tank_w > 1]
        assert len(hour)
        assert ((hour >= 23) | (hour < 7)).all()


def test_hot_water_over_a_year_is_what_its_people_need():
    cold_tap = generate.Home(11, 120, 500, 0, 3, has_tank=False)
    tank = generate.Home(11, 120, 500, 0, 3, has_tank=True)
    start_s = slots(2025, 1, 1, days=365)
    daily_wh = (home(start_s, of=tank) - home(start_s, of=cold_tap)).sum() / 2 / 365
    assert daily_wh == pytest.approx(3 * 1_150, rel=0.2)  # some weeks away, some taps capped


def test_the_clock_change_neither_stops_nor_doubles_a_home():
    for start_s in (slots(2026, 3, 29), slots(2026, 10, 25)):
        assert len(home(start_s)) == 48
        assert np.isfinite(home(start_s)).all()


def test_a_school_sleeps_at_weekends_and_in_the_holidays():
    def day_w(year, month, day):
        start_s = slots(year, month, day)
        temps = np.full(len(start_s), 18.0)
        power_w = generate.building_w(SCHOOL, start_s, 1_800, temp_c=temps, zone=PARIS)
        return power_w.max()

    tuesday, sunday, holiday = day_w(2026, 3, 3), day_w(2026, 3, 8), day_w(2026, 8, 4)
    assert tuesday > 3 * sunday
    assert holiday < 2 * SCHOOL.base_w


def test_the_sun_does_not_shine_at_night():
    start_s = slots(2026, 6, 21, days=3, step_s=600)
    stand = sun.sun(SKY.place, start_s + 300)
    power_w = solar(start_s)
    assert (power_w[stand.up <= 0] == 0).all()
    assert (power_w[stand.elevation_deg > 5] > 0).all()


def test_a_roof_in_lorient_makes_about_what_such_roofs_make():
    # Southern Brittany: 1,100 to 1,250 kWh a year and kW of peak power (PVGIS).
    start_s = slots(2025, 1, 1, days=365, step_s=600)
    yearly_kwh = solar(start_s).sum() / 6 / 1_000
    assert 1_050 < yearly_kwh / 3 < 1_300


def test_an_inverter_is_never_exceeded():
    small = generate.Array(3, 6_000, 3_000, sun.Plane(30, 180))
    assert solar(slots(2026, 6, 1, days=30, step_s=600), small).max() == 3_000


def test_plants_under_one_sky_share_its_clouds():
    start_s = slots(2026, 5, 1, days=20, step_s=600)
    east = generate.Array(3, 3_000, 3_000, sun.Plane(20, 150))
    west = generate.Array(4, 9_000, 9_000, sun.Plane(20, 210))
    assert np.corrcoef(solar(start_s, east), solar(start_s, west))[0, 1] > 0.9


def test_the_wall_clock_knows_both_clock_changes():
    at = [datetime(2026, 3, 29, h, 59, tzinfo=UTC) for h in (0, 1)]
    at += [datetime(2026, 10, 25, h, 59, tzinfo=UTC) for h in (0, 1)]
    hours = clock(np.array([int(t.timestamp()) for t in at]), PARIS).hour
    assert [int(hour) for hour in hours] == [1, 3, 2, 2]


@given(st.integers(0, 4_000_000_000))
def test_the_wall_clock_tells_the_calendar_as_python_does(at_s):
    time = clock(np.array([at_s]), PARIS)
    local = datetime.fromtimestamp(at_s, PARIS)
    assert time.weekday[0] == local.weekday()
    assert time.day[0] == local.toordinal() - 719_163
    assert time.week_of_year[0] == (local.timetuple().tm_yday - 1) // 7

"""The made-up load: its registers are the exact integral of its power."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kevre.collect.load import Load
from kevre.model.errors import Malformed

MARCH = int(datetime(2025, 3, 20, tzinfo=UTC).timestamp())
SITES = {
    name: Load(seed, profile, solar_wp)
    for name, (seed, profile, solar_wp) in {
        "home": (1, "household", 0),
        "home with panels": (2, "household", 6_000),
        "school": (3, "school", 9_000),
    }.items()
}


# Ten days around the change to summer time: the day of 46 half-hours is among them.
@settings(max_examples=40, deadline=None)
@given(
    site=st.sampled_from(sorted(SITES)),
    start_s=st.integers(MARCH, MARCH + 14 * 86_400),
    length_s=st.integers(0, 3_000),
)
def test_a_register_moves_by_exactly_what_flowed(site, start_s, length_s):
    load = SITES[site]
    before, after = load.at(start_s), load.at(start_s + length_s)
    states = [load.at(at_s) for at_s in range(start_s, start_s + length_s)]

    import_ws = sum(state.import_w for state in states)
    export_ws = sum(state.export_w for state in states)

    assert abs((after.import_wh - before.import_wh) * 3_600 - import_ws) < 3_600
    assert abs((after.export_wh - before.export_wh) * 3_600 - export_ws) < 3_600
    assert all(state.import_w == 0 or state.export_w == 0 for state in states)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize(
    "midnight",
    [
        datetime(2025, 3, 30, 22, tzinfo=UTC),  # end of the day of 46
        datetime(2025, 10, 26, 23, tzinfo=UTC),  # end of the day of 50
        datetime(2025, 12, 31, 23, tzinfo=UTC),
    ],
)
def test_registers_do_not_jump_at_midnight(site, midnight):
    at_s = int(midnight.timestamp())
    before, after = SITES[site].at(at_s - 1), SITES[site].at(at_s)

    assert 0 <= after.import_wh - before.import_wh <= 30
    assert 0 <= after.export_wh - before.export_wh <= 30


def test_a_device_that_starts_again_goes_on_where_it_would_have_been():
    at_s = MARCH + 86_400 * 3 + 12_345
    running = Load(5, "household", 3_000)
    for hours in (60, 30, 10):
        running.at(at_s - hours * 3_600)

    assert running.at(at_s) == Load(5, "household", 3_000).at(at_s)


def test_another_seed_is_another_site():
    assert Load(1, "household").at(MARCH) != Load(2, "household").at(MARCH)


def test_a_school_works_in_the_day_and_rests_on_sunday():
    school = SITES["school"]
    tuesday = datetime(2025, 3, 25, 9, tzinfo=UTC)
    noon_w, night_w, sunday_w = (
        school.at(int(at.timestamp())).import_w
        for at in (tuesday, tuesday - timedelta(hours=7), tuesday - timedelta(days=2))
    )
    assert noon_w > 3 * night_w
    assert sunday_w < noon_w / 2


def test_panels_give_nothing_at_night_and_much_in_june():
    june = datetime(2025, 6, 21, tzinfo=UTC)
    home = SITES["home with panels"]
    hours = [home.at(int((june + timedelta(hours=h)).timestamp())) for h in range(24)]

    assert all(state.export_w == 0 for state in hours[:3] + hours[22:])
    assert max(state.export_w for state in hours) > 500


def test_an_unknown_profile_is_refused():
    with pytest.raises(Malformed, match="household"):
        Load(1, "castle")

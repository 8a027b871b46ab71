from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.node.demo import sun

LORIENT = sun.Place(47.75, -3.37)
instants = st.integers(int(datetime(1990, 1, 1, tzinfo=UTC).timestamp()), 2_500_000_000)


def test_the_sun_stands_where_the_reference_algorithm_puts_it():
    # I. Reda, A. Andreas, "Solar position algorithm for solar radiation applications",
    # NREL/TP-560-34302 (2008), appendix A.5: zenith 50.11162, azimuth 194.34024 degrees.
    golden = sun.Place(39.742476, -105.1786)
    at_s = np.array([int(datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC).timestamp())])
    stand = sun.sun(golden, at_s)
    assert 90 - stand.elevation_deg[0] == pytest.approx(50.11162, abs=0.03)
    assert stand.azimuth_deg[0] == pytest.approx(194.34024, abs=0.03)


@given(instants)
def test_the_sun_is_one_unit_away_in_every_direction(at_s):
    stand = sun.sun(LORIENT, np.array([at_s]))
    length = stand.east**2 + stand.north**2 + stand.up**2
    assert length[0] == pytest.approx(1)


def test_a_clear_sky_with_the_sun_overhead_gives_what_haurwitz_gives():
    # 94.4 exp(-0.059) gram calories per cm2 and hour, of 4.184 J: 1034.3 W/m2.
    expected = 94.4 * np.exp(-0.059) * 4.184 * 1e4 / 3600
    assert sun.clear_sky_w_m2(np.array([1.0]))[0] == pytest.approx(expected, rel=1e-3)


def test_below_the_horizon_there_is_no_light():
    up = np.array([-0.5, -1e-9, 0.0])
    assert sun.clear_sky_w_m2(up).tolist() == [0, 0, 0]


def test_the_diffuse_fraction_meets_its_published_ends_without_a_step():
    below, above = sun.diffuse_fraction(np.array([0.22, 0.2200001]))
    assert below == pytest.approx(0.9802)
    assert above == pytest.approx(below, abs=2e-3)
    before, after = sun.diffuse_fraction(np.array([0.80, 0.8000001]))
    assert after == pytest.approx(0.165)
    assert before == pytest.approx(after, abs=2e-3)


@given(instants, st.floats(0, 90), st.floats(0, 360), st.floats(0, 1))
def test_a_plane_never_receives_negative_or_absurd_light(at_s, tilt, azimuth, clouds):
    stand = sun.sun(LORIENT, np.array([at_s]))
    plane = sun.Plane(tilt, azimuth)
    light = sun.on_plane_w_m2(stand, plane, sun.clear_sky_w_m2(stand.up) * clouds)
    assert 0 <= light[0] < 1_600


def test_a_level_plane_receives_the_global_light():
    at_s = np.array([int(datetime(2026, 6, 21, 12, tzinfo=UTC).timestamp())])
    stand = sun.sun(LORIENT, at_s)
    light = sun.clear_sky_w_m2(stand.up)
    assert sun.on_plane_w_m2(stand, sun.Plane(0, 180), light) == pytest.approx(light)

"""Which series stand for what, and what people read of each."""

import pytest
from tests import registry

from kevre.model.series import Direction
from kevre.web import words
from kevre.web.meters import meters

pytestmark = [pytest.mark.django_db, pytest.mark.registry]


def test_live_power_is_electric_and_of_all_phases():
    school = registry.site()
    paths = (
        "consumption/power/heat/instant",
        "consumption/power/active/instant/l1",
        "consumption/power/active/instant",
    )
    known = [registry.series(school, path) for path in paths]

    assert meters(known).live == {Direction.CONSUMPTION: known[-1]}


def test_the_series_of_a_phase_says_which():
    school = registry.site()
    whole = registry.series(school, "consumption/current/instant")
    phase = registry.series(school, "consumption/current/instant/l2")

    assert words.series_name(phase) == f"{words.series_name(whole)} (l2)"

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.model import step
from kevre.model.errors import Malformed
from kevre.model.step import Resolution


@given(st.integers(1, 366 * 86_400))
def test_a_step_survives_writing_and_reading(length_s):
    assert step.seconds(step.duration(length_s)) == length_s


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "30", "PT0S", "P1M", "P1Y", "-PT5M", "PT5M ", "pt5m"]
)
def test_what_is_not_a_fixed_step_is_refused(text):
    with pytest.raises(Malformed):
        step.seconds(text)


def test_resolutions_are_ordered_from_fine_to_coarse():
    lengths = [resolution.least_s for resolution in Resolution]

    assert lengths == sorted(lengths)
    assert [r for r in Resolution if r.is_calendar] == list(Resolution)[4:]

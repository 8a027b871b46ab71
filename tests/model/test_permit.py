import pytest

from kevre.model.errors import Refused
from kevre.model.permit import Permit
from kevre.model.step import Resolution
from kevre.model.window import Window

YEAR = Window.of_seconds(1_700_000_000, 1_731_536_000)


def permit(**changed):
    given = {
        "series": frozenset({1, 2}),
        "window": YEAR,
        "finest": Resolution.HOUR,
        "totals_only": False,
        "purpose": "test",
    }
    return Permit(**given | changed)


def test_a_read_is_clipped_to_the_window():
    wide = Window.of_seconds(YEAR.start_s - 500, YEAR.start_s + 500)

    assert permit().clip(1, wide, Resolution.DAY) == Window.of_seconds(
        YEAR.start_s, YEAR.start_s + 500
    )


def test_a_read_outside_the_window_gives_nothing():
    assert permit().clip(1, Window.of_seconds(0, 100), Resolution.DAY) is None


@pytest.mark.parametrize(
    "resolution", [Resolution.RAW, Resolution.TEN_MINUTES, Resolution.HALF_HOUR]
)
def test_a_finer_resolution_is_refused(resolution):
    with pytest.raises(Refused):
        permit().clip(1, YEAR, resolution)


def test_another_series_is_refused():
    with pytest.raises(Refused):
        permit().clip(3, YEAR, Resolution.DAY)


def test_a_permit_for_totals_gives_no_single_series():
    with pytest.raises(Refused):
        permit(totals_only=True).clip(1, YEAR, Resolution.DAY)
    assert permit(totals_only=True).clip_total(YEAR, Resolution.DAY) == YEAR

from array import array

import pytest

from kevre.model.batch import Column
from kevre.model.identifier import KINDS
from kevre.model.quality import Quality
from kevre.quality.plausible import BOUNDS, implausible

NOW_S = 1_790_000_000


def column(
    values, path="consumption/power/active/raw", exponent=0, start_s=NOW_S - 86_400, quality=0
):
    count = len(values)
    return Column(
        f"urn:dev:prm:09876543210123_{path}",
        KINDS[path],
        exponent,
        array("q", range(start_s, start_s + 1800 * count, 1800)),
        array("i", [1800] * count),
        array("q", values),
        array("B", [quality] * count),
    )


def test_an_ordinary_curve_has_no_fault():
    assert implausible(column([0, 612, 36_000]), latest_s=NOW_S) == {}


def test_a_negative_power_is_named_with_its_line():
    faults = implausible(column([5, -1, 7]), latest_s=NOW_S)

    assert list(faults) == [1]
    assert faults[1].code == "reading.bound"
    assert faults[1].line == 2
    assert "-1 W" in faults[1].message


def test_bounds_are_checked_at_the_scale_of_the_values():
    assert implausible(column([2150, -50], "temperature/air/raw", -2), latest_s=NOW_S) == {}
    assert list(implausible(column([215], "temperature/air/raw", 2), latest_s=NOW_S)) == [0]


def test_a_reading_from_the_future_or_from_before_meters_is_a_fault():
    assert list(implausible(column([1], start_s=NOW_S), latest_s=NOW_S)) == [0]
    assert list(implausible(column([1], start_s=0), latest_s=NOW_S)) == [0]
    assert list(implausible(column([1], start_s=-(10**15)), latest_s=NOW_S)) == [0]


def test_a_missing_reading_is_not_judged_by_its_empty_value():
    pressure = column([0], "pressure/sea-level/raw", quality=Quality.MISSING)

    assert implausible(pressure, latest_s=NOW_S) == {}


@pytest.mark.parametrize("path", sorted(KINDS))
def test_every_unit_of_a_known_kind_has_bounds(path):
    assert KINDS[path].unit in BOUNDS

from array import array
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.model import window
from kevre.model.batch import Column
from kevre.model.identifier import KINDS
from kevre.model.quality import Quality
from kevre.quality.reconcile import reconcile

PARIS = ZoneInfo("Europe/Paris")
POINT = "urn:dev:prm:09876543210123_"
DAY_S = 86_400


def column(path, starts, values, step_s=1800, quality=0, exponent=0):
    qualities = quality if isinstance(quality, list) else [quality] * len(starts)
    steps = step_s if isinstance(step_s, list) else [step_s] * len(starts)
    return Column(POINT + path, KINDS[path], exponent, array("q", starts), array("i", steps),
                  array("q", values), array("B", qualities))  # fmt: skip


def curve(starts, values, **more):
    return column("consumption/power/active/raw", list(starts), list(values), **more)


def register(starts, values):
    return column("consumption/energy/active/index", list(starts), list(values), step_s=0)


def test_a_whole_day_is_explained_to_the_watt_hour():
    found = reconcile(
        [register([0, DAY_S], [100, 5_000])], [curve(range(0, DAY_S, 1800), [204, 205] * 24)]
    )
    (span,) = found.spans
    assert (span.register_wh, span.curve_wh, span.covered_s) == (4_900, 4_908, DAY_S)
    assert span.is_whole
    assert not span.is_equal
    assert found.differing == (span,)
    assert found.explained == pytest.approx(4_908 / 4_900)


@pytest.mark.parametrize(("wh", "is_equal"), [(0, True), (1, True), (-1, True), (2, False)])
def test_both_agree_as_far_as_they_are_exact(wh, is_equal):
    found = reconcile([register([0, 3600], [0, 500 + wh])], [curve([0, 1800], [500, 500])])
    assert found.spans[0].is_equal is is_equal


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 1, 15), 24), (date(2025, 10, 26), 25)]
)
def test_days_of_the_clock_change_are_whole(day, hours):
    civil = window.civil_day(day, PARIS)
    starts = range(civil.start_s, civil.end_s, 1800)
    found = reconcile(
        [register([civil.start_s, civil.end_s], [0, hours * 600])],
        [curve(starts, [600] * len(starts))],
    )
    assert found.spans[0].is_whole
    assert found.spans[0].is_equal
    assert found.gaps == ()


def test_each_interval_counts_with_its_own_step():
    found = reconcile(
        [register([0, 7200], [0, 150])],
        [curve([0, 3600, 5400], [100, 50, 50], step_s=[3600, 1800, 1800])],
    )
    assert found.spans[0].is_equal


def test_an_interval_over_the_time_of_a_reading_is_cut_there():
    found = reconcile(
        [register([0, 2700, 5400], [0, 75, 150])], [curve([0, 1800, 3600], [100, 100, 100])]
    )
    assert [span.curve_wh for span in found.spans] == [75, 75]


def test_gaps_are_told_and_missing_readings_are_gaps():
    quality = [0, Quality.MISSING, 0]
    found = reconcile(
        [register([0, 9000], [0, 100])], [curve([0, 1800, 3600], [100, 0, 100], quality=quality)]
    )
    assert found.gaps == ((1800, 3600), (5400, 9000))
    assert found.whole == ()


def test_energy_is_told_by_quality():
    quality = [0, Quality.ESTIMATED, Quality.CORRECTED]
    found = reconcile(
        [register([0, 5400], [0, 150])], [curve([0, 1800, 3600], [100, 80, 120], quality=quality)]
    )
    assert found.energy_wh == {Quality.MEASURED: 50, Quality.ESTIMATED: 40, Quality.CORRECTED: 60}


def test_a_register_that_went_back_is_told_and_does_not_count():
    found = reconcile([register([0, 1800, 3600], [1_000, 0, 50])], [curve([0, 1800], [100, 100])])
    assert [span.start_s for span in found.decreasing] == [0]
    assert found.explained == 1


def test_where_one_says_nothing_there_is_nothing_to_tell():
    empty = reconcile([register([0], [1])], [curve([0], [1])])
    assert (empty.spans, empty.gaps, empty.explained) == ((), (), None)
    assert reconcile([], []).spans == ()
    assert reconcile([register([0, 1800], [1, 2])], []).spans == ()


def test_decimals_and_pieces_in_any_order_change_nothing():
    pieces = [curve([1800], [1000], exponent=-1), curve([0], [100])]
    found = reconcile([register([1800, 3600], [50, 100]), register([0], [0])], pieces)
    assert [span.is_equal for span in found.spans] == [True, True]


@given(st.lists(st.tuples(st.sampled_from([300, 600, 1800, 3600]), st.integers(0, 36_000), st.booleans()),
                min_size=1, max_size=60), st.lists(st.integers(0, 200_000), min_size=2, max_size=8, unique=True))  # fmt: skip
def test_spans_and_gaps_are_the_time_of_the_register(intervals, readings):
    starts, values, steps, at = [], [], [], 0
    for step_s, power_w, is_there in intervals:
        if is_there:
            starts.append(at)
            values.append(power_w)
            steps.append(step_s)
        at += step_s
    readings = sorted(readings)
    found = reconcile(
        [register(readings, [0] * len(readings))], [curve(starts, values, step_s=steps)]
    )
    if not starts:
        assert found.spans == ()
        return
    assert sum(span.covered_s for span in found.spans) + sum(b - a for a, b in found.gaps) == (
        readings[-1] - readings[0]
    )
    brute = sum(
        v * max(0, min(s + n, readings[-1]) - max(s, readings[0]))
        for s, v, n in zip(starts, values, steps, strict=True)
    )
    assert sum(span.curve_wh for span in found.spans) == pytest.approx(brute / 3600)


def test_instants_are_those_of_the_columns():
    start = int(datetime(2026, 1, 15, tzinfo=UTC).timestamp())
    found = reconcile([register([start, start + 1800], [0, 50])], [curve([start], [100])])
    assert (found.spans[0].start_s, found.spans[0].end_s) == (start, start + 1800)

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.model.quality import Quality
from kevre.model.window import civil_day, local_day
from kevre.node.demo.record import Record
from kevre.node.demo.replay import replayed, replayed_days, shift_days, shift_s

PARIS = ZoneInfo("Europe/Paris")
DAY_S = 86_400
WEEK_S = 7 * DAY_S
ORIGIN = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())


def of_days(days, step_s=3_600):
    """A record whose values are its own hours, so that one sees where each comes from."""
    start_s = np.arange(ORIGIN, ORIGIN + int(days * DAY_S), step_s)
    quality = np.zeros(len(start_s), np.uint8)
    return Record(start_s, step_s, start_s // step_s, 0, quality)


RECORDS = {years: of_days(years * 365.25) for years in (1, 2, 3)}
LATER = st.integers(ORIGIN + 4 * 365 * DAY_S, ORIGIN + 30 * 365 * DAY_S)


@given(LATER, st.sampled_from([1, 2, 3]))
def test_what_is_shown_happened_whole_weeks_before_in_the_same_season(at_s, years):
    record = RECORDS[years]
    run = replayed(record, at_s, at_s + DAY_S)
    shown_s = run.start_s - run.value * 3_600
    assert (shown_s % WEEK_S == 0).all()
    season_days = (shown_s / DAY_S) % 365.2425
    off_days = np.minimum(season_days, 365.2425 - season_days)
    assert (off_days <= 6).all()


@given(LATER, st.sampled_from([1, 2, 3]), st.integers(1, 400))
def test_a_record_is_shown_the_same_in_whatever_pieces(at_s, years, hours):
    record = RECORDS[years]
    middle_s, end_s = at_s + hours * 1_800, at_s + hours * 3_600
    pieces = [replayed(record, at_s, middle_s), replayed(record, middle_s, end_s)]
    whole = replayed(record, at_s, end_s)
    assert sum(len(piece) for piece in pieces) >= len(whole) - 1  # the interval that was cut
    aligned_s = (at_s // 3_600 + 1) * 3_600
    first = replayed(record, aligned_s, aligned_s + 7_200)
    second = replayed(record, aligned_s + 7_200, aligned_s + 36_000)
    both = replayed(record, aligned_s, aligned_s + 36_000)
    assert np.concatenate([first.value, second.value]).tolist() == both.value.tolist()


@given(LATER)
def test_only_whole_intervals_inside_the_asked_time_are_shown(at_s):
    run = replayed(RECORDS[1], at_s, at_s + 10_000)
    assert (run.start_s >= at_s).all()
    assert (run.start_s + run.step_s <= at_s + 10_000).all()


def test_two_years_of_record_differ_from_one_year_to_the_next():
    at_s = ORIGIN + 3_500 * DAY_S
    now, year_ago = (replayed(RECORDS[2], t, t + DAY_S) for t in (at_s, at_s - 364 * DAY_S))
    assert now.value.tolist() != year_ago.value.tolist()


def test_a_gap_stays_a_gap_and_is_never_filled():
    full = of_days(366)
    keep = np.ones(len(full.start_s), bool)
    keep[1_000:1_024] = False
    holed = Record(full.start_s[keep], 3_600, full.value[keep], 0, full.quality[keep])
    a_year_s = 5 * 365 * DAY_S
    lost = len(replayed(full, ORIGIN + a_year_s, ORIGIN + a_year_s + 364 * DAY_S)) - len(
        replayed(holed, ORIGIN + a_year_s, ORIGIN + a_year_s + 364 * DAY_S)
    )
    assert lost == 24


def test_every_hour_of_thirty_years_has_a_reading():
    end_s = ORIGIN + 30 * 365 * DAY_S
    for record in RECORDS.values():
        run = replayed(record, ORIGIN, end_s)
        assert (np.diff(run.start_s) == 3_600).all()


def test_the_shift_is_the_one_that_was_applied():
    at_s = ORIGIN + 9 * 365 * DAY_S
    run = replayed(RECORDS[3], at_s, at_s + 3_600)
    assert shift_days(RECORDS[3], at_s) * DAY_S == run.start_s[0] - run.value[0] * 3_600
    assert shift_s(RECORDS[3], np.array([ORIGIN])).tolist() == [0]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-12-31", "2028-02-29"])
def test_a_daily_record_follows_the_civil_days(day):
    record = of_days(731, DAY_S)
    window = civil_day(datetime.fromisoformat(day).date(), PARIS)
    run = replayed_days(record, window.start_s, window.end_s, PARIS)
    assert run.start_s.tolist() == [window.start_s]
    assert run.step_s.tolist() == [window.length_s]


@given(LATER, st.integers(1, 60))
def test_daily_readings_are_each_shown_once_and_without_holes(at_s, days):
    run = replayed_days(of_days(731, DAY_S), at_s, at_s + days * DAY_S, PARIS)
    shown = [local_day(datetime.fromtimestamp(int(s), UTC), PARIS) for s in run.start_s]
    assert len(set(shown)) == len(shown)
    assert all((b - a).days == 1 for a, b in pairwise(shown))
    assert (run.start_s + run.step_s <= at_s + days * DAY_S).all()


def test_a_record_survives_being_saved(tmp_path):
    record = of_days(3)
    record.quality[5] = Quality.ESTIMATED
    record.save(tmp_path / "one.npz")
    again = Record.load(tmp_path / "one.npz")
    assert again.value.tolist() == record.value.tolist()
    assert again.quality.tolist() == record.quality.tolist()
    assert (again.step_s, again.exponent) == (3_600, 0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.npz"]

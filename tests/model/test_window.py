from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.model import window
from kevre.model.errors import Malformed
from kevre.model.step import Resolution
from kevre.model.window import PARIS, Window

calendar_days = st.dates(date(1991, 1, 1), date(2098, 12, 30))
zones = st.sampled_from(
    ["Europe/Paris", "UTC", "America/Martinique", "Indian/Reunion", "Pacific/Chatham"]
).map(ZoneInfo)
calendars = st.sampled_from([Resolution.DAY, Resolution.WEEK, Resolution.MONTH, Resolution.YEAR])


@pytest.mark.parametrize(
    ("day", "half_hours"),
    [
        (date(2026, 3, 29), 46),
        (date(2026, 10, 25), 50),
        (date(2024, 2, 29), 48),
        (date(2026, 12, 31), 48),
    ],
)
def test_a_day_has_the_half_hours_that_the_clock_gives_it(day, half_hours):
    assert window.civil_day(day, PARIS).length_s == half_hours * 1800


@given(calendar_days, zones)
def test_days_meet_without_gap_or_overlap(day, zone):
    today = window.civil_day(day, zone)
    tomorrow = window.civil_day(day + timedelta(days=1), zone)

    assert today.end == tomorrow.start
    assert 23 * 3600 <= today.length_s <= 25 * 3600


@given(st.datetimes(datetime(1991, 1, 1), datetime(2098, 12, 30)), zones)
def test_an_instant_lies_in_its_local_day(naive, zone):
    at = naive.replace(tzinfo=UTC)
    day = window.civil_day(window.local_day(at, zone), zone)

    assert day.start <= at < day.end


@given(calendar_days, calendars, zones)
def test_a_period_is_its_days_and_the_next_begins_where_it_ends(day, resolution, zone):
    period = window.civil_period(day, resolution, zone)
    first = window.first_day(day, resolution)
    after = window.next_first_day(day, resolution)

    assert first <= day < after
    assert window.civil_period(after, resolution, zone).start == period.end
    assert (
        sum(
            window.civil_day(d, zone).length_s
            for d in window.days(first, after - timedelta(days=1))
        )
        == period.length_s
    )


def test_weeks_begin_on_monday():
    assert window.first_day(date(2026, 11, 29), Resolution.WEEK) == date(2026, 11, 23)


def test_the_repeated_hour_is_told_apart_by_the_row_before():
    first = window.instant("2026-10-25T02:30:00", PARIS)
    second = window.instant("2026-10-25T02:30:00", PARIS, after=first)

    assert (second - first) == timedelta(hours=1)


def test_the_skipped_hour_is_refused():
    with pytest.raises(Malformed) as caught:
        window.instant("2026-03-29T02:30:00", PARIS)

    assert caught.value.code == "time.skipped"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1899-12-31T00:00:00+00:00", "time.out_of_range"),
        ("2150-01-01T00:00:00+00:00", "time.out_of_range"),
        ("0001-01-01T00:00:00+14:00", "time.out_of_range"),
        ("9999-12-31T23:59:59-14:00", "time.out_of_range"),
        ("31/12/2025", "time.malformed"),
        ("2026-01-01T00:00:00", "time.naive"),
        ("", "time.malformed"),
    ],
)
def test_a_bad_time_is_refused_with_its_reason(text, code):
    with pytest.raises(Malformed) as caught:
        window.instant(text)

    assert caught.value.code == code


@given(st.text(max_size=40))
def test_any_text_is_an_instant_or_malformed(text):
    try:
        at = window.instant(text, PARIS)
    except Malformed:
        return
    assert at.tzinfo is UTC


seconds = st.integers(window.EARLIEST_S, window.LATEST_S)
windows = st.tuples(seconds, seconds).map(lambda pair: Window.of_seconds(min(pair), max(pair)))


@given(windows, windows)
def test_clipping_gives_what_both_cover(one, other):
    shared = one.clip(other)

    assert shared == other.clip(one)
    if shared is not None:
        assert one.covers(shared)
        assert other.covers(shared)


def test_a_window_cannot_run_backwards():
    with pytest.raises(Malformed):
        Window.of_seconds(10, 5)


def test_a_window_refuses_naive_instants():
    with pytest.raises(ValueError, match="zone"):
        Window(datetime(2026, 1, 1), datetime(2026, 1, 2))

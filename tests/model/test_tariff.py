from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kevre.model import tariff
from kevre.model.errors import Malformed
from kevre.model.tariff import EVERY_DAY, EVERY_MONTH, Rule, Tariff, hours
from kevre.model.window import PARIS, Window, civil_day, civil_days

# Clocks that change by night, at midnight, by half an hour, and where midnight is skipped.
ZONES = [
    (PARIS, datetime(2025, 3, 30, tzinfo=UTC)),
    (PARIS, datetime(2025, 10, 26, tzinfo=UTC)),
    (PARIS, datetime(2024, 12, 31, tzinfo=UTC)),
    (ZoneInfo("America/Havana"), datetime(2025, 11, 2, tzinfo=UTC)),
    (ZoneInfo("Asia/Beirut"), datetime(2025, 10, 25, tzinfo=UTC)),
    (ZoneInfo("Australia/Lord_Howe"), datetime(2025, 4, 5, tzinfo=UTC)),
    (ZoneInfo("America/Sao_Paulo"), datetime(2018, 11, 4, tzinfo=UTC)),
]


def local(text):
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


def lasting(some, window, zone=PARIS):
    """Hours of each class in a window."""
    found = Counter()
    for start_s, end_s, name in some.spans(window, zone):
        found[name] += (end_s - start_s) / 3600
    return dict(found)


@st.composite
def rules(draw):
    clock = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
    start, end = draw(st.one_of(st.tuples(clock, clock), st.just((time(), time()))))
    return Rule(
        draw(st.sampled_from("ABC")),
        start,
        time() if start == end else end,
        draw(st.sampled_from([EVERY_DAY, frozenset({5, 6}), frozenset({0})])),
        draw(st.sampled_from([EVERY_MONTH, frozenset({11, 12, 1})])),
    )


@settings(max_examples=150, deadline=None)
@given(
    some=st.lists(rules(), max_size=3),
    where=st.sampled_from(ZONES),
    begin_min=st.integers(-3000, 1500),
    length_min=st.integers(0, 4000),
)
def test_spans_say_of_every_instant_what_the_clock_on_the_wall_says(
    some, where, begin_min, length_min
):
    zone, around = where
    mine = Tariff("mine", tuple(some), "A")
    start = around + timedelta(minutes=begin_min)
    window = Window(start, start + timedelta(minutes=length_min))

    spans = mine.spans(window, zone)

    borders = [(span[0], span[1]) for span in spans]
    assert [start_s for start_s, _ in borders[1:]] == [end_s for _, end_s in borders[:-1]]
    if spans:
        assert (spans[0][0], spans[-1][1]) == (window.start_s, window.end_s)
    assert bool(spans) is (length_min > 0)
    assert all(one[2] != other[2] for one, other in pairwise(spans))
    for start_s, end_s, name in spans:
        for at_s in (*range(start_s, end_s, 420), end_s - 1):
            assert mine.class_at(datetime.fromtimestamp(at_s, UTC), zone) == name


def test_off_peak_hours_run_across_midnight():
    mine = tariff.off_peak("22:00-06:00")
    times = {
        "21:59": "HP",
        "22:00": "HC",
        "23:59": "HC",
        "00:00": "HC",
        "05:59": "HC",
        "06:00": "HP",
    }

    found = {at: mine.class_at(local(f"2025-06-02T{at}"), PARIS) for at in times}

    assert found == times
    two = civil_days(date(2025, 6, 2), date(2025, 6, 3), PARIS)
    lengths = [(end_s - start_s) / 3600 for start_s, end_s, _ in mine.spans(two, PARIS)]
    assert lengths == [6, 16, 8, 16, 2]


@pytest.mark.parametrize(
    ("day", "off_peak_h", "peak_h"),
    [(date(2025, 3, 30), 7, 16), (date(2025, 10, 26), 9, 16), (date(2025, 6, 2), 8, 16)],
)
def test_days_of_clock_changes_have_as_many_off_peak_hours_as_the_clock_shows(
    day, off_peak_h, peak_h
):
    window = civil_day(day, PARIS)

    assert lasting(tariff.off_peak("22:00-06:00"), window) == {"HC": off_peak_h, "HP": peak_h}


def test_hours_that_begin_while_the_clock_jumps_begin_after_it():
    spring, autumn = (civil_day(date(2025, *day), PARIS) for day in ((3, 30), (10, 26)))
    mine = tariff.off_peak("02:30-05:00")

    assert lasting(mine, spring) == {"HC": 2, "HP": 21}
    # From 2:30 to 3:00 before the clock goes back, and from 2:30 to 5:00 after it.
    assert lasting(mine, autumn) == {"HC": 3, "HP": 22}
    assert [name for _, _, name in mine.spans(autumn, PARIS)] == ["HP", "HC", "HP", "HC", "HP"]


def test_the_first_rule_that_holds_decides():
    night = Rule("HC", time(22), time(6))
    weekend = Rule("WE", weekdays=frozenset({5, 6}))
    saturday = local("2025-06-07T23:00")

    assert Tariff("one", (night, weekend), "HP").class_at(saturday, PARIS) == "HC"
    assert Tariff("two", (weekend, night), "HP").class_at(saturday, PARIS) == "WE"
    assert Tariff("two", (weekend, night), "HP").classes == ("WE", "HC", "HP")


def test_a_week_end_ends_at_midnight_whatever_began_before():
    week = civil_days(date(2025, 6, 2), date(2025, 6, 8), PARIS)

    assert lasting(tariff.weekend(), week) == {"SEM": 120, "WE": 48}
    assert tariff.weekend().class_at(local("2025-06-08T23:59"), PARIS) == "WE"
    assert tariff.weekend().class_at(local("2025-06-09T00:00"), PARIS) == "SEM"


def test_seasons_change_at_midnight_inside_the_off_peak_hours():
    mine = tariff.two_seasons("HC (22H00-6H00)")

    found = [
        mine.class_at(local(at), PARIS)
        for at in ("2025-10-31T12:00", "2025-10-31T23:00", "2025-11-01T01:00", "2025-11-01T12:00")
    ]

    assert found == ["HPB", "HCB", "HCH", "HPH"]
    assert mine.class_at(local("2026-03-31T23:30"), PARIS) == "HCH"
    assert mine.class_at(local("2026-04-01T00:00"), PARIS) == "HCB"


def test_a_tariff_with_one_class_is_one_span():
    window = civil_days(date(2025, 1, 1), date(2025, 12, 31), PARIS)

    assert tariff.base().spans(window, PARIS) == [(window.start_s, window.end_s, "BASE")]
    assert tariff.base().classes == ("BASE",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("22:00-06:00", [("22:00", "06:00")]),
        ("01:30-07:30;13:00-14:30", [("01:30", "07:30"), ("13:00", "14:30")]),
        ("HC (22H00-6H00)", [("22:00", "06:00")]),
        ("hc(1H30-7H30, 13h-14h30)", [("01:30", "07:30"), ("13:00", "14:30")]),
        (" 22h - 24h ; 0h - 6h ", [("22:00", "00:00"), ("00:00", "06:00")]),
        ("0:00-24:00", [("00:00", "00:00")]),
    ],
)
def test_hours_are_read_as_contracts_write_them(text, expected):
    assert [(f"{a:%H:%M}", f"{b:%H:%M}") for a, b in hours(text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HC ()",
        "22-6",
        "22:00",
        "25:00-06:00",
        "22:60-06:00",
        "24:30-06:00",
        "22:00-22:00",
        "22:00-06:00;",
        "22:00-06:00;05:00-07:00",
        "01:00-03:00;02:00-04:00",
        "22:00-06:00 or so",
        "22:00-06:00;" * 30,
    ],
)
def test_what_is_no_hours_of_the_day_is_malformed(text):
    with pytest.raises(Malformed) as caught:
        hours(text)
    assert caught.value.code == "tariff.hours"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: Rule(" "), "tariff.name"),
        (lambda: Rule("x" * 41), "tariff.name"),
        (lambda: Rule("a\nb"), "tariff.name"),
        (lambda: Rule("HC", time(6), time(6)), "tariff.hours"),
        (lambda: Rule("HC", time(6, 0, 1), time(7)), "tariff.hours"),
        (lambda: Rule("HC", time(6), time(7, tzinfo=UTC)), "tariff.hours"),
        (lambda: Rule("HC", weekdays=frozenset()), "tariff.days"),
        (lambda: Rule("HC", weekdays=frozenset({7})), "tariff.days"),
        (lambda: Rule("HC", months=frozenset()), "tariff.months"),
        (lambda: Rule("HC", months=frozenset({0})), "tariff.months"),
        (lambda: Tariff("", (), "HP"), "tariff.name"),
        (lambda: Tariff("mine", (), ""), "tariff.name"),
    ],
)
def test_a_tariff_that_says_nothing_or_two_things_is_malformed(make, code):
    with pytest.raises(Malformed) as caught:
        make()
    assert caught.value.code == code

from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.store import oracle
from tests.store.conftest import (
    ENERGY,
    INDEX,
    INSTANT,
    NEW_YORK,
    NOW_S,
    PEAK,
    POWER,
    TEMPERATURE,
    WATER,
    column,
    midnight_s,
    permit,
    steady,
)

from kevre.model.errors import Malformed, Missing
from kevre.model.quality import Quality
from kevre.model.series import Statistic
from kevre.model.step import Resolution
from kevre.model.window import PARIS, Window, civil_day, days
from kevre.store import Store

KINDS = {
    Statistic.MEAN: POWER,
    Statistic.SUM: ENERGY,
    Statistic.REGISTER: INDEX,
    Statistic.INSTANT: INSTANT,
    Statistic.MAX: PEAK,
}
# Both clock changes, a leap day, a year's end.
STARTS = [date(2025, 3, 29), date(2025, 10, 25), date(2024, 2, 28), date(2024, 12, 30)]
EVERY_DAY = (date(2000, 1, 1), date(2050, 1, 1))


@st.composite
def histories(draw):
    """Readings of three days: steps of 10 s to a day, gaps, overlaps, holes, estimates."""
    at_s = midnight_s(*draw(st.sampled_from(STARTS)).timetuple()[:3])
    at_s += draw(st.sampled_from([0, -10, 1230, 82_800]))
    readings = []
    for _ in range(draw(st.integers(1, 30))):
        step_s = draw(st.sampled_from([0, 10, 600, 1800, 3600, 82_800, 86_400]))
        value = draw(st.one_of(st.none(), st.integers(-5000, 10**7)))
        readings.append((at_s, step_s, value, draw(st.sampled_from(list(Quality)[:7]))))
        at_s += draw(st.sampled_from([max(step_s, 1), 10, 900, 1800, 40_000]))
    return readings


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with Store(tmp_path_factory.mktemp("shared") / "s.duckdb", memory_mb=128, threads=1) as opened:
        yield opened


def kept_rows(store, series):
    """The exact daily rows, as the table holds them."""
    with store._connection.reading() as cursor:
        found = cursor.execute(
            "select day, amount, covered_s, estimated_s, minimum, maximum, day_s from daily"
            " where series = ? order by day",
            [series],
        ).fetchall()
    return {row[0]: row[1:] for row in found}


@settings(max_examples=120, deadline=None)
@given(
    statistic=st.sampled_from(list(Statistic)), readings=histories(), exponent=st.integers(-3, 1)
)
@example(Statistic.SUM, [(midnight_s(2025, 3, 30) - 43_200, 86_400, 82_801, Quality.MEASURED)], 0)
def test_daily_totals_are_those_of_the_book(shared, statistic, readings, exponent):
    shared.erase(3)
    shared.declare(3, KINDS[statistic], PARIS)
    shared.write([(3, column(readings, KINDS[statistic], exponent))], batch="b", now_s=NOW_S)
    first = date.fromtimestamp(readings[0][0]) - timedelta(days=2)
    last = date.fromtimestamp(readings[-1][0]) + timedelta(days=3)
    shared.refresh_daily(3, first, last)

    found = kept_rows(shared, 3)

    book = {
        day: oracle.total(statistic, readings, civil_day(day, PARIS)) for day in days(first, last)
    }
    assert found.keys() == {day for day, known in book.items() if known}
    is_rate = statistic in {Statistic.MEAN, Statistic.INSTANT}
    for day, (amount, *rest, day_s) in found.items():
        assert rest == list(book[day][1:])
        assert day_s == civil_day(day, PARIS).length_s
        if is_rate:
            assert amount == book[day].amount
        elif amount is not None:
            assert abs(Fraction(amount, 86_400) - book[day].amount) * 86_400 <= len(readings)
    if statistic is Statistic.SUM:
        whole = sum(known.amount for known in book.values() if known)
        if whole.denominator == 1:
            assert sum(row[0] for row in found.values()) == whole * 86_400


@settings(max_examples=30, deadline=None)
@given(statistic=st.sampled_from(list(Statistic)), readings=histories())
def test_a_curve_of_days_says_what_the_daily_totals_say(shared, statistic, readings):
    shared.erase(4)
    shared.declare(4, KINDS[statistic], PARIS)
    shared.write([(4, column(readings, KINDS[statistic]))], batch="b", now_s=NOW_S)
    first, last = (date.fromtimestamp(readings[i][0]) for i in (0, -1))
    first, last = first - timedelta(days=2), last + timedelta(days=3)
    shared.refresh_daily(4, first, last)

    window = Window.of_seconds(midnight_s(first.year, first.month, first.day), NOW_S * 2)
    curve = shared.read(permit(4), 4, window, Resolution.DAY)
    totals = shared.daily(permit(4), [4], *EVERY_DAY)

    assert np.allclose(curve.energy, totals.total, equal_nan=True)
    assert np.allclose(curve.coverage, totals.coverage)
    assert np.allclose(curve.estimated, totals.estimated)
    summed = shared.read(permit(4), 4, window, Resolution.HOUR)
    if statistic is not Statistic.MAX:
        assert summed.energy.sum() == pytest.approx(totals.total.sum())


@settings(max_examples=40, deadline=None)
@given(statistic=st.sampled_from(list(Statistic)), readings=histories(), rng=st.randoms())
def test_refreshing_the_days_of_each_change_is_enough(shared, statistic, readings, rng):
    shared.erase(5)
    shared.declare(5, KINDS[statistic], PARIS)
    after = max((line.seq for line in shared.changes(0, 10**6)), default=0)
    rest = list(readings)
    rng.shuffle(rest)
    for size in (1, 3, len(rest)):
        some, rest = sorted(rest[:size]), rest[size:]
        corrected = [(s, step // 2, None if v is None else v + 1, q) for s, step, v, q in some]
        for one in (some, corrected):
            shared.write([(5, column(one, KINDS[statistic]))], batch="b", now_s=NOW_S)
            for line in shared.changes(after):
                after = line.seq
                dirty = Window.of_seconds(line.first_s, line.last_s)
                ends = (at.astimezone(PARIS).date() for at in (dirty.start, dirty.end))
                shared.refresh_daily(5, *ends)
    kept = kept_rows(shared, 5)

    first, last = (date.fromtimestamp(readings[i][0]) for i in (0, -1))
    shared.refresh_daily(5, first - timedelta(days=3), last + timedelta(days=3))

    assert kept == kept_rows(shared, 5)


def test_days_of_clock_changes_are_as_long_as_they_are(store):
    for month, day, slots in ((3, 30, 46), (10, 26, 50), (6, 1, 48)):
        start_s = midnight_s(2025, month, day)
        store.write([(1, steady(start_s, [1000] * slots))], batch="b", now_s=NOW_S)
        store.refresh_daily(1, date(2025, month, day), date(2025, month, day))

    totals = store.daily(permit(1), [1], date(2025, 1, 1), date(2025, 12, 31))

    assert totals.total.tolist() == [23_000.0, 24_000.0, 25_000.0]
    assert totals.coverage.tolist() == [1.0, 1.0, 1.0]
    assert totals.mean.tolist() == [1000.0] * 3
    assert totals.day.astype(str).tolist() == ["2025-03-30", "2025-06-01", "2025-10-26"]


def test_days_that_lost_their_readings_lose_their_totals(store):
    start_s = midnight_s(2025, 6, 1)
    store.write([(1, steady(start_s, [1000] * 96))], batch="b", now_s=NOW_S)
    store.refresh_daily(1, date(2025, 6, 1), date(2025, 6, 2))

    store.erase(1, Window.of_seconds(start_s, start_s + 86_400))

    totals = store.daily(permit(1), [1], *EVERY_DAY)
    assert totals.day.astype(str).tolist() == ["2025-06-02"]


def test_a_register_read_late_fills_the_days_since_the_last(store):
    store.declare(6, WATER, PARIS)
    first = midnight_s(2025, 6, 1)
    store.write([(6, column([(first, 0, 100_000)], WATER, -3))], batch="a", now_s=NOW_S)
    store.refresh_daily(6, date(2025, 6, 1), date(2025, 6, 1))

    store.write(
        [(6, column([(first + 10 * 86_400, 0, 101_000)], WATER, -3))], batch="b", now_s=NOW_S
    )
    assert store.refresh_daily(6, date(2025, 6, 11), date(2025, 6, 11)) == 10

    totals = store.daily(permit(6), [6], *EVERY_DAY)
    assert totals.total.tolist() == pytest.approx([0.1] * 10)
    assert np.isnan(totals.minimum).all()


def test_a_register_that_restarts_counts_nothing_over_the_gap(store):
    store.declare(6, INDEX, PARIS)
    start_s = midnight_s(2025, 6, 1)
    registers = [900, 950, 3, 10]
    readings = [(start_s + i * 3600, 0, value) for i, value in enumerate(registers)]
    store.write([(6, column(readings, INDEX))], batch="b", now_s=NOW_S)
    store.refresh_daily(6, date(2025, 6, 1), date(2025, 6, 1))

    totals = store.daily(permit(6), [6], *EVERY_DAY)

    assert totals.total.tolist() == [57.0]
    assert totals.coverage.tolist() == [pytest.approx(2 / 24)]


def test_a_temperature_has_a_mean_and_no_total(store):
    store.declare(6, TEMPERATURE, PARIS)
    start_s = midnight_s(2025, 6, 1)
    store.write(
        [(6, steady(start_s, [100, -50], step_s=3600, kind=TEMPERATURE, exponent=-1))],
        batch="b",
        now_s=NOW_S,
    )
    store.refresh_daily(6, date(2025, 6, 1), date(2025, 6, 1))

    totals = store.daily(permit(6), [6], *EVERY_DAY)

    assert np.isnan(totals.total).all()
    assert (totals.mean[0], totals.minimum[0], totals.maximum[0]) == (2.5, -5.0, 10.0)
    with pytest.raises(Malformed) as caught:
        store.daily_total(permit(6), [6], *EVERY_DAY)
    assert caught.value.code == "store.no_total"


def test_a_permit_shows_only_days_that_lie_wholly_in_it(store):
    start_s = midnight_s(2025, 6, 1)
    store.write([(1, steady(start_s, [1000] * 48 * 4))], batch="b", now_s=NOW_S)
    store.refresh_daily(1, date(2025, 6, 1), date(2025, 6, 4))

    part = permit(1, window=Window.of_seconds(start_s + 1, start_s + 3 * 86_400 + 1))

    assert store.daily(part, [1], *EVERY_DAY).day.astype(str).tolist() == [
        "2025-06-02",
        "2025-06-03",
    ]
    assert len(store.daily_total(part, [1], *EVERY_DAY)) == 2
    assert len(store.daily(part, [1], date(2025, 6, 1), date(2025, 6, 1))) == 0
    assert len(store.daily_total(part, [1], date(2025, 6, 1), date(2025, 6, 1))) == 0


def test_the_sum_of_days_counts_every_series_in_its_coverage(store):
    store.declare(6, ENERGY, PARIS)
    start_s = midnight_s(2025, 6, 1)
    store.write(
        [
            (1, steady(start_s, [1000] * 48)),
            (6, steady(start_s, [5, 6], step_s=43_200, kind=ENERGY, exponent=3)),
        ],
        batch="b",
        now_s=NOW_S,
    )
    for series in (1, 6):
        store.refresh_daily(series, date(2025, 6, 1), date(2025, 6, 1))

    totals = store.daily_total(permit(1, 2, 6), [1, 2, 6], *EVERY_DAY)

    assert totals.total.tolist() == [35_000.0]
    assert totals.coverage.tolist() == [pytest.approx(2 / 3)]
    assert len(store.daily(permit(1, 2, 6), [6, 1, 2], *EVERY_DAY).of(6)) == 1


def test_a_series_that_moves_to_another_calendar_gets_other_days(store):
    start_s = midnight_s(2025, 6, 1)
    store.write([(1, steady(start_s, [1000] * 48))], batch="b", now_s=NOW_S)
    store.refresh_daily(1, date(2025, 6, 1), date(2025, 6, 1))

    store.declare(1, POWER, NEW_YORK)

    totals = store.daily(permit(1), [1], *EVERY_DAY)
    assert totals.total.tolist() == [6000.0, 18_000.0]
    assert totals.day.astype(str).tolist() == ["2025-05-31", "2025-06-01"]


def test_an_unknown_series_cannot_be_refreshed(store):
    with pytest.raises(Missing):
        store.refresh_daily(99, date(2025, 6, 1), date(2025, 6, 1))

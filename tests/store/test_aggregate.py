import numpy as np
import pytest
from tests.store.conftest import (
    ALWAYS,
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

from kevre.model.errors import Malformed
from kevre.model.quality import Quality
from kevre.model.step import Resolution
from kevre.model.window import PARIS, Window

DAY_S = midnight_s(2025, 6, 2)


def put(store, *pairs):
    return store.write(pairs, batch="b", now_s=NOW_S)


def cut(store, resolution, series=1, window=ALWAYS):
    return store.read(permit(series), series, window, resolution)


def test_half_hours_add_up_to_hours_days_weeks_months_and_years(store):
    values = np.random.default_rng(3).integers(0, 9000, 48 * 40)
    put(store, (1, steady(DAY_S, values.tolist())))

    for resolution in list(Resolution)[1:]:
        curve = cut(store, resolution)
        assert curve.energy.sum() == pytest.approx(values.sum() / 2)
        assert (curve.start_s[1:] >= curve.start_s[:-1] + curve.step_s[:-1]).all()


def test_hours_of_clock_changes_are_neither_lost_nor_doubled(store):
    start_s = midnight_s(2025, 10, 26)
    put(store, (1, steady(start_s, range(50))))

    assert len(cut(store, Resolution.HALF_HOUR)) == 50
    day = cut(store, Resolution.DAY)
    assert (day.step_s.tolist(), day.coverage.tolist()) == ([90_000], [1.0])
    assert cut(store, Resolution.MONTH).step_s.tolist() == [31 * 86_400 + 3600]


def test_what_is_not_known_is_absent_and_its_share_told(store):
    readings = [
        (DAY_S, 1800, 1000),
        (DAY_S + 1800, 1800, None),
        (DAY_S + 7200, 1800, 400, Quality.ESTIMATED),
        (DAY_S + 9000, 1800, 600, Quality.MEASURED),
    ]
    put(store, (1, column(readings)))

    hours = cut(store, Resolution.HOUR)

    assert (hours.start_s - DAY_S).tolist() == [0, 7200]
    assert hours.values.tolist() == [1000.0, 500.0]
    assert hours.energy.tolist() == [500.0, 500.0]
    assert hours.coverage.tolist() == [0.5, 1.0]
    assert hours.estimated.tolist() == [0.0, 0.5]
    assert hours.quality.tolist() == [Quality.MEASURED, Quality.ESTIMATED]


def test_where_steps_change_nothing_counts_twice(store):
    put(store, (1, column([(DAY_S, 3600, 100), (DAY_S + 1800, 1800, 300)])))

    hour = cut(store, Resolution.HOUR)

    assert (hour.energy.tolist(), hour.coverage.tolist()) == ([200.0], [1.0])


def test_a_missing_mark_inside_an_interval_takes_nothing_away(store):
    put(store, (1, column([(DAY_S, 3600, 100), (DAY_S + 1800, 1800, None)])))

    assert cut(store, Resolution.HOUR).energy.tolist() == [100.0]


def test_a_long_interval_is_shared_among_its_slots(store):
    store.declare(6, ENERGY, PARIS)
    put(store, (6, column([(DAY_S - 43_200, 86_400, 2400)], ENERGY)))

    assert cut(store, Resolution.DAY, 6).energy.tolist() == [1200.0, 1200.0]
    slots = cut(store, Resolution.TEN_MINUTES, 6)
    assert len(slots) == 144
    assert slots.energy.sum() == pytest.approx(2400)
    part = cut(store, Resolution.HOUR, 6, Window.of_seconds(DAY_S, DAY_S + 5400))
    assert part.energy.tolist() == [100.0, 50.0]


def test_an_instant_holds_until_the_next_and_ten_minutes_at_most(store):
    store.declare(6, INSTANT, PARIS)
    readings = [
        (DAY_S, 0, 600),
        (DAY_S + 60, 0, 1200),
        (DAY_S + 3000, 0, 100),
        (DAY_S + 3300, 0, None),
    ]
    put(store, (6, column(readings, INSTANT)))

    hour = cut(store, Resolution.HOUR, 6)

    assert hour.coverage.tolist() == [pytest.approx((60 + 600 + 300) / 3600)]
    assert hour.energy.tolist() == [pytest.approx((60 * 600 + 600 * 1200 + 300 * 100) / 3600)]


def test_a_register_shares_its_advance_over_time(store):
    store.declare(6, INDEX, PARIS)
    put(
        store,
        (6, column([(DAY_S, 0, 1000), (DAY_S + 7200, 0, 1300), (DAY_S + 9000, 0, 1310)], INDEX)),
    )

    hours = cut(store, Resolution.HOUR, 6)

    assert hours.energy.tolist() == [150.0, 150.0, 10.0]
    assert hours.coverage.tolist() == [1.0, 1.0, 0.5]
    second = cut(store, Resolution.HOUR, 6, Window.of_seconds(DAY_S + 3600, DAY_S + 7200))
    assert second.energy.tolist() == [150.0]


def test_a_maximum_counts_where_it_starts_and_has_no_total(store):
    store.declare(6, PEAK, PARIS)
    spring = midnight_s(2025, 3, 30)
    put(store, (6, column([(spring, 86_400, 6000), (spring + 82_800, 86_400, 4000)], PEAK)))

    days = cut(store, Resolution.DAY, 6)

    assert days.values.tolist() == [6000.0, 4000.0]
    assert np.isnan(days.energy).all()
    assert cut(store, Resolution.MONTH, 6).values.tolist()[0] == 6000.0


def test_a_sum_over_series_adds_powers_and_shares_coverage(store):
    put(store, (1, steady(DAY_S, [100, 200])), (2, steady(DAY_S, [10], exponent=1)))

    curve = store.total(permit(1, 2, totals_only=True), [1, 2], ALWAYS, Resolution.HALF_HOUR)

    assert curve.values.tolist() == [200.0, 200.0]
    assert curve.energy.tolist() == [100.0, 100.0]
    assert curve.coverage.tolist() == [1.0, 0.5]
    assert (curve.series, curve.unit) == (0, "W")


def test_powers_and_energies_add_up_in_watts(store):
    store.declare(6, ENERGY, PARIS)
    put(store, (1, steady(DAY_S, [100])), (6, steady(DAY_S, [50], kind=ENERGY)))

    curve = store.total(permit(1, 6), [1, 6], ALWAYS, Resolution.HALF_HOUR)

    assert (curve.unit, curve.values.tolist(), curve.energy.tolist()) == ("W", [200.0], [100.0])


def test_days_of_two_calendars_add_up_by_their_date(store):
    store.declare(6, POWER, NEW_YORK)
    there_s = midnight_s(2025, 6, 2, NEW_YORK)
    put(store, (1, steady(DAY_S, [100] * 48)), (6, steady(there_s, [100] * 48)))

    curve = store.total(permit(1, 6), [1, 6], ALWAYS, Resolution.DAY)

    assert curve.energy.tolist() == [4800.0]


def test_a_sum_of_what_has_no_sum_is_malformed(store):
    store.declare(6, TEMPERATURE, PARIS)
    store.declare(7, WATER, PARIS)
    for keys, resolution, code in (
        ([1, 6], Resolution.DAY, "store.no_total"),
        ([1, 7], Resolution.DAY, "store.mixed_units"),
        ([1], Resolution.RAW, "store.total_raw"),
    ):
        with pytest.raises(Malformed) as caught:
            store.total(permit(*keys), keys, ALWAYS, resolution)
        assert caught.value.code == code

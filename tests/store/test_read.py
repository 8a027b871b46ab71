from datetime import date

import numpy as np
import pytest
from tests.store.conftest import ALWAYS, NEW_YORK, NOW_S, POWER, column, midnight_s, permit, steady

from kevre.model.errors import Malformed, Refused
from kevre.model.quality import Quality
from kevre.model.step import Resolution
from kevre.model.window import Window
from kevre.store import Latest
from kevre.store.chunk import CAPACITY

T = 1_750_000_200
DAY = date(2025, 6, 15)


def put(store, *columns, series=1):
    return store.write([(series, one) for one in columns], batch="b", now_s=NOW_S)


def test_a_read_gives_what_starts_in_the_window_and_the_permit(store):
    put(store, steady(T, range(10)))

    window = Window.of_seconds(T + 1800, T + 9000)
    narrow = permit(1, window=Window.of_seconds(0, T + 5400))

    assert store.read(narrow, 1, window).values.tolist() == [1, 2]


def test_a_permit_gives_no_other_series_nothing_finer_and_no_part_of_a_sum(store):
    put(store, steady(T, [1]))

    with pytest.raises(Refused):
        store.read(permit(2), 1, ALWAYS)
    with pytest.raises(Refused):
        store.read(permit(1, finest=Resolution.DAY), 1, ALWAYS, Resolution.HOUR)
    together = permit(1, 2, totals_only=True)
    for forbidden in (
        lambda: store.read(together, 1, ALWAYS),
        lambda: store.blocks(together, 1, ALWAYS),
        lambda: store.latest(together, [1]),
        lambda: store.daily(together, [1], DAY, DAY),
        lambda: store.extent(together, 1),
        lambda: store.total(together, [1], ALWAYS, Resolution.DAY),
        lambda: store.daily_total(together, [1], DAY, DAY),
        lambda: store.total(permit(1), [1, 2], ALWAYS, Resolution.DAY),
    ):
        with pytest.raises(Refused):
            forbidden()


def test_a_permit_for_days_does_not_yield_a_part_of_a_day(store):
    start_s = midnight_s(2025, 6, 15)
    put(store, steady(start_s, [100] * 96))
    days = permit(1, finest=Resolution.DAY)

    morning = Window.of_seconds(start_s, start_s + 40_000)
    a_day_and_more = Window.of_seconds(start_s - 40_000, start_s + 86_400 + 40_000)

    assert len(store.read(days, 1, morning, Resolution.MONTH)) == 0
    assert store.read(days, 1, a_day_and_more, Resolution.MONTH).energy.tolist() == [2400.0]
    halves = permit(1, finest=Resolution.HALF_HOUR)
    odd = Window.of_seconds(start_s + 1, start_s + 3599)
    assert len(store.read(halves, 1, odd, Resolution.HOUR)) == 0
    assert store.read(permit(1), 1, odd, Resolution.HOUR).coverage.tolist() == [
        pytest.approx(3598 / 3600)
    ]


def test_a_series_without_readings_or_unknown_gives_an_empty_curve(store):
    for resolution in Resolution:
        assert len(store.read(permit(1), 1, ALWAYS, resolution)) == 0
        assert len(store.read(permit(77), 77, ALWAYS, resolution)) == 0
    assert store.read(permit(1), 1, ALWAYS).unit == "W"
    assert store.latest(permit(1, 77), [1, 77]) == {}
    assert list(store.blocks(permit(77), 77, ALWAYS)) == []
    assert store.extent(permit(1), 1) is None


def test_blocks_hold_about_fifty_thousand_readings_and_meet(store):
    count = 120_001
    values = np.arange(count)
    put(store, steady(T, values.tolist(), step_s=10))

    blocks = list(store.blocks(permit(1), 1, ALWAYS))

    assert len(blocks) == 3
    assert max(len(block) for block in blocks) < 50_000 + CAPACITY
    assert np.array_equal(np.concatenate([block.value for block in blocks]), values)


def test_a_curve_of_too_many_points_is_refused_with_a_remedy(store):
    put(store, column([(T - 20 * 365 * 86_400, 600, 1), (T, 600, 1)]))

    with pytest.raises(Malformed) as caught:
        store.read(permit(1), 1, ALWAYS, Resolution.TEN_MINUTES)

    assert caught.value.code == "store.too_many"


def test_the_latest_is_found_among_recent_and_silent_series(store):
    put(store, steady(T - 90 * 86_400, [7, 8], exponent=-1), series=2)
    put(store, column([(T, 0, 3), (T + 10, 0, None)]))

    assert store.latest(permit(1, 2), [1, 2]) == {
        1: Latest(T + 10, 0, None, Quality.MISSING),
        2: Latest(T - 90 * 86_400 + 1800, 1800, (8, -1), Quality.MEASURED),
    }
    early = permit(1, 2, window=Window.of_seconds(0, T + 5))
    assert store.latest(early, [1])[1].value == (3, 0)


def test_the_extent_reaches_from_the_first_start_to_the_last_end(store):
    put(store, steady(T, [1, 2, 3]))

    assert store.extent(permit(1), 1) == Window.of_seconds(T, T + 5400)


def test_a_curve_in_a_distant_zone_has_its_own_days(store):
    store.declare(5, POWER, NEW_YORK)
    start_s = midnight_s(2025, 6, 15, NEW_YORK)
    put(store, steady(start_s, [1000] * 48), series=5)

    days = store.read(permit(5), 5, ALWAYS, Resolution.DAY)

    assert days.start_s.tolist() == [start_s]
    assert days.energy.tolist() == [24_000.0]

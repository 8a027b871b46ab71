"""Weeks, months and years of many series, from their daily totals."""

from datetime import date

import pytest
from tests.store.conftest import NOW_S, midnight_s, permit, steady

from kevre.model.errors import Malformed
from kevre.model.step import Resolution
from kevre.model.window import Window

FIRST, LAST = date(2025, 3, 1), date(2025, 4, 30)


@pytest.fixture
def filled(store):
    for key in (1, 2):
        start_s = midnight_s(2025, 3, 1)
        half_hours = (midnight_s(2025, 5, 1) - start_s) // 1800
        store.write([(key, steady(start_s, [2 * key] * half_hours))], batch="b", now_s=NOW_S)
    store.refresh_many(dict.fromkeys((1, 2), (FIRST, LAST)))
    return store


def test_months_are_the_sums_of_their_days_also_where_the_clock_changes(filled):
    found = filled.periods(permit(1, 2), [1, 2], FIRST, LAST, Resolution.MONTH)

    hours = [31 * 24 - 1, 30 * 24]
    assert found.series.tolist() == [1, 1, 2, 2]
    assert found.first.astype(str).tolist() == ["2025-03-01", "2025-04-01"] * 2
    assert found.total.tolist() == [2.0 * key * hour for key in (1, 2) for hour in hours]
    assert found.covered_s.tolist() == [hour * 3600 for hour in hours] * 2
    assert len(filled.periods(permit(1), [1], FIRST, LAST, Resolution.WEEK)) == 10


def test_a_permit_for_some_days_gives_those_alone(filled):
    window = Window.of_seconds(midnight_s(2025, 3, 30), midnight_s(2025, 4, 2))
    allowed = permit(1, window=window, finest=Resolution.DAY)

    found = filled.periods(allowed, [1], FIRST, LAST, Resolution.MONTH)

    assert found.total.tolist() == [2.0 * (23 + 24), 2.0 * 24]
    with pytest.raises(Malformed):
        filled.periods(permit(1), [1], FIRST, LAST, Resolution.DAY)

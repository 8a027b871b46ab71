from datetime import UTC, datetime

import pytest

from kevre.model.errors import Malformed
from kevre.model.month import Month, months, runs

DECEMBER, JANUARY = Month(2025, 12), Month(2026, 1)


def test_years_meet():
    assert DECEMBER.following == JANUARY
    assert JANUARY.previous == DECEMBER
    assert DECEMBER.window.end == JANUARY.window.start == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("month", [Month(2024, 2), DECEMBER, JANUARY])
def test_a_month_holds_its_instants_and_no_other(month):
    start_s, end_s = month.window.start_s, month.window.end_s

    assert [Month.of(at) for at in (start_s - 1, start_s, end_s - 1, end_s)] == [
        month.previous,
        month,
        month,
        month.following,
    ]


@pytest.mark.parametrize("text", ["2026-01", "202601"])
def test_a_month_is_read_with_and_without_its_hyphen(text):
    assert Month.parse(text) == JANUARY
    assert str(JANUARY) == "202601"


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-00", "0000-01", "2026-1", "january"])
def test_what_is_no_month_is_refused(text):
    with pytest.raises(Malformed):
        Month.parse(text)


def test_runs_are_unbroken():
    some = set(months(Month(2025, 11), Month(2026, 2))) | {Month(2026, 4)}

    assert list(runs(some)) == [(Month(2025, 11), Month(2026, 2)), (Month(2026, 4),) * 2]
    assert list(runs(set())) == []

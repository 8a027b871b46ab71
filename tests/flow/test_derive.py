from datetime import UTC, date, datetime

import pytest
from tests.flow.conftest import NOW_S, batch, column

from kevre.flow import derive
from kevre.flow.accept import Writer
from kevre.flow.models import Cursor
from kevre.model.permit import Permit
from kevre.model.step import Resolution
from kevre.model.window import PARIS, civil_day
from kevre.places.models import Series
from kevre.rights.gate import ALWAYS

pytestmark = [pytest.mark.django_db, pytest.mark.registry]

DAY = date(2026, 3, 29)


def accept(way, *columns, key="k"):
    way.gate.accept(batch(*columns, key=key), Writer.operator("import"), now_s=NOW_S)


def totals(way, first=DAY, last=DAY):
    keys = frozenset(Series.objects.values_list("pk", flat=True))
    permit = Permit(keys, ALWAYS, Resolution.RAW, totals_only=False, purpose="test")
    return way.store.daily(permit, keys, first, last)


def spring_day(value):
    window = civil_day(DAY, PARIS)
    return column([value] * (window.length_s // 1800), start_s=window.start_s)


def test_a_short_spring_day_sums_to_its_23_hours(way):
    accept(way, spring_day(1_000))

    derive.catch_up(way.store)

    assert totals(way).total.tolist() == [23_000.0]
    assert totals(way).coverage.tolist() == [1.0]


def test_a_correction_reaches_the_total(way):
    accept(way, spring_day(1_000))
    derive.catch_up(way.store)
    accept(way, spring_day(500), key="k2")

    derive.catch_up(way.store)

    assert totals(way).total.tolist() == [11_500.0]


def test_a_follower_that_is_killed_repeats_without_harm(way):
    accept(way, spring_day(1_000))
    derive.catch_up(way.store)
    Cursor.objects.update(position=0)

    assert derive.catch_up(way.store) == 1
    assert totals(way).total.tolist() == [23_000.0]


def test_a_register_read_after_weeks_reaches_every_day_between(way):
    start_s = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
    index = column([0], path="consumption/energy/active/index", start_s=start_s, step_s=0)
    later = column(
        [31_000], path="consumption/energy/active/index", start_s=start_s + 31 * 86_400, step_s=0
    )
    accept(way, index)
    derive.catch_up(way.store)
    accept(way, later, key="k2")
    derive.catch_up(way.store)

    found = totals(way, date(2026, 3, 1), date(2026, 4, 1))

    assert found.total[~(found.total != found.total)].sum() == pytest.approx(31_000, abs=2)
    assert len(found.total) >= 31


def test_with_nothing_new_there_is_nothing_to_do(way):
    assert derive.catch_up(way.store) == 0

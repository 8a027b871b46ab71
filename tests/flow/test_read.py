from datetime import UTC, date, datetime

import pytest
from tests import registry
from tests.flow.conftest import NOW_S, batch, column

from kevre.flow import derive
from kevre.flow.accept import Writer
from kevre.model.errors import Refused
from kevre.model.step import Resolution
from kevre.model.window import Window
from kevre.places.models import Series
from kevre.rights.gate import Reader
from kevre.rights.models import AccessRecord

pytestmark = [pytest.mark.django_db, pytest.mark.registry]

NOW = datetime.fromtimestamp(NOW_S, UTC)
DAY = Window.of_seconds(NOW_S - 86_400, NOW_S)
GUEST = Reader(None)
ASKED = {"purpose": "page", "now": NOW}


@pytest.fixture
def school(way):
    place = registry.site()
    sent = batch(column([1_000] * 48))
    way.gate.accept(sent, Writer.operator("import", site=place), now_s=NOW_S)
    derive.catch_up(way.store)
    return place


def test_a_guest_reads_a_public_site_and_the_log_tells(way, school):
    registry.grant(school)
    series = Series.objects.get()

    curve = way.door.curve(GUEST, series, DAY, Resolution.RAW, **ASKED)

    assert curve.values.tolist() == [1_000.0] * 48
    assert AccessRecord.objects.get().series_id == series.pk


def test_without_a_grant_every_way_through_the_door_is_shut(way, school):
    series = Series.objects.get()
    ways = [
        lambda: way.door.curve(GUEST, series, DAY, Resolution.RAW, **ASKED),
        lambda: way.door.curves(GUEST, [series], DAY, Resolution.RAW, **ASKED),
        lambda: list(way.door.blocks(GUEST, series, DAY, **ASKED)),
        lambda: way.door.total(GUEST, [series], DAY, Resolution.DAY, **ASKED),
        lambda: way.door.latest(GUEST, [series], **ASKED),
        lambda: way.door.daily(GUEST, [series], date(2026, 7, 1), date(2026, 7, 31), **ASKED),
        lambda: way.door.daily_total(GUEST, [series], date(2026, 7, 1), date(2026, 7, 31), **ASKED),
        lambda: way.door.extent(GUEST, series, **ASKED),
    ]

    for ask in ways:
        with pytest.raises(Refused):
            ask()
    assert not AccessRecord.objects.exists()


def test_a_stream_is_refused_before_its_first_block(way, school):
    with pytest.raises(Refused):
        way.door.blocks(GUEST, Series.objects.get(), DAY, **ASKED)


def test_a_series_without_readings_gives_nothing_rather_than_an_error(way, school):
    registry.grant(school)
    empty = registry.series(school, "production/power/active/raw", prm="22222222222222")

    assert len(way.door.curve(GUEST, empty, DAY, Resolution.HOUR, **ASKED).values) in {0, 24}
    assert way.door.latest(GUEST, [empty], **ASKED) == {}


def test_homes_count_in_the_total_of_a_day_but_not_alone(way, school):
    for number in range(10):
        home = registry.site(f"home-{number}", "home")
        registry.grant(home, totals_only=True, finest="PT1H")
        sent = batch(column([100] * 48, prm=f"{number:014d}"), key=f"h{number}")
        way.gate.accept(sent, Writer.operator("import", site=home), now_s=NOW_S)
    derive.catch_up(way.store)
    homes = list(Series.objects.filter(point__site__kind="home").select_related("point"))
    first, last = date(2026, 7, 23), date(2026, 7, 24)

    counted = way.door.daily_total(GUEST, homes, first, last, **ASKED)

    assert counted.days.total.sum() == pytest.approx(10 * 100 * 24)
    assert len(counted.sites) == 10
    with pytest.raises(Refused):
        way.door.daily(GUEST, homes, first, last, **ASKED)
    with pytest.raises(Refused):
        way.door.daily_total(GUEST, homes[:9], first, last, **ASKED)

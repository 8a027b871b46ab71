"""The demo as a whole, over a real registry and a real store."""

from datetime import UTC, datetime

import numpy as np
import pytest

from kevre.model.errors import Unavailable
from kevre.model.step import Resolution
from kevre.model.window import Window
from kevre.node.demo import feed as feeding
from kevre.node.demo.setup import TERRITORY
from kevre.places.series import Series
from kevre.places.site import Site
from kevre.places.territory import Territory
from kevre.rights.account import Account
from kevre.rights.gate import Reader

NOW_S = int(datetime(2026, 11, 24, 3, 7, tzinfo=UTC).timestamp())
NOW = datetime.fromtimestamp(NOW_S, UTC)
TOWN_HALL = "urn:dev:prm:00000000000102_consumption/power/active/raw"

RAW = Resolution.RAW

pytestmark = pytest.mark.django_db


@pytest.fixture
def node(open_node, tmp_path):
    with open_node(tmp_path) as opened:
        yield opened


def test_the_demo_stands_after_one_call_and_is_the_same_after_two(node):
    first = node.set_up()
    second = node.set_up()
    assert first.sent > 5_000
    assert second.sent == 0
    assert second.accounts == first.accounts
    agglomeration = Territory.objects.get(slug=TERRITORY)
    assert agglomeration.children.count() == 25
    assert agglomeration.parent.name == "Bretagne"
    assert Site.objects.filter(is_demo=True).count() == Site.objects.count() == 19
    assert not Series.objects.filter(source__isnull=True).exists()


def test_each_minute_brings_only_what_has_just_ended(node):
    node.set_up()
    assert feeding.feed(node.way, node.home, NOW_S + 60) == 0
    ended = feeding.feed(
        node.way, node.home, NOW_S + 4 * 60
    )  # 03:10 is over: the ten-minute series
    assert 0 < ended < 10
    assert feeding.feed(node.way, node.home, NOW_S + 4 * 60) == 0


def test_a_start_after_a_week_catches_up(node):
    node.set_up()
    week_later_s = NOW_S + 7 * 86_400
    assert feeding.feed(node.way, node.home, week_later_s) > 10_000
    curve = town_hall(node)
    assert set(np.diff(curve.start_s)) == {1_800}
    assert curve.start_s[-1] + 1_800 == week_later_s // 1_800 * 1_800


def test_a_feed_without_a_demo_says_so(node, tmp_path):
    with pytest.raises(Unavailable) as refused:
        feeding.feed(node.way, tmp_path / "elsewhere", NOW_S)
    assert refused.value.code == "demo.absent"


def test_what_was_sent_but_not_noted_is_stored_once(node):
    demo = node.set_up()
    before = town_hall(node)
    (node.home / "demo" / "fed.json").unlink()
    assert feeding.feed(node.way, node.home, NOW_S, history_days=3) == demo.sent
    assert town_hall(node).start_s.tolist() == before.start_s.tolist()


def town_hall(node):
    """All readings of the town hall, as the operator sees them."""
    reader = Reader(Account.objects.get(is_superuser=True))
    series = Series.objects.get(urn=TOWN_HALL)
    window = Window.of_seconds(NOW_S - 20 * 86_400, NOW_S + 20 * 86_400)
    return node.way.door.curve(reader, series, window, RAW, purpose="job", now=NOW)

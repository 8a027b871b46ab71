"""What a receiver must know: terms, their ends, receipts, and that it keeps to them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests import registry
from tests.federate.conftest import DAY_S, NOW, NOW_S, POWER, batch, column, grant
from tests.federate.test_inbox import piece, stored

from kevre.federate import deliver, frame, keep
from kevre.federate.frame import Frame
from kevre.federate.inbox import Receiver
from kevre.federate.models import Feed
from kevre.federate.told import Told
from kevre.flow import notice, share
from kevre.flow.accept import Writer
from kevre.flow.models import Notice, Subscription
from kevre.model.terms import Terms
from kevre.places.models import MeteringPoint, Series, Site
from kevre.rights.models import Grant, HeldTerms

pytestmark = [pytest.mark.django_db, pytest.mark.registry]
TERMS = Terms("advice", 10 * DAY_S, onward=True, until_s=NOW_S + DAY_S)


@pytest.fixture
def lent(way):
    """A subscription whose one series is known and granted."""
    party = registry.party()
    place = registry.site()
    grant(place, party, purpose="advice", retention_s=10 * DAY_S, onward=True)
    held = Subscription.objects.create(party=party, selector="*")
    way.gate.accept(batch(column([1])), Writer.operator("test", site=place), now_s=NOW_S)
    MeteringPoint.objects.update(site=place)
    share.catch_up(way.store, NOW)
    return held


def words():
    return [(one.word, one.urn) for one in Notice.objects.order_by("pk")]


def test_terms_are_told_once_and_again_when_they_change(way, lent):
    share.catch_up(way.store, NOW)
    assert words() == [("terms", POWER)]
    assert Notice.objects.get().terms == Terms("advice", 10 * DAY_S, onward=True)

    Grant.objects.update(onward=False)
    share.follow(way.store, NOW)

    assert words() == [("terms", POWER)] * 2
    assert not Notice.objects.last().onward


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"withdrawn_at": NOW}, "withdrawn"),
        ({"valid_until": NOW - timedelta(seconds=1)}, "expired"),
    ],
)
def test_the_end_of_a_grant_is_told_with_its_reason(way, lent, change, word):
    Grant.objects.update(**change)

    for _ in range(3):
        share.follow(way.store, NOW)

    assert words() == [("terms", POWER), (word, POWER)]


def test_a_series_that_was_erased_for_good_is_told(way, lent):
    way.store.erase(Series.objects.get().pk)
    Series.objects.all().delete()

    share.follow(way.store, NOW)

    assert words()[-1] == ("erased", POWER)


def test_a_notice_waits_for_its_receipt_and_is_shown_when_it_waits_too_long(lent):
    (one,) = notice.waiting(lent, 10)
    late = NOW + notice.PATIENCE + timedelta(seconds=1)
    assert notice.overdue(late) == [one]
    assert notice.overdue(NOW) == []

    assert notice.receipt(lent, [(one.pk, "bound"), (one.pk + 1, "?")], late) == 1
    assert notice.receipt(lent, [(one.pk, "again")], late) == 0

    assert notice.waiting(lent, 10) == notice.overdue(late) == []
    assert Notice.objects.get().receipt == "bound"


def test_notices_travel_in_frames(lent):
    told = deliver.told(Notice.objects.get())

    content = frame.encode(Frame(3, told=(told,)))

    assert frame.decode(content[frame.HEAD_BYTES :], now_s=NOW_S).told == (told,)
    assert told.attributes()["retention"] == "P10D"


@pytest.fixture
def receiver(way, own, neighbour):
    feed = Feed.objects.create(peer=neighbour, handle="h1", selector="*", site=registry.site())
    return Receiver(way, own, feed)


def tell(receiver, word="terms", terms=TERMS, number=1, pieces=()):
    said = Told(number, POWER, word, NOW_S, terms)
    found = Frame(number, tuple(pieces), told=(said,))
    return receiver.take(receiver.checked(found), 10, NOW).receipts


def test_a_receiver_is_bound_before_the_readings_come(way, receiver, stranger):
    assert tell(receiver, pieces=[piece(stranger)]) == ((1, "bound"),)

    assert HeldTerms.objects.get().terms == TERMS
    assert len(stored(way)) == 48
    assert tell(receiver) == ((1, "bound"),)  # again is no change


def test_what_ends_without_retention_is_erased_at_once(way, receiver, stranger):
    tell(receiver, terms=replace(TERMS, retention_s=None), pieces=[piece(stranger)])

    assert tell(receiver, "withdrawn", number=2) == ((2, "ended; 48 readings erased"),)

    assert stored(way) == []
    assert tell(receiver, "withdrawn", number=2) == ((2, "ended; 0 readings erased"),)


def test_what_ends_with_retention_goes_when_that_is_over(way, receiver, stranger):
    tell(receiver, pieces=[piece(stranger)])
    ((_, said),) = tell(receiver, "expired", number=2)
    assert said.startswith("ended; 0 readings erased, the rest is kept")

    assert keep.tend(way, NOW + timedelta(days=9)) == 0
    assert keep.tend(way, NOW + timedelta(days=12)) == 48
    assert stored(way) == []


def test_retention_runs_while_the_grant_holds(way, receiver, stranger):
    tell(receiver, pieces=[piece(stranger)])

    # The readings are of yesterday: they came today, and may be kept ten days.
    assert keep.tend(way, NOW + timedelta(days=9, hours=23)) == 0
    assert keep.tend(way, NOW + timedelta(days=10)) > 0


def test_what_was_erased_at_its_source_goes_whatever_the_terms(way, receiver, stranger):
    tell(receiver, terms=replace(TERMS, is_open=True), pieces=[piece(stranger)])

    tell(receiver, "erased", number=2)

    assert stored(way) == []


def test_open_readings_are_not_bound(way, receiver, stranger):
    tell(receiver, terms=Terms("open", onward=True, is_open=True), pieces=[piece(stranger)])
    tell(receiver, "withdrawn", number=2)

    assert keep.tend(way, NOW + timedelta(days=4_000)) == 0
    assert len(stored(way)) == 48


def test_a_notice_of_what_is_not_its_own_binds_nobody(way, receiver, own):
    place = Site.objects.get()
    way.gate.accept(batch(column([1])), Writer.operator("test", site=place), now_s=NOW_S)

    ((_, said),) = tell(receiver)
    assert said == "another brought this series first"
    tell(receiver, "erased", number=2)

    assert stored(way) == [1]

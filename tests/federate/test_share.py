from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import registry
from tests.federate.conftest import DAY_S, NOW, NOW_S, POWER, batch, column, grant

from kevre.federate import serve
from kevre.flow import outbox, share
from kevre.flow.accept import Writer
from kevre.flow.models import Parcel, Subscription
from kevre.flow.outbox import Due
from kevre.model.window import Window
from kevre.places.models import Series, Site
from kevre.rights.models import Grant
from kevre.store import RETENTION

pytestmark = [pytest.mark.django_db, pytest.mark.registry]


@pytest.fixture
def lent(way):
    party = registry.party()
    grant(registry.site(), party)
    return Subscription.objects.create(party=party, selector="urn:dev:prm:09876543210123")


def keep(way, *columns, key="k1"):
    place = Site.objects.get()
    way.gate.accept(batch(*columns, key=key), Writer.operator("test", site=place), now_s=NOW_S)


def windows(held):
    return [(one.first_s, one.end_s) for one in held.parcels.order_by("seq")]


def test_a_new_subscription_is_told_of_all_that_is_known_oldest_first(way, lent):
    keep(way, column([1, 2], start_s=NOW_S - 400 * DAY_S), column([3]), key="k1")

    share.catch_up(way.store, NOW)

    starts = [first_s for first_s, _ in windows(lent)]
    assert starts == sorted(starts)
    assert starts[0] == NOW_S - 400 * DAY_S


def test_what_changes_later_is_told_once_per_day_and_series(way, lent):
    share.catch_up(way.store, NOW)
    for number in range(5):
        keep(
            way, column([number], start_s=NOW_S - 3_600 + number * 600, step_s=600), key=f"{number}"
        )
        share.catch_up(way.store, NOW)

    assert windows(lent) == [(NOW_S - 3_600, NOW_S - 600)]
    assert lent.parcels.get().seq == 5


def test_series_that_are_not_selected_are_not_told(way, lent):
    share.catch_up(way.store, NOW)
    keep(way, column([1], urn=POWER.replace("123_", "124_")))

    share.catch_up(way.store, NOW)

    assert not Parcel.objects.exists()


def test_what_is_not_granted_is_not_even_named(way, lent):
    Grant.objects.update(path_prefix="consumption/power/active/corrected")
    keep(way, column([1]))

    share.catch_up(way.store, NOW)

    assert not Parcel.objects.exists()


def test_a_later_grant_brings_all_that_is_known(way, lent):
    Grant.objects.update(withdrawn_at=NOW)
    keep(way, column([1, 2], start_s=NOW_S - 400 * DAY_S))
    share.catch_up(way.store, NOW)
    assert not Parcel.objects.exists()

    grant(Site.objects.get(), lent.party)
    share.catch_up(way.store, NOW)

    assert lent.parcels.exists()


@pytest.mark.parametrize("selector", ["*", "site:school"])
def test_a_selector_can_name_a_site_or_everything(way, lent, selector):
    Subscription.objects.update(selector=selector)
    keep(way, column([1], urn=POWER.replace("123_", "124_")))

    share.catch_up(way.store, NOW)

    assert lent.parcels.get().urn == POWER.replace("123_", "124_")


def test_what_our_own_rules_let_go_is_not_told(way, lent):
    keep(way, column([1, 2, 3]))
    share.catch_up(way.store, NOW)
    Parcel.objects.all().delete()

    way.store.erase(Series.objects.get().pk, Window(NOW - timedelta(days=2), NOW), batch=RETENTION)
    share.catch_up(way.store, NOW)

    assert not Parcel.objects.exists()


def test_what_a_person_had_erased_is_told_as_such(way, lent):
    keep(way, column([1, 2, 3]))
    share.catch_up(way.store, NOW)
    Parcel.objects.all().delete()

    way.store.erase(Series.objects.get().pk, Window(NOW - timedelta(days=2), NOW))
    share.catch_up(way.store, NOW)

    assert {one.is_exact for one in lent.parcels.all()} == {True}


def test_an_acknowledgement_forgets_only_what_was_sent(way, lent):
    outbox.put(lent.pk, [Due(1, "a", 0, DAY_S, 0, 10), Due(2, "b", 0, DAY_S, 0, 10)])
    outbox.put(lent.pk, [Due(1, "a", 0, DAY_S, 20, 30)])
    lent.refresh_from_db()

    outbox.acknowledge(lent, 2)

    assert [(one.series_id, one.seq) for one in lent.parcels.all()] == [(1, 3)]
    assert windows(lent) == [(0, 30)]


def test_an_acknowledgement_of_what_never_was_moves_nothing(way, lent):
    outbox.put(lent.pk, [Due(1, "a", 0, DAY_S, 0, 10)])
    lent.refresh_from_db()

    outbox.acknowledge(lent, 99)

    lent.refresh_from_db()
    assert lent.acknowledged == 0


def test_the_outbox_does_not_grow_while_a_receiver_is_away(way, lent):
    for number in range(300):
        outbox.put(lent.pk, [Due(1, "a", 0, DAY_S, number, number + 1)])

    assert lent.parcels.count() == 1


@pytest.mark.parametrize("after", [0, 99])
def test_a_receiver_with_another_past_gets_everything_again(way, lent, after):
    keep(way, column([1]))
    share.catch_up(way.store, NOW)
    lent.refresh_from_db()
    outbox.acknowledge(lent, lent.last_seq)
    lent.refresh_from_db()
    known = lent.last_seq

    serve.resume(lent, after, NOW)
    share.catch_up(way.store, NOW)

    assert min(one.seq for one in lent.parcels.all()) > max(known, after)


def test_a_receiver_that_goes_on_gets_only_what_is_new(way, lent):
    keep(way, column([1]))
    share.catch_up(way.store, NOW)
    lent.refresh_from_db()

    serve.resume(lent, lent.last_seq, NOW)
    share.catch_up(way.store, NOW)

    assert not lent.parcels.exists()


def test_a_day_that_ended_is_told_once_more(way, lent):
    keep(way, column([1]))
    share.catch_up(way.store, NOW)
    share.close_day(NOW)
    Parcel.objects.all().delete()
    morrow = NOW + timedelta(days=1)

    assert share.close_day(morrow) == 1
    assert share.close_day(morrow) == 0
    first_s = int(NOW.timestamp()) // DAY_S * DAY_S
    assert windows(lent) == [(first_s, first_s + DAY_S)]


@given(st.integers(0, 500 * DAY_S), st.integers(1, 500 * DAY_S))
def test_buckets_meet_and_hold_their_parts(before_s, length_s):
    first_s = NOW_S - before_s
    parts = list(share.buckets(first_s, first_s + length_s, NOW_S))

    assert parts[0][2] == first_s
    assert parts[-1][3] == first_s + length_s
    assert all(one[3] == after[2] for one, after in pairwise(parts))
    assert all(one[0] <= one[2] < one[3] <= one[1] for one in parts)


def test_what_is_old_is_told_by_months_and_what_is_young_by_days():
    parts = list(share.buckets(NOW_S - 90 * DAY_S, NOW_S, NOW_S))
    lengths = [(until_s - bucket_s) // DAY_S for bucket_s, until_s, _, _ in parts]

    assert set(lengths[:2]) <= {28, 30, 31}
    assert lengths[-30:] == [1] * 30
    assert datetime.fromtimestamp(parts[0][0], UTC).day == 1

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st
from tests import registry
from tests.rights.test_law import DAY, NOW, account, write

from kevre.model.errors import Refused
from kevre.model.step import Resolution
from kevre.model.terms import Terms
from kevre.places.models import Series, Source
from kevre.rights import gate, terms
from kevre.rights.gate import Reader
from kevre.rights.models import Grant, HeldTerms, Membership

DAY_S = 86_400
some = st.builds(
    Terms,
    purpose=st.sampled_from(["advice", "study"]),
    retention_s=st.none() | st.integers(1, 10),
    onward=st.booleans(),
    until_s=st.none() | st.integers(1, 10),
)


@given(some, some)
def test_two_rights_allow_what_either_does_and_two_bounds_what_both_do(one, other):
    wide, narrow = one.widened(other), one.bounded(other)

    for single in (one, other):
        assert wide.onward >= single.onward >= narrow.onward
        assert at_least(wide.retention_s, single.retention_s)
        assert at_least(single.retention_s, narrow.retention_s)
        assert at_least(single.until_s, narrow.until_s)
    assert one.widened(other).widened(other) == wide
    assert one.bounded(one) == one


def at_least(one, other):
    """Whether a bound allows as much as another; none is the widest."""
    return one is None or (other is not None and one >= other)


@pytest.fixture
def lent(db):
    """A curve of a school here, lent by another node, and a grant to everyone on the school."""
    school = registry.site(owner=registry.party())
    registry.grant(school)
    curve = registry.series(school)
    curve.source = Source.objects.create(slug="peer", name="Vannes", nature="measured")
    curve.save()
    return curve


def bind(curve, **changed):
    told = Terms("study", retention_s=DAY_S)
    given_terms = Terms(**{name: getattr(told, name) for name in told.__slots__} | changed)
    terms.hold(curve.urn, curve.source, given_terms, NOW)


def may(reader, curve):
    try:
        gate.permit(reader, [curve], DAY, Resolution.HALF_HOUR, purpose="page", now=NOW)
    except Refused:
        return False
    return True


@pytest.mark.django_db
@pytest.mark.registry
def test_what_may_not_be_passed_on_is_read_by_nobody_else(lent):
    guest = Reader(None)
    assert may(guest, lent)

    bind(lent)
    assert not may(guest, lent)
    assert gate.reach(guest, Series.objects.all(), NOW) == {}
    with pytest.raises(IntegrityError):
        write(Grant.objects.get(), lent)

    bind(lent, onward=True)
    assert may(guest, lent)
    bind(lent, is_open=True)
    assert may(guest, lent)


@pytest.mark.django_db
@pytest.mark.registry
def test_what_was_ended_is_read_by_its_keeper_no_more(lent):
    member = account()
    Membership.objects.create(account=member, party=lent.point.site.party)
    bind(lent, onward=True)
    assert may(Reader(member), lent)

    terms.end(lent.urn, lent.source, NOW)

    assert not may(Reader(member), lent)
    assert not may(Reader(None), lent)
    with pytest.raises(IntegrityError):
        write(None, lent, basis="holder", account=member.pk)
    bind(lent, onward=True)
    assert may(Reader(member), lent)


@pytest.mark.django_db
@pytest.mark.registry
def test_a_peer_cannot_bind_what_somebody_else_measures(lent):
    bind(lent)
    lent.source = None
    lent.save()

    assert may(Reader(None), lent)
    assert lent.pk in gate.reach(Reader(None), Series.objects.all(), NOW)
    write(Grant.objects.get(), lent)


@pytest.mark.django_db
def test_another_source_cannot_bind_what_is_not_its_own(lent):
    other = Source.objects.create(slug="other", name="Other", nature="measured")
    bind(lent)

    terms.hold(lent.urn, other, Terms("", is_open=True), NOW)

    assert not may(Reader(None), lent)
    assert HeldTerms.objects.count() == 2


@pytest.mark.django_db
def test_terms_follow_from_the_grants_and_from_what_binds_us(lent):
    party = registry.party("Advisers")
    reader, every = Reader(None, party), Series.objects.all()
    Grant.objects.all().delete()
    until = datetime(2027, 1, 1, tzinfo=UTC)
    registry.grant(
        lent.point.site, audience="party", party=party, purpose="advice",
        retention_s=10 * DAY_S, onward=True, valid_until=until,
    )  # fmt: skip
    until_s = int(until.timestamp())

    assert gate.terms(reader, every, NOW)[lent.pk] == Terms("advice", 10 * DAY_S, True, until_s)

    soon_s = int((NOW + timedelta(days=1)).timestamp())
    bind(lent, onward=True, retention_s=5 * DAY_S, until_s=soon_s)
    assert gate.terms(reader, every, NOW)[lent.pk] == Terms("study", 5 * DAY_S, True, soon_s)
    bind(lent, onward=False)
    assert gate.terms(reader, every, NOW) == {}

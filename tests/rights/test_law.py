from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from tests import registry

from kevre.model.errors import Conflict
from kevre.model.step import Resolution
from kevre.model.window import Window
from kevre.rights import access, gate, law
from kevre.rights.gate import Reader
from kevre.rights.models import AccessPurge, AccessRecord, Account, Grant, Membership

pytestmark = [pytest.mark.django_db, pytest.mark.registry]

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = Window(NOW - timedelta(days=1), NOW)
INSERT = (
    "insert into rights_accessrecord (at, account_id, party_id, basis, grant_id, series_id, start,"
    ' "end", resolution, totals_only, purpose, digest)'
    " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '')"
)


def write(given, curve, **changed):
    """Write a line as an intruder would: past the gate and past Django's models."""
    line = {
        "at": NOW, "account": None, "party": None, "basis": "grant",
        "grant": given.pk if given else None, "series": curve.pk, "start": DAY.start,
        "end": DAY.end, "resolution": "PT30M", "totals_only": False, "purpose": "page",
    } | changed  # fmt: skip
    adapt = connection.ops.adapt_datetimefield_value
    values = [adapt(one) if isinstance(one, datetime) else one for one in line.values()]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(INSERT, values)


def account(**fields):
    return Account.objects.create_user("someone@example.org", "a-long-password", **fields)


@pytest.fixture
def school():
    return registry.site(owner=registry.party())


@pytest.fixture
def curve(school):
    return registry.series(school)


def test_a_line_that_its_grant_covers_may_be_written(school, curve):
    write(registry.grant(school), curve)

    assert AccessRecord.objects.count() == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"valid_since": NOW + timedelta(seconds=1)},
        {"valid_until": NOW},
        {"valid_until": NOW - timedelta(microseconds=1)},
        {"withdrawn_at": NOW},
        {"path_prefix": "production/"},
        {"path_prefix": "consumption/power/active/raws"},
        {"finest": "PT1H"},
        {"totals_only": True},
        {"readings_since": DAY.start + timedelta(microseconds=1)},
        {"readings_until": DAY.end - timedelta(seconds=1)},
    ],
)
def test_the_database_refuses_a_line_that_its_grant_does_not_cover(school, curve, changed):
    given = registry.grant(school, **changed)

    with pytest.raises(IntegrityError):
        write(given, curve)


@pytest.mark.parametrize(
    "changed",
    [
        {"grant": None},
        {"grant": 999_999},
        {"series": 999_999},
        {"basis": "holder"},
        {"basis": "operator"},
        {"basis": "export"},
        {"basis": ""},
        {"basis": "export", "grant": None},
        {"resolution": "PT1S"},
        {"start": NOW - timedelta(days=400)},
        {"end": NOW + timedelta(days=400)},
    ],
)
def test_the_database_refuses_a_line_that_bends_the_right(school, curve, changed):
    given = registry.grant(school, readings_since=DAY.start, readings_until=DAY.end)

    with pytest.raises(IntegrityError):
        write(given, curve, **changed)


def test_the_grant_of_one_site_covers_no_line_of_another(school, curve):
    home = registry.series(registry.site("home", "home"), prm="11111111111111")

    with pytest.raises(IntegrityError):
        write(registry.grant(school), home)


def test_the_grant_of_a_party_covers_its_members_and_its_node_alone(school, curve):
    agency, other = registry.party("Agency"), registry.party("Other")
    given = registry.grant(school, audience="party", party=agency)
    adviser = account()
    for who in ({}, {"account": adviser.pk}, {"party": other.pk}):
        with pytest.raises(IntegrityError):
            write(given, curve, **who)
    Membership.objects.create(account=adviser, party=agency)

    write(given, curve, account=adviser.pk)
    write(given, curve, party=agency.pk)

    assert AccessRecord.objects.count() == 2


def test_a_holder_and_an_operator_are_what_the_line_says(school, curve):
    person = account()
    for basis in ("holder", "operator"):
        with pytest.raises(IntegrityError):
            write(None, curve, basis=basis, account=person.pk)
    Membership.objects.create(account=person, party=school.party)
    Account.objects.filter(pk=person.pk).update(is_superuser=True)

    write(None, curve, basis="holder", account=person.pk)
    write(None, curve, basis="operator", account=person.pk)

    assert AccessRecord.objects.count() == 2


@pytest.mark.parametrize(
    "attack", ["update rights_accessrecord set purpose = 'x'", "delete from rights_accessrecord"]
)
def test_what_is_written_stays_as_it_is(school, curve, attack):
    write(registry.grant(school), curve)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attack)

    assert AccessRecord.objects.get().purpose == "page"


def test_the_gate_writes_only_lines_that_the_database_accepts(school, curve):
    registry.grant(school)

    for _ in range(3):
        gate.permit(Reader(None), [curve], DAY, Resolution.RAW, purpose="page", now=NOW)

    assert access.verify() == 3
    assert len(set(AccessRecord.objects.values_list("digest", flat=True))) == 3


@pytest.mark.parametrize(
    "harm",
    [
        "update rights_accessrecord set purpose = 'other' where id = (select min(id) from rights_accessrecord)",
        "delete from rights_accessrecord where id = (select min(id) from rights_accessrecord)",
        "delete from rights_accessrecord where id = (select min(id) + 1 from rights_accessrecord)",
        "update rights_accessrecord set digest = '' where id = (select min(id) from rights_accessrecord)",
    ],
)
def test_a_chain_that_was_changed_behind_the_law_shows(school, curve, harm):
    registry.grant(school)
    for _ in range(4):
        gate.permit(Reader(None), [curve], DAY, Resolution.RAW, purpose="page", now=NOW)
    law._drop(connection)
    with connection.cursor() as cursor:
        cursor.execute(harm)

    assert law.missing(connection) == set(law.TRIGGERS)
    with pytest.raises(Conflict, match="changed"):
        access.verify()
    law.lay("default")


def test_a_purge_lets_the_old_go_and_the_chain_still_holds(school, curve):
    registry.grant(school)
    for days in (400, 399, 1, 0):
        at = NOW - timedelta(days=days)
        gate.permit(Reader(None), [curve], DAY, Resolution.DAY, purpose="page", now=at)

    assert access.purge(NOW - timedelta(days=365), NOW) == 2

    assert access.verify() == 2
    assert AccessPurge.objects.get().count == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        AccessRecord.objects.all().delete()
    gate.permit(Reader(None), [curve], DAY, Resolution.DAY, purpose="page", now=NOW)
    assert access.verify() == 3


def test_a_chain_goes_on_after_all_its_lines_were_purged(school, curve):
    registry.grant(school)
    gate.permit(Reader(None), [curve], DAY, Resolution.DAY, purpose="page", now=NOW)

    assert access.purge(NOW + timedelta(days=1), NOW) == 1
    gate.permit(Reader(None), [curve], DAY, Resolution.DAY, purpose="page", now=NOW)

    assert access.verify() == 1
    assert Grant.objects.count() == 1

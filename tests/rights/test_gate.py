from datetime import UTC, datetime, timedelta

import pytest
from tests import registry

from kevre.model.errors import Refused
from kevre.model.step import Resolution
from kevre.model.window import Window
from kevre.rights import gate
from kevre.rights.gate import Reader
from kevre.rights.models import AccessRecord, Account, Membership

pytestmark = [pytest.mark.django_db, pytest.mark.registry]

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = Window(NOW - timedelta(days=1), NOW)
GUEST = Reader(None)


def ask(reader, series, window=DAY, resolution=Resolution.HALF_HOUR, now=NOW):
    return gate.permit(reader, series, window, resolution, purpose="page", now=now)


def ask_total(series, reader=GUEST, resolution=Resolution.DAY):
    return gate.permit_total(reader, series, DAY, resolution, purpose="page", now=NOW)


def account(**fields):
    return Account.objects.create_user("someone@example.org", "a-long-password", **fields)


def test_a_guest_reads_a_site_granted_to_everyone():
    school = registry.site()
    curve = registry.series(school)
    registry.grant(school)

    allowed = ask(GUEST, [curve])

    assert allowed.series == {curve.pk}
    assert allowed.window == DAY
    assert list(gate.readable_sites(GUEST, NOW)) == [school]


def test_without_a_grant_nothing_is_read_and_nothing_is_logged():
    curve = registry.series(registry.site())

    with pytest.raises(Refused):
        ask(GUEST, [curve])

    assert not AccessRecord.objects.exists()
    assert not gate.readable_sites(GUEST, NOW).exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"valid_since": NOW + timedelta(seconds=1)},
        {"valid_until": NOW},
        {"withdrawn_at": NOW - timedelta(days=1)},
        {"path_prefix": "production/"},
        {"finest": "P1D"},
        {"totals_only": True},
        {"readings_until": DAY.start},
        {"readings_since": NOW},
    ],
)
def test_a_grant_that_does_not_fit_is_no_grant(changed):
    school = registry.site()
    curve = registry.series(school)
    registry.grant(school, **changed)

    with pytest.raises(Refused):
        ask(GUEST, [curve])


def test_the_window_of_a_permit_is_cut_to_the_readings_granted():
    school = registry.site()
    curve = registry.series(school)
    registry.grant(school, readings_since=NOW - timedelta(hours=2))

    assert ask(GUEST, [curve]).window.start == NOW - timedelta(hours=2)


def test_one_series_without_a_grant_refuses_all():
    school, home = registry.site(), registry.site("home", "home")
    registry.grant(school)
    open_curve = registry.series(school)
    closed_curve = registry.series(home, prm="11111111111111")

    with pytest.raises(Refused):
        ask(GUEST, [open_curve, closed_curve])


def test_the_access_log_has_one_line_per_series_before_the_answer():
    school = registry.site()
    curves = [registry.series(school), registry.series(school, "production/power/active/raw")]
    given = registry.grant(school)

    ask(GUEST, curves)

    lines = AccessRecord.objects.order_by("series_id")
    assert [line.series_id for line in lines] == [curve.pk for curve in curves]
    assert {(line.grant, line.account, line.start, line.end, line.purpose) for line in lines} == {
        (given, None, DAY.start, DAY.end, "page")
    }


def test_a_member_of_the_owner_reads_without_a_grant():
    owner = registry.party("A. Fictif", "person")
    home = registry.site("home", "home", owner)
    curve = registry.series(home)
    person = account()
    Membership.objects.create(account=person, party=owner)

    allowed = ask(Reader(person), [curve], resolution=Resolution.RAW)

    assert allowed.finest is Resolution.RAW
    assert list(gate.readable_sites(Reader(person), NOW)) == [home]


def test_a_stranger_with_an_account_sees_no_more_than_a_guest():
    home = registry.site("home", "home", registry.party("A. Fictif", "person"))
    curve = registry.series(home)

    with pytest.raises(Refused):
        ask(Reader(account()), [curve])


def test_a_grant_to_a_party_is_for_its_members_only():
    home = registry.site("home", "home", registry.party("A. Fictif", "person"))
    curve = registry.series(home)
    agency = registry.party("Agence de l'énergie")
    registry.grant(home, audience="party", party=agency, finest="P1D")
    adviser = account()
    Membership.objects.create(account=adviser, party=agency)

    assert ask(Reader(adviser), [curve], resolution=Resolution.DAY).finest is Resolution.DAY
    with pytest.raises(Refused):
        ask(Reader(adviser), [curve], resolution=Resolution.HOUR)
    with pytest.raises(Refused):
        ask(GUEST, [curve], resolution=Resolution.DAY)


def test_an_operator_reads_all_and_it_is_logged():
    curve = registry.series(registry.site())
    operator = account(is_superuser=True)

    ask(Reader(operator), [curve])

    assert AccessRecord.objects.get().account == operator


def homes(count):
    found = []
    for number in range(count):
        home = registry.site(f"home-{number}", "home")
        registry.grant(home, totals_only=True, finest="PT1H")
        found.append(registry.series(home, prm=f"{number:014d}"))
    return found


def test_ten_homes_count_together():
    curves = homes(gate.LEAST_TOGETHER)

    allowed, sites = ask_total(curves)

    assert allowed.series == {curve.pk for curve in curves}
    assert allowed.totals_only
    assert len(sites) == gate.LEAST_TOGETHER


def test_nine_homes_are_left_out_beside_a_public_site():
    school = registry.site()
    registry.grant(school)
    curve = registry.series(school)

    allowed, sites = ask_total([curve, *homes(gate.LEAST_TOGETHER - 1)])

    assert allowed.series == {curve.pk}
    assert sites == {school.pk}


def test_nine_homes_alone_are_refused():
    with pytest.raises(Refused):
        ask_total(homes(gate.LEAST_TOGETHER - 1))


def test_homes_do_not_count_more_finely_than_they_granted():
    with pytest.raises(Refused):
        ask_total(homes(gate.LEAST_TOGETHER), resolution=Resolution.HALF_HOUR)


def test_the_operators_export_may_read_closed_readings_of_the_named_series_alone():
    curve, other = registry.series(registry.site()), 99

    allowed = gate.permit_export([curve.pk], DAY, now=NOW)

    assert (allowed.series, allowed.window, allowed.finest) == ({curve.pk}, DAY, Resolution.RAW)
    assert allowed.purpose == gate.OPERATOR_EXPORT
    later = Window(NOW, NOW + timedelta(days=1))
    assert allowed.clip(curve.pk, later, Resolution.RAW) is None
    with pytest.raises(Refused):
        allowed.clip(other, DAY, Resolution.RAW)


def test_the_operators_export_is_logged_before_it_reads():
    curves = [
        registry.series(registry.site()),
        registry.series(registry.site("home"), "temperature/air/raw"),
    ]

    gate.permit_export([curve.pk for curve in curves], DAY, now=NOW)

    lines = AccessRecord.objects.order_by("series_id")
    assert [line.series_id for line in lines] == [curve.pk for curve in curves]
    assert {(line.account, line.grant, line.start, line.end, line.purpose) for line in lines} == {
        (None, None, DAY.start, DAY.end, "operator export")
    }


def test_the_operators_export_may_not_read_what_is_not_past():
    curve = registry.series(registry.site())

    with pytest.raises(Refused):
        gate.permit_export([curve.pk], Window(DAY.start, NOW + timedelta(seconds=1)), now=NOW)

    assert not AccessRecord.objects.exists()

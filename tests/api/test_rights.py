"""Grants, the access log and applications, as a person, an application and others see them."""

from datetime import timedelta

import pytest
from allauth.idp.oidc.models import Token
from django.test import Client
from django.utils import timezone
from tests import applying, registry

from kevre.model.step import Resolution
from kevre.rights import access, consent
from kevre.rights.access import AccessRecord, Basis
from kevre.rights.models import Account, Grant, Membership

pytestmark = [pytest.mark.django_db, pytest.mark.registry]


class People:
    """A person with a home, a neighbour, and an application that reads the home."""

    def __init__(self, school):
        self.now = timezone.now()
        owner = registry.party("Someone", "person")
        self.home = registry.site("home", "home", owner)
        self.series = registry.series(self.home, prm="09876543210124")
        self.open = registry.grant(school)
        self.citizen = Account.objects.create_user("home@x.example")
        Membership.objects.create(account=self.citizen, party=owner)
        self.neighbour = Account.objects.create_user("next@x.example")
        developer = Account.objects.create_user("dev@x.example", is_superuser=True)
        self.application = applying.registered("person", developer)
        choice = consent.Choice(Resolution.DAY, 30, "en")
        (self.grant,) = consent.give(
            self.citizen, self.application, [self.home], choice, self.now - timedelta(seconds=1)
        )
        self.token = applying.token(self.application, self.citizen)

    def ask(self, path, account=None, token=None, method="get"):
        client = Client()
        if account:
            client.force_login(
                account, backend="allauth.account.auth_backends.AuthenticationBackend"
            )
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return getattr(client, method)(f"/api/v1/{path}", headers=headers)


@pytest.fixture
def people(school, way):
    return People(school)


def test_a_person_sees_what_was_given_and_to_whom(people):
    (one,) = people.ask("grants?side=given", people.citizen).json()["grants"]

    assert (one["id"], one["site"], one["finest"]) == (people.grant.pk, "home", "P1D")
    assert (one["receiver"], one["in_force"]) == ("person", True)


def test_a_person_is_not_named_to_another(people):
    friend = registry.party("Anna Surname", "person")
    registry.grant(people.home, audience="party", party=friend)

    told = people.ask("grants?side=given", people.citizen).content.decode()

    assert "Surname" not in told


def test_an_application_sees_its_own_grants_and_no_other(people):
    told = people.ask("grants", token=people.token).json()["grants"]

    assert [one["id"] for one in told] == [people.grant.pk]
    assert people.ask(f"grants/{people.open.pk}", token=people.token).status_code == 404
    assert people.ask(f"grants/{people.grant.pk}", people.neighbour).status_code == 404


def test_an_application_gives_a_grant_back(people):
    told = people.ask(f"grants/{people.grant.pk}/renounce", token=people.token, method="post")
    after = people.ask(f"series/{people.series.pk}", token=people.token)

    assert told.json()["in_force"] is False
    assert after.status_code == 404
    assert Grant.objects.get(pk=people.grant.pk).withdrawn_at is not None


@pytest.mark.parametrize("who", ["citizen", "neighbour", None])
def test_nobody_but_the_application_gives_it_back(people, who):
    account = getattr(people, who) if who else None

    told = people.ask(f"grants/{people.grant.pk}/renounce", account, method="post")

    assert told.status_code == 403
    assert Grant.objects.get(pk=people.grant.pk).withdrawn_at is None


def test_an_application_does_not_give_back_what_is_not_its_own(people):
    told = people.ask(f"grants/{people.open.pk}/renounce", token=people.token, method="post")

    assert told.status_code == 404
    assert Grant.objects.get(pk=people.open.pk).withdrawn_at is None


def read(people, count=3):
    """Lines of the log: the application read the home."""
    access.append(
        AccessRecord(
            at=people.now,
            party=people.application.party,
            basis=Basis.GRANT,
            grant=people.grant,
            series_id=people.series.pk,
            start=people.now,
            end=people.now + timedelta(days=1),
            resolution="P1D",
            purpose="api",
        )
        for _ in range(count)
    )


def test_a_person_reads_who_read_the_home_page_by_page(people):
    read(people)

    first = people.ask("accesses?limit=2", people.citizen).json()
    rest = people.ask(f"accesses?limit=2&before={first['next']}", people.citizen).json()

    assert [len(one["accesses"]) for one in (first, rest)] == [2, 1]
    assert rest["next"] is None
    assert {one["reader"] for one in first["accesses"]} == {"person"}
    assert not any(one["is_own"] for one in first["accesses"])


def test_a_neighbour_and_a_guest_read_nothing_of_it(people):
    read(people)

    assert people.ask("accesses", people.neighbour).json()["accesses"] == []
    assert people.ask("accesses").status_code == 403


def test_an_application_sees_what_it_read_by_this_token(people):
    read(people, 1)
    other = Account.objects.create_user("other@x.example")

    seen = people.ask("accesses", token=people.token).json()["accesses"]
    by_another = Token(
        type="at",
        client=people.application.client,
        user=other,
        expires_at=people.now + timedelta(hours=1),
    )
    by_another.set_value("of-another")
    by_another.save()

    assert [one["series"] for one in seen] == [people.series.pk]
    assert people.ask("accesses", token="of-another").json()["accesses"] == []


def test_a_developer_sees_applications_and_their_use_without_a_secret(people):
    people.ask("sites", token=people.token)
    developer = people.application.owner
    told = people.ask("applications", developer).json()["applications"]
    days = people.ask(f"applications/{people.application.pk}/uses", developer).json()["days"]

    assert [one["client_id"] for one in told] == [people.application.client_id]
    assert "secret" not in str(told)
    assert [one["asked"] for one in days] == [1]
    assert people.ask("applications", people.citizen).json()["applications"] == []
    assert people.ask(f"applications/{people.application.pk}", people.citizen).status_code == 404


def test_each_is_told_who_it_is(people):
    kinds = [
        people.ask("who").json(),
        people.ask("who", people.citizen).json(),
        people.ask("who", token=people.token).json(),
    ]

    assert [one["kind"] for one in kinds] == ["guest", "account", "application"]
    assert kinds[2]["grants"] == [people.grant.pk]


def test_a_token_beside_a_session_counts_alone(people):
    told = people.ask("who", people.citizen, token=people.token).json()

    assert told["kind"] == "application"
    assert people.ask("applications", people.citizen, token=people.token).status_code == 403


def test_an_address_that_is_not_there_is_a_problem_to_a_machine(client, db):
    told = client.get("/api/v1/nothing")

    assert told.status_code == 404
    assert told.headers["Content-Type"] == "application/problem+json"
    assert told.json()["code"] == "resource.absent"

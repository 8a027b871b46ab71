"""The fleet page: who sees what, what an operator can do there, in three languages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from tests import registry

from kevre.flow.collector import Collector
from kevre.rights.models import Account, Membership, Role

STATE = {
    "version": "0.1",
    "clock": "held",
    "waiting": 17,
    "sent": 100,
    "bytes": 512,
    "devices": [["boiler", "mbus", "failing", "mbus.silent: the meter does not answer"]],
}


@pytest.fixture
def owner(db):
    return registry.party()


@pytest.fixture
def collector(owner):
    point = registry.series(registry.site(owner=owner)).point
    made = Collector.objects.create(
        name="pi-school", state=STATE, heard_at=datetime.now(UTC) - timedelta(hours=5)
    )
    made.points.set([point])
    return made


@pytest.fixture
def operator(client, db):
    client.force_login(Account.objects.create_superuser("operator@example.org", "x"))
    return client


def test_a_guest_is_not_told_whether_there_are_any(client, collector):
    assert client.get("/fr/collectors/").status_code == 404
    assert client.get(f"/fr/collectors/{collector.pk}/").status_code == 404


def test_a_member_sees_those_of_its_partys_sites_and_changes_nothing(client, collector, owner):
    account = Account.objects.create_user("member@example.org", "x")
    Membership.objects.create(account=account, party=owner)
    Collector.objects.create(name="of-others")
    client.force_login(account)

    page = client.get("/en/collectors/").content.decode()
    assert "pi-school" in page
    assert "of-others" not in page
    assert "<textarea" not in page
    client.post(f"/en/collectors/{collector.pk}/", {"configuration": "x", "silent_after_min": 1})
    collector.refresh_from_db()
    assert (collector.configuration, collector.invites.count()) == ("", 0)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", ["Collecteurs", "silencieux", "Relevés en attente", "5,1"]),
        ("br", ["Dastumerien", "didrouz", "Lennadurioù o c\u2019hortoz", "5,1"]),
        ("en", ["Collectors", "silent", "Readings waiting", "5.1"]),
    ],
)
def test_the_page_says_how_each_stands(operator, collector, language, words):
    page = operator.get(f"/{language}/collectors/").content.decode()

    assert [word for word in (*words, "17", "boiler", "0.1") if word not in page] == []
    assert "<script" not in page
    detail = operator.get(f"/{language}/collectors/{collector.pk}/").content.decode()
    assert "mbus.silent" in detail


def test_an_operator_makes_a_collector_and_gets_its_code_once(operator, collector):
    urn = collector.points.get().urn
    page = operator.post("/en/collectors/", {"name": "pi-2", "points": urn}, follow=True)

    made = Collector.objects.get(name="pi-2")
    assert [point.urn for point in made.points.all()] == [urn]
    assert "kevre-collect pair " in page.content.decode()
    assert "kevre-collect pair " not in operator.get(f"/en/collectors/{made.pk}/").content.decode()


def with_role(kind, place):
    account = Account.objects.create_user(f"{kind}@x.example")
    Role.objects.create(account=account, kind=kind, territory=place)
    client = Client()
    client.force_login(account)
    return client


@pytest.mark.parametrize(("kind", "may"), [("manager", True), ("adviser", False)])
def test_a_role_sets_up_collectors_of_its_territory(collector, kind, may):
    client = with_role(kind, registry.commune())
    page = f"/en/collectors/{collector.pk}/"

    answer = client.post(page, {"pair": "1"})

    assert (answer.status_code == 302) is may
    assert ("<textarea" in client.get(page).content.decode()) is may


def test_a_role_elsewhere_neither_sees_nor_makes_collectors_here(collector):
    client = with_role("manager", registry.commune("35238", "Rennes"))
    point = collector.points.get()

    client.post("/en/collectors/", {"name": "another", "points": point.urn})

    assert client.get(f"/en/collectors/{collector.pk}/").status_code == 404
    assert Collector.objects.count() == 1


def test_an_unknown_point_is_named_as_the_fault(operator, db):
    page = operator.post("/en/collectors/", {"name": "pi-2", "points": "urn:dev:prm:1"})

    assert "not registered" in page.content.decode()
    assert not Collector.objects.exists()


def test_an_operator_changes_the_configuration_and_each_change_is_a_version(operator, collector):
    for text in ("every_s = 30\r\n", "every_s = 30\r\n", "every_s = 60\r\n"):
        form = {"configuration": text, "silent_after_min": 30, "alert_to": "a@example.org"}
        assert operator.post(f"/en/collectors/{collector.pk}/", form).status_code == 302

    collector.refresh_from_db()
    assert (collector.configuration, collector.configuration_version) == ("every_s = 60\n", 2)
    assert (collector.silent_after_s, collector.alert_to) == (1_800, "a@example.org")

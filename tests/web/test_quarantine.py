"""The page of the quarantine: who sees it, and what its buttons do."""

import html
import re

import pytest
from tests import registry
from tests.federate.conftest import POWER, batch, column

from kevre.flow.accept import Writer
from kevre.flow.models import Quarantined
from kevre.rights.models import Account

NOW_S = 1_784_887_200
PAGE = "/fr/quarantine/"


@pytest.fixture
def held(open_way):
    registry.series(registry.site())
    narrow = Writer("key:meter", frozenset({"urn:dev:prm:00000000000001"}))
    open_way.gate.accept(batch(column([1, 2, 3])), narrow, now_s=NOW_S)
    open_way.gate.accept(batch(column([-5]), key="k2"), Writer.operator("import"), now_s=NOW_S)
    return open_way


@pytest.fixture
def operator(client, db):
    client.force_login(Account.objects.create_superuser("operator@example.org", "x"))
    return client


def card(page, words):
    """The hidden fields of the card that holds some words."""
    text = html.unescape(page.content.decode())
    found = next(one for one in text.split("<section")[1:] if words in one)
    return dict(re.findall(r'type="hidden" name="(origin|code|of)" value="([^"]*)"', found))


@pytest.mark.django_db
def test_a_guest_and_a_member_see_nothing(client, held):
    assert client.get(PAGE).status_code == 404
    client.force_login(Account.objects.create_user("someone@example.org", "a-long-password"))
    assert client.get(PAGE).status_code == 404


@pytest.mark.django_db
def test_each_reason_is_a_card_and_can_be_replayed_by_itself(operator, held):
    page = operator.get(PAGE)
    assert page.content.count(b"<section") == 2

    given = card(page, "key:meter") | {"replay": "1"}
    answer = operator.post(PAGE, given, follow=True)

    assert "3 relevés entrés" in answer.content.decode()
    (left,) = Quarantined.objects.filter(resolved_at=None)
    assert left.code == "reading.bound"


@pytest.mark.django_db
def test_a_mending_that_makes_no_sense_is_explained(operator, held):
    given = card(operator.get(PAGE), "key:meter") | {"replay": "1", "unit": "Cel"}

    operator.post(PAGE, given, follow=True)

    assert Quarantined.objects.filter(resolved_at=None).count() == 2


@pytest.mark.django_db
def test_forgetting_takes_one_card_alone_and_filters_narrow_the_page(operator, held):
    assert operator.get(f"{PAGE}?code=reading.bound").content.count(b"<section") == 1
    given = card(operator.get(PAGE), "key:meter") | {"forget": "1"}

    operator.post(PAGE, given)

    (left,) = Quarantined.objects.filter(resolved_at=None)
    assert left.urn == POWER
    assert left.code == "reading.bound"

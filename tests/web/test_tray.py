"""The page of the tray: who sees what, and what a decision does."""

import re
import time

import pytest
from tests import registry

from kevre.flow import entrance
from kevre.flow.entrance import Parcel
from kevre.flow.input import Input, State
from kevre.flow.models import Waiting
from kevre.model.input import InputName, InputValue, Posted
from kevre.places.models import Series
from kevre.rights import key as keys
from kevre.rights.key import MAKER
from kevre.rights.models import Account, Membership


@pytest.fixture
def owner(db):
    return registry.party()


@pytest.fixture
def waiting(open_way, owner):
    point = registry.series(registry.site(owner=owner)).point
    key, _ = keys.issue("emonpi", [point], prefixes=list(MAKER))
    now_s = int(time.time())
    some = tuple(
        InputValue(InputName("emontx", name), now_s - back_s, (value, 0))
        for name, value in (("grid", -450), ("power1", 1_200), ("mystery", 7))
        for back_s in (20, 10)
    )
    entrance.receive(open_way.gate, Parcel(Posted(some), key, "d", "test"), now_s)
    return {one.name: one for one in Input.objects.all()}


@pytest.fixture
def operator(client, db):
    client.force_login(Account.objects.create_superuser("operator@example.org", "x"))
    return client


def proposed(page, pk):
    """What a browser would send of the card of one input, as it stands."""
    card = page.partition(f'aria-labelledby="in-{pk}"')[2].partition("</section>")[0]
    fields = {}
    for name, inner in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', card, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', inner)
        fields[name] = chosen[1] if chosen else ""
    for name, value in re.findall(r'<input type="text" name="([^"]+)" value="([^"]*)"', card):
        fields[name] = value
    for name, checked in re.findall(r'<input type="checkbox" name="([^"]+)"([^>]*)>', card):
        if "checked" in checked:
            fields[name] = "on"
    return fields


def test_a_guest_is_not_told_whether_anything_waits(client, waiting):
    assert client.get("/fr/tray/").status_code == 404
    assert client.post("/fr/tray/", {"refuse": waiting["grid"].pk}).status_code == 404
    assert Input.objects.filter(state=State.WAITING).count() == 3


def test_a_member_decides_on_its_own_points_only(client, waiting, owner):
    account = Account.objects.create_user("member@example.org", "x")
    client.force_login(account)
    assert "emontx" not in client.get("/en/tray/").content.decode()
    assert client.post("/en/tray/", {"refuse": waiting["grid"].pk}).status_code == 404

    Membership.objects.create(account=account, party=owner)
    assert "emontx" in client.get("/en/tray/").content.decode()
    client.post("/en/tray/", {"refuse": waiting["grid"].pk})
    waiting["grid"].refresh_from_db()
    assert waiting["grid"].state == State.REFUSED


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "fr",
            ["À classer", "Accepter", "Refuser", "Relevés en attente: 2", "Puissance consommée"],
        ),
        ("br", ["Da renkañ", "Asantiñ", "Nac\u2019hañ"]),
        ("en", ["Tray", "Accept", "Refuse", "Readings waiting: 2", "emonpi"]),
    ],
)
def test_the_page_says_what_waits(operator, waiting, language, words):
    page = operator.get(f"/{language}/tray/").content.decode()

    assert [word for word in (*words, "power1", "grid", "mystery") if word not in page] == []
    assert "<script" not in page
    assert len(page) < 150_000


def test_the_proposal_accepted_as_it_stands_lets_all_enter(operator, waiting, open_way):
    pk = waiting["grid"].pk
    fields = proposed(operator.get("/en/tray/").content.decode(), pk)

    answer = operator.post("/en/tray/", fields | {"accept": pk}, follow=True)

    assert "Accepted: emontx/grid" in answer.content.decode()
    assert Input.objects.get(pk=pk).state == State.OPEN
    assert not Waiting.objects.filter(input=pk).exists()
    paths = {one.path for one in Series.objects.filter(statistic="instant")}
    assert paths == {
        "consumption/power/active/instant", "production/power/active/instant",
    }  # fmt: skip


def test_what_cannot_be_is_said_beside_the_form(operator, waiting):
    pk = waiting["mystery"].pk
    fields = proposed(operator.get("/fr/tray/").content.decode(), pk)
    assert fields[f"i{pk}-path"] == ""

    wrong = fields | {f"i{pk}-path": "consumption/power/active/instant", f"i{pk}-unit": "kWh"}
    page = operator.post("/fr/tray/", wrong | {"accept": pk}).content.decode()

    assert "cette unité ne convient pas" in page
    assert Input.objects.get(pk=pk).state == State.WAITING


def test_two_of_one_name_for_a_series_are_refused_in_the_readers_language(operator, waiting):
    for name in ("grid", "power1"):
        pk = waiting[name].pk
        fields = proposed(operator.get("/fr/tray/").content.decode(), pk)
        page = operator.post("/fr/tray/", fields | {f"i{pk}-part": "", "accept": pk}, follow=True)

    assert "une autre entrée écrit déjà cette série" in page.content.decode()

import gzip
import re
from dataclasses import replace
from pathlib import Path

import pytest
from django.test import AsyncClient
from lxml import html
from tests import registry
from tests.web.town import HOUSE, SCHOOL

from kevre.places.models import Series, Site
from kevre.rights.models import AccessRecord, Account, Membership
from kevre.web import catalogue, words

pytestmark = pytest.mark.django_db

LANGUAGES = ["fr", "br", "en"]
STATIC = Path(catalogue.__file__).parent / "static" / "kevre"
FIRST_VIEW_BYTES, WITH_SCRIPT_BYTES = 60_000, 100_000


def paths():
    school = Site.objects.get(slug=SCHOOL)
    series = Series.objects.filter(point__site=school).order_by("pk")
    return [
        "",
        "territory/lorient/",
        *(f"site/{slug}/" for slug in ("ecole", "piscine", "station")),
        *(
            f"series/{one.pk}/?span={span}"
            for one in series
            for span in ("day", "week", "month", "year")
        ),
        "sources/",
        "federation/",
        "about/",
        "about/privacy/",
        "about/accessibility/",
        "account/login/",
    ]


def seen(client, path):
    response = client.get(path)
    assert response.status_code == 200, path
    return html.fromstring(response.content.decode())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_whole_in_each_language(client, town, language):
    for path in paths():
        page = seen(client, f"/{language}/{path}")

        assert page.get("lang") == language, path
        assert page.xpath("//title")[0].text_content().strip(), path
        assert len(page.xpath("//h1")) == 1, path
        assert len(page.xpath("//main")) == 1, path
        assert {link.get("lang") for link in page.xpath("//*[contains(@class,'langs')]//a")} == set(
            LANGUAGES
        ), path
        assert not page.xpath("//@style | //style | //script[not(@src)]"), path
        assert not page.xpath("//@*[starts-with(name(), 'on')]"), path
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids)), path


def test_every_link_of_a_page_leads_somewhere(client, town):
    met, ahead = set(), ["/fr/"]
    while ahead:
        path = ahead.pop()
        met.add(path)
        for href in seen(client, path).xpath("//main//a/@href | //footer//a/@href"):
            target = href.split("#")[0]
            is_page = (
                target.startswith("/fr/") and not target.endswith("csv") and "csv?" not in target
            )
            if is_page and "?" not in target and target not in met and target not in ahead:
                ahead.append(target)

    assert len(met) > 10


def test_the_demo_says_on_every_page_that_its_sites_are_fictional(client, town, settings):
    settings.CONFIG = replace(settings.CONFIG, is_demo=True)

    for path in paths():
        assert seen(client, f"/fr/{path}").xpath("//*[contains(@class,'demo')]"), path


def test_a_guest_sees_public_sites_and_homes_only_together(client, town):
    page = client.get("/en/").content.decode()

    assert "École des Embruns" in page
    assert "12 homes, together" in page
    assert "Maison 3" not in page


def test_a_home_is_as_absent_for_a_guest_as_what_does_not_exist(client, town):
    home, nothing = client.get(f"/fr/site/{HOUSE}/"), client.get("/fr/site/nothing/")

    assert home.status_code == nothing.status_code == 404
    scrubbed = [
        re.sub(r"csrf\w*\W+value=\"\w+\"|/(?:site|fr|br|en)/[^\"']*", "", r.content.decode())
        for r in (home, nothing)
    ]
    assert scrubbed[0] == scrubbed[1]


def test_a_person_sees_their_own_home_after_signing_in(client, town):
    home = Site.objects.get(slug=HOUSE)
    person = Account.objects.create_user("someone@example.org", "a-long-password")
    Membership.objects.create(account=person, party=home.party)
    client.force_login(person)

    assert home.name in client.get(f"/fr/site/{HOUSE}/").content.decode()
    assert AccessRecord.objects.filter(account=person).exists()


def test_opening_a_page_writes_the_access_log(client, town):
    client.get(f"/fr/site/{SCHOOL}/")

    assert AccessRecord.objects.filter(purpose="page", account=None).exists()


def test_a_series_can_be_taken_away_as_csv(client, town):
    series = town.series("consumption/power/active/raw")
    day = town.now.date().isoformat()

    response = client.get(f"/fr/series/{series.pk}/csv?from={day}&span=day")
    lines = b"".join(response.streaming_content).decode().splitlines()

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert lines[0] == "start,start_local,value,unit,quality,step"
    assert len(lines) > 10
    assert AccessRecord.objects.filter(purpose="export").exists()


@pytest.mark.parametrize(
    "query",
    [
        "span=decade",
        "from=yesterday",
        "from=1850-01-01",
        "from=2026-13-45",
        "span=day&from=99999-01-01",
    ],
)
def test_a_garbled_address_gets_a_page_that_helps(client, town, query):
    series = town.series("consumption/power/active/raw")

    response = client.get(f"/fr/series/{series.pk}/?{query}")

    assert response.status_code == 400
    assert len(html.fromstring(response.content.decode()).xpath("//h1")) == 1


def test_an_unknown_address_is_a_page_in_the_language_of_the_reader(client, town):
    response = client.get("/en/nowhere/")

    assert response.status_code == 404
    assert html.fromstring(response.content.decode()).get("lang") == "en"


def test_the_bare_address_leads_to_the_language_of_the_browser(client, town):
    for wanted, given in (("br,fr;q=0.5", "/br/"), ("en-GB", "/en/"), ("de", "/fr/")):
        assert client.get("/", headers={"accept-language": wanted}).headers["Location"] == given


def test_every_page_forbids_inline_script_and_framing(client, town):
    headers = client.get("/fr/").headers

    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"


def weight(client, path, *, script):
    """Bytes over the wire of a first view: the page and what it links, compressed."""
    response = client.get(path)
    page = html.fromstring(response.content.decode())
    linked = page.xpath(
        "//link[@rel='stylesheet']/@href | //link[contains(@rel,'icon')]/@href | //img/@src | //use/@href"
    )
    linked += page.xpath("//script/@src") if script else []
    names = {one.split("/static/kevre/")[-1].split("#")[0] for one in linked}
    files = sum(
        len(gzip.compress((STATIC / name).read_bytes()))
        for name in names
        if (STATIC / name).is_file()
    )
    return len(gzip.compress(response.content)) + files


def test_first_views_stay_within_their_weight(client, town):
    for path in paths():
        assert weight(client, f"/fr/{path}", script=False) <= FIRST_VIEW_BYTES, path
        assert weight(client, f"/fr/{path}", script=True) <= WITH_SCRIPT_BYTES, path


@pytest.mark.parametrize("path", ["/fr/", f"/fr/site/{SCHOOL}/"])
def test_a_page_asks_the_registry_little(client, town, path, django_assert_max_num_queries):
    client.get(path)

    with django_assert_max_num_queries(75):
        client.get(path)


def test_signing_in_with_a_wrong_password_tells_nothing_of_the_account(client, town):
    Account.objects.create_user("someone@example.org", "a-long-password")

    answers = [
        client.post("/en/account/login/", {"login": login, "password": "wrong"}).content.decode()
        for login in ("someone@example.org", "nobody@example.org")
    ]

    said = [
        html.fromstring(one).xpath(
            "string(//*[contains(@class,'error')] | //ul[@class='errorlist'])"
        )
        for one in answers
    ]
    assert said[0] == said[1] != ""


def test_nobody_makes_an_account_by_themselves(client, town):
    client.post(
        "/en/account/signup/",
        {"email": "x@example.org", "password1": "a-long-password", "password2": "a-long-password"},
    )

    assert not Account.objects.filter(email="x@example.org").exists()


async def opened(slug):
    """The status of a live stream, and what it says first."""
    response = await AsyncClient().get(f"/live/site/{slug}/?lang=fr")
    if not response.streaming:
        return response.status_code, b""
    parts = aiter(response.streaming_content)
    first = await anext(parts)
    await parts.aclose()
    return response.status_code, first


@pytest.mark.django_db(transaction=True)
def test_a_live_stream_opens_for_a_public_site_only(town):
    assert registry.awaited(opened(SCHOOL)) == (200, b"retry: 5000\n\n")
    assert registry.awaited(opened(HOUSE))[0] == 404


def test_numbers_are_written_for_the_reader():
    assert words.percent_text(-0.05, "en_GB", signed=True) == "\u22125%"
    assert words.quantity_text(1234.5, "W", "fr_FR") == "1,23\u202fkW"
    assert words.parts("1\u202f234,5\u202fkW") == ("1\u202f234,5", "kW")

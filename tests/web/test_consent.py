"""An application from its registration to its last reading, as OAuth 2 has it."""

import base64
import hashlib
import re
import secrets
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from allauth.idp.oidc.models import Token
from django.core.cache import cache
from django.test import Client
from lxml import html
from tests.web.town import HOUSE, SCHOOL

from kevre.api import oauth
from kevre.api import visit as api_visit
from kevre.model.errors import Refused
from kevre.model.step import Resolution
from kevre.places.models import Series, Site
from kevre.rights import application as applications
from kevre.rights import consent
from kevre.rights.models import (
    AccessRecord,
    Account,
    Application,
    Grant,
    Membership,
    Role,
    Use,
)
from kevre.rights.rate import Rate

pytestmark = pytest.mark.django_db
BACK = "https://app.example/back"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture(autouse=True)
def fresh_counts():
    cache.clear()
    oauth.RATE, api_visit.RATE = Rate(), Rate()


def signed_in(account):
    client = Client(enforce_csrf_checks=True)
    client.force_login(account, backend=BACKEND)
    return client


def developer(email="dev@x.example"):
    account = Account.objects.create_user(email)
    place = Site.objects.get(slug=SCHOOL).territory
    Role.objects.create(account=account, kind="researcher", territory=place)
    return account


def resident(home=HOUSE, email="home@x.example"):
    account = Account.objects.create_user(email)
    Membership.objects.create(account=account, party=Site.objects.get(slug=home).party)
    return account


def registered(now, **changed):
    """An application that asks for days of consumption; and its secret."""
    given = {
        "kind": "person",
        "page": "https://app.example/",
        "purpose": "compare heating",
        "prefixes": ["consumption/"],
        "finest": "P1D",
        "lasts_days": 365,
        "back_days": 400,
    }
    wanted = Application(**given | changed)
    secret = applications.register(developer(), wanted, "Heat compare", [BACK], now)
    return wanted, secret


class Browser:
    """A person's browser and the application's server, together."""

    def __init__(self, account, application, secret):
        self.client = signed_in(account)
        self.application, self.secret = application, secret
        self.verifier = secrets.token_urlsafe(48)

    def asked(self, **changed):
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return {
            "response_type": "code",
            "client_id": self.application.client_id,
            "redirect_uri": BACK,
            "state": "xyz",
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        } | changed

    def open(self, **changed):
        return self.client.get(f"/en/oauth/authorize?{urlencode(self.asked(**changed))}")

    def answer(self, action="grant", **changed):
        page = html.fromstring(self.open().content.decode())
        form = page.xpath("//form[.//input[@name='request']]")[0]
        given = {
            one.get("name"): one.get("value") for one in form.xpath(".//input[@type='hidden']")
        }
        sites = form.xpath(".//input[@name='sites']/@value")
        given |= {"sites": sites, "resolution": "P1D", "days": "30", "action": action} | changed
        return self.client.post("/en/oauth/authorize", given)

    def code(self, **changed):
        return parse_qs(urlsplit(self.answer(**changed).headers["Location"]).query)["code"][0]

    def token(self, **given):
        body = {
            "client_id": self.application.client_id,
            "client_secret": self.secret,
            "redirect_uri": BACK,
        } | given
        return Client().post("/oauth/token", {k: v for k, v in body.items() if v is not None})

    def tokens(self):
        return self.token(
            grant_type="authorization_code", code=self.code(), code_verifier=self.verifier
        ).json()


@pytest.fixture
def browser(town):
    return Browser(resident(), *registered(town.now))


def api(path, token):
    return Client().get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"})


def of_home():
    return Series.objects.get(point__site__slug=HOUSE, urn__contains="consumption/")


def window(now, days=10):
    return urlencode({"start": (now - timedelta(days=days)).isoformat(), "end": now.isoformat()})


def test_the_screen_says_for_what_what_how_finely_and_how_long(browser):
    page = browser.open()
    text = html.fromstring(page.content.decode()).text_content()

    for word in (
        "Heat compare",
        "compare heating",
        "one value for a day",
        "1 year",
        "dev@x.example",
    ):
        assert word in text
    assert Site.objects.get(slug=HOUSE).name in text


def test_refusing_is_as_easy_as_accepting_and_nothing_is_chosen_beforehand(browser):
    page = html.fromstring(browser.open().content.decode())
    buttons = page.xpath("//div[@class='answers']/button")

    assert [one.get("value") for one in buttons] == ["cancel", "grant"]
    assert buttons[0].get("class") == buttons[1].get("class")
    assert not page.xpath("//input[@type='checkbox'][@checked]")


def test_refusing_leads_back_and_grants_nothing(browser):
    answer = browser.answer(action="cancel")

    assert parse_qs(urlsplit(answer.headers["Location"]).query) == {
        "error": ["access_denied"],
        "state": ["xyz"],
    }
    assert not Grant.objects.filter(party=browser.application.party).exists()


def test_accepting_makes_a_grant_as_chosen_and_a_token_that_reads_by_it(browser, town):
    told = browser.tokens()
    grant = Grant.objects.get(party=browser.application.party)
    answer = api(
        f"series/{of_home().pk}/readings?{window(town.now)}&resolution=P1D", told["access_token"]
    )

    assert told["scope"] == "readings:P1D"
    assert (grant.finest, grant.path_prefix, grant.purpose) == (
        "P1D",
        "consumption/",
        "compare heating",
    )
    assert grant.valid_until == grant.valid_since + timedelta(days=30)
    assert answer.status_code == 200
    record = AccessRecord.objects.filter(party=browser.application.party).latest("at")
    assert (record.account_id, record.grant_id) == (None, grant.pk)


def test_the_page_may_lead_on_to_the_application_and_nowhere_else(browser):
    policy = browser.open().headers["Content-Security-Policy"]

    assert "form-action 'self' https://app.example;" in f"{policy};"


def test_a_token_reads_no_more_finely_than_its_grant_and_no_other_site(browser, town):
    token = browser.tokens()["access_token"]
    other = Series.objects.filter(point__site__slug="maison-1").first()

    finer = api(f"series/{of_home().pk}/readings?{window(town.now)}&resolution=PT1H", token)
    foreign = api(f"series/{other.pk}/readings?{window(town.now)}&resolution=P1D", token)

    assert finer.status_code == 403
    assert foreign.status_code == 404


def test_the_token_of_one_person_does_not_read_the_home_of_another(browser, town):
    browser.tokens()
    other = Browser(resident("maison-1", "other@x.example"), browser.application, browser.secret)
    token = other.tokens()["access_token"]

    assert (
        api(f"series/{of_home().pk}/readings?{window(town.now)}&resolution=P1D", token).status_code
        == 404
    )
    assert "maison-1" in api("sites", token).content.decode()


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": ""},
        {"code_challenge": "short"},
    ],
)
def test_without_pkce_there_is_no_screen(browser, changed):
    answer = browser.open(**changed)

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{BACK}?error=invalid_request")


def test_another_verifier_gets_no_token(browser):
    answer = browser.token(
        grant_type="authorization_code",
        code=browser.code(),
        code_verifier=secrets.token_urlsafe(48),
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_code_is_good_once(browser):
    given = {
        "grant_type": "authorization_code",
        "code": browser.code(),
        "code_verifier": browser.verifier,
    }

    assert browser.token(**given).status_code == 200
    assert browser.token(**given).status_code == 400


@pytest.mark.parametrize(
    "address", ["https://evil.example/", f"{BACK}/more", "javascript:alert(1)"]
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(browser, address):
    for changed in ({}, {"code_challenge": ""}, {"prompt": "none"}):
        answer = browser.open(redirect_uri=address, **changed)
        assert "Location" not in answer.headers


def test_consent_is_never_taken_for_granted(browser):
    browser.tokens()

    answer = browser.open(prompt="none")

    assert "error=consent_required" in answer.headers["Location"]


def test_more_than_the_application_asks_cannot_be_given(browser, town):
    other = Site.objects.get(slug="maison-1").pk
    for changed in ({"resolution": "PT1H"}, {"days": "366"}, {"sites": [other]}, {"sites": []}):
        assert browser.answer(**changed).status_code == 200  # the form again
    account = Account.objects.get(email="home@x.example")
    mine = list(consent.sites(account))
    with pytest.raises(Refused):
        consent.give(
            account, browser.application, mine, consent.Choice(Resolution.RAW, 1, "en"), town.now
        )

    assert not Grant.objects.filter(party=browser.application.party).exists()


def test_a_form_of_another_page_is_not_taken(browser):
    page = html.fromstring(browser.open().content.decode())
    signed = page.xpath("//input[@name='request']/@value")[0]
    sites = page.xpath("//input[@name='sites']/@value")

    answer = browser.client.post(
        "/en/oauth/authorize",
        {"request": signed, "sites": sites, "resolution": "P1D", "days": "30", "action": "grant"},
    )

    assert answer.status_code == 403


def test_tokens_and_secrets_lie_in_the_registry_as_digests_only(browser):
    told = browser.tokens()
    kept = str(list(Token.objects.values())) + str(browser.application.client.__dict__)

    for secret in (told["access_token"], told["refresh_token"], browser.secret):
        assert secret not in kept


def test_a_refresh_token_is_good_once(browser):
    first = browser.tokens()["refresh_token"]
    second = browser.token(grant_type="refresh_token", refresh_token=first)
    again = browser.token(grant_type="refresh_token", refresh_token=first)

    assert second.status_code == 200
    assert second.json()["refresh_token"] != first
    assert again.status_code == 400


def test_who_shows_a_used_refresh_token_ends_all_that_came_of_it(browser):
    first = browser.tokens()["refresh_token"]
    second = browser.token(grant_type="refresh_token", refresh_token=first).json()
    browser.token(grant_type="refresh_token", refresh_token=first)

    follows = browser.token(grant_type="refresh_token", refresh_token=second["refresh_token"])

    assert follows.status_code == 400
    assert api("series", second["access_token"]).status_code == 401


def test_a_token_that_never_was_ends_nothing(browser):
    told = browser.tokens()
    browser.token(grant_type="refresh_token", refresh_token="never-was")

    assert api("series", told["access_token"]).status_code == 200


def test_what_a_person_withdraws_ends_at_once(browser, town):
    told = browser.tokens()
    consent.withdraw(Account.objects.get(email="home@x.example"), browser.application, town.now)

    assert api("series", told["access_token"]).status_code == 401
    assert (
        browser.token(grant_type="refresh_token", refresh_token=told["refresh_token"]).status_code
        == 400
    )


def test_a_grant_that_is_withdrawn_elsewhere_ends_what_the_token_reads(browser, town):
    token = browser.tokens()["access_token"]
    Grant.objects.filter(party=browser.application.party).update(withdrawn_at=town.now)

    assert (
        api(f"series/{of_home().pk}/readings?{window(town.now)}&resolution=P1D", token).status_code
        == 404
    )


def test_a_grant_ends_by_itself(browser, town):
    browser.tokens()
    with time_machine.travel(town.now + timedelta(days=31), tick=False):
        refreshed = Browser(
            Account.objects.get(email="home@x.example"), browser.application, browser.secret
        )
        grants = consent.grants(browser.application, Account.objects.get(email="home@x.example"))
        reader = api_visit.Reader(None, browser.application.party, only=grants)
        from kevre.rights import gate

        living = gate.grants_in_force(reader, town.now + timedelta(days=31))
        assert not living.filter(party=browser.application.party).exists()
        assert refreshed.open().status_code == 200


def test_a_service_reads_what_was_granted_to_it_without_a_browser(town):
    application, secret = registered(town.now, kind="service")
    account = resident()
    consent.give(
        account,
        application,
        list(consent.sites(account)),
        consent.Choice(Resolution.DAY, 30, "en"),
        town.now,
    )
    basic = base64.b64encode(f"{application.client_id}:{secret}".encode()).decode()

    told = Client().post(
        "/oauth/token",
        {"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {basic}"},
    )
    token = told.json()["access_token"]

    assert told.json()["scope"].split() == ["readings:P1D"]
    assert "refresh_token" not in told.json()
    assert (
        api(f"series/{of_home().pk}/readings?{window(town.now)}&resolution=P1D", token).status_code
        == 200
    )


def test_an_application_of_people_gets_no_token_by_its_secret_alone(browser):
    assert browser.token(grant_type="client_credentials", redirect_uri=None).status_code in {
        400,
        401,
    }


def test_an_app_without_secret_gets_its_token_by_pkce(town):
    application, secret = registered(town.now, kind="public")
    mobile = Browser(resident(), application, None)

    assert secret == ""
    assert "access_token" in mobile.tokens()


def test_a_wrong_secret_gets_nothing(browser):
    browser.secret = "wrong"

    answer = browser.token(
        grant_type="authorization_code", code=browser.code(), code_verifier=browser.verifier
    )

    assert answer.status_code == 401


def test_introspection_tells_the_grants_behind_a_token_to_its_owner_alone(browser, town):
    token = browser.tokens()["access_token"]
    given = {
        "token": token,
        "client_id": browser.application.client_id,
        "client_secret": browser.secret,
    }

    told = Client().post("/oauth/introspect", given).json()
    odd = [
        Client().post("/oauth/introspect", given | {"token": one})
        for one in ("eyJ.a.b", "", "x" * 5_000)
    ]
    foreign = Client().post("/oauth/introspect", given | {"client_secret": "wrong"})

    assert told["active"] is True
    assert [one["site"] for one in told["grants"]] == [HOUSE]
    assert {one.status_code for one in odd} <= {200, 400}
    assert foreign.status_code == 401


def test_a_token_that_is_revoked_is_good_for_nothing(browser):
    token = browser.tokens()["access_token"]
    Client().post(
        "/oauth/revoke",
        {
            "token": token,
            "client_id": browser.application.client_id,
            "client_secret": browser.secret,
        },
    )

    answer = api("series", token)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_blocked_application_reads_nothing_and_asks_nobody(browser, town):
    token = browser.tokens()["access_token"]
    applications.block(browser.application, town.now)

    assert api("series", token).status_code == 401
    assert browser.open().status_code == 400


def test_the_account_of_a_person_who_left_reads_nothing(browser):
    token = browser.tokens()["access_token"]
    Account.objects.filter(email="home@x.example").update(is_active=False)

    assert api("series", token).status_code == 401


def test_requests_are_counted_and_limited(browser):
    Application.objects.update(per_minute=3)
    token = browser.tokens()["access_token"]

    answers = [api("sites", token) for _ in range(4)]

    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert int(answers[3].headers["Retry-After"]) > 0
    assert Use.objects.get(application=browser.application).asked == 4


def test_guessing_secrets_is_slowed(browser):
    for _ in range(60):
        Client().post("/oauth/token", {"grant_type": "nothing"})

    assert Client().post("/oauth/token", {"grant_type": "nothing"}).status_code == 429


def test_the_metadata_names_addresses_that_answer(client, town):
    told = client.get("/.well-known/oauth-authorization-server").json()

    assert told["code_challenge_methods_supported"] == ["S256"]
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        assert client.post(urlsplit(told[name]).path).status_code in {400, 401}
    assert client.get(urlsplit(told["authorization_endpoint"]).path).status_code == 302


NEW = {
    "name": "Heat compare",
    "page": "https://app.example/",
    "kind": "person",
    "purpose": "compare heating",
    "prefixes": "consumption/",
    "finest": "P1D",
    "lasts_days": "365",
    "back_days": "0",
    "redirects": BACK,
    "hook_url": "",
}


def test_a_developer_registers_rotates_and_ends_an_application(town):
    client = Client()
    client.force_login(developer(), backend=BACKEND)
    made = client.post("/en/applications/", NEW).content.decode()
    found = Application.objects.get()
    secret = html.fromstring(made).xpath("//section[@role='alert']//p/text()")[0]

    again = client.get(f"/en/applications/{found.pk}/").content.decode()
    rotated = client.post(f"/en/applications/{found.pk}/", {"rotate": "1"}).content.decode()
    new = html.fromstring(rotated).xpath("//section[@role='alert']//p/text()")[0]
    found.client.refresh_from_db()

    assert secret not in again
    assert not found.client.check_secret(secret)
    assert found.client.check_secret(new)
    client.post(f"/en/applications/{found.pk}/", {"block": "1"})
    assert "ended" in client.get(f"/en/applications/{found.pk}/").content.decode()


@pytest.mark.parametrize(
    "address",
    ["http://app.example/", "javascript:alert(1)", "data:text/html,x", "myapp://x", "https://a.example/#f",
     "https://*.example/", "", "https://a b.example/"],
)  # fmt: skip
def test_an_address_that_is_unsafe_is_not_registered(town, address):
    client = Client()
    client.force_login(developer(), backend=BACKEND)

    client.post("/en/applications/", NEW | {"redirects": address})

    assert not Application.objects.exists()


def test_who_may_not_registers_nothing_and_sees_no_others(browser):
    found = browser.application
    client = Client()
    client.force_login(Account.objects.get(email="home@x.example"), backend=BACKEND)

    client.post("/en/applications/", NEW | {"name": "Another"})

    assert Application.objects.count() == 1
    assert client.get(f"/en/applications/{found.pk}/").status_code == 404


@pytest.mark.parametrize("language", ["fr", "br", "en"])
def test_pages_of_applications_are_whole_in_each_language(browser, language):
    owner = signed_in(Account.objects.get(email="dev@x.example"))
    asked = f"oauth/authorize?{urlencode(browser.asked())}"
    pages = [
        browser.client.get(f"/{language}/{asked}"),
        owner.get(f"/{language}/applications/"),
        owner.get(f"/{language}/applications/{browser.application.pk}/"),
    ]
    for answer in pages:
        assert answer.status_code == 200
        page = html.fromstring(answer.content.decode())
        assert page.get("lang") == language
        assert len(page.xpath("//h1")) == 1
        assert not page.xpath("//@style | //style | //script[not(@src)]")
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids))
        assert not re.search(r"\bNone\b", page.text_content())

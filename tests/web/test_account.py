"""Signing in, sessions, people and support, as pages."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.test import Client
from lxml import html
from tests.web import passkey
from tests.web.town import HOUSE

from kevre.places.models import Series, Site, Territory
from kevre.rights.models import AccessRecord, Account, Acting, Membership, Role
from kevre.rights.role import RoleKind

pytestmark = pytest.mark.django_db
PASSWORD = "tournesol granit balise onze"


class CountingHasher(PBKDF2PasswordHasher):
    """Counts how often a password was hashed: the work of an answer, without a clock."""

    count = 0

    def encode(self, *args, **kwargs):
        CountingHasher.count += 1
        return super().encode(*args, **kwargs)


@pytest.fixture(autouse=True)
def fresh_counts():
    """What is counted against guessing begins anew."""
    cache.clear()


def person(email, password=PASSWORD, role=None, place="lorient", **fields):
    account = Account.objects.create_user(email, password, **fields)
    EmailAddress.objects.create(user=account, email=email, verified=True, primary=True)
    if role:
        Role.objects.create(account=account, kind=role, territory=Territory.objects.get(slug=place))
    return account


def signed_in(account):
    client = Client()
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def said(response):
    """The text of a page but for what differs each time, and the address that was typed."""
    text = html.fromstring(response.content.decode()).text_content()
    return re.sub(r"\S+@x\.example", "", text)


def at_home(town):
    """A person who lives in a home of the town."""
    account = person("home@x.example")
    Membership.objects.create(account=account, party=Site.objects.get(slug=HOUSE).party)
    return account


def sign_in(client, email, password):
    return client.post("/en/account/login/", {"login": email, "password": password})


def test_a_code_that_is_mailed_signs_in(client, town):
    person("a@x.example")

    client.post("/en/account/login/code/", {"email": "a@x.example"})
    code = re.search(r"^([A-Z0-9-]{6,9})$", mail.outbox[-1].body, re.MULTILINE)[1]
    client.post("/en/account/login/code/confirm/", {"code": code})

    assert client.get("/en/security/").status_code == 200


def test_asking_for_a_code_tells_nothing_of_the_account(town):
    person("known@x.example")
    answers, mails = [], []
    for email in ("known@x.example", "unknown@x.example"):
        client = Client()
        before = len(mail.outbox)
        answers.append(said(client.post("/en/account/login/code/", {"email": email}, follow=True)))
        mails.append(len(mail.outbox) - before)

    assert answers[0] == answers[1]
    assert mails == [1, 1]


def test_asking_to_reset_a_password_tells_nothing_of_the_account(town):
    person("known@x.example")
    answers, mails = [], []
    for email in ("known@x.example", "unknown@x.example"):
        before = len(mail.outbox)
        answer = Client().post("/en/account/password/reset/", {"email": email}, follow=True)
        answers.append(said(answer))
        mails.append(len(mail.outbox) - before)

    assert answers[0] == answers[1]
    assert mails == [1, 1]


def test_a_wrong_password_costs_and_says_the_same_with_and_without_account(town, settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    person("known@x.example")
    work, words = [], []
    for email in ("known@x.example", "unknown@x.example"):
        CountingHasher.count = 0
        words.append(said(sign_in(Client(), email, "wrong")))
        work.append(CountingHasher.count)

    assert work[0] == work[1] > 0
    assert words[0] == words[1]


def test_five_wrong_passwords_close_an_address_whether_or_not_it_has_an_account(town):
    person("known@x.example")
    closed = []
    for email in ("known@x.example", "unknown@x.example"):
        for _ in range(5):
            sign_in(Client(), email, "wrong")
        closed.append(sign_in(Client(), email, PASSWORD))

    assert "_auth_user_id" not in closed[0].client.session
    assert said(closed[0]) == said(closed[1])
    assert "Too many" in said(closed[0])


def test_a_closed_address_still_opens_by_a_code(town):
    person("known@x.example")
    for _ in range(6):
        sign_in(Client(), "known@x.example", "wrong")
    client = Client()

    client.post("/en/account/login/code/", {"email": "known@x.example"})
    code = re.search(r"^([A-Z0-9-]{6,9})$", mail.outbox[-1].body, re.MULTILINE)[1]
    client.post("/en/account/login/code/confirm/", {"code": code})

    assert client.get("/en/security/").status_code == 200


def test_the_administration_has_no_way_in_of_its_own(client, town):
    person("root@x.example", is_staff=True, is_superuser=True)

    answer = client.post("/admin/login/", {"username": "root@x.example", "password": PASSWORD})

    assert answer.status_code == 302
    assert "/account/login/" in answer.headers["Location"]
    assert client.get("/admin/").status_code == 302


def test_a_weak_password_is_refused_and_says_what_helps(town):
    client = signed_in(person("a@x.example"))

    weak = {"oldpassword": PASSWORD, "password1": "lorient2026", "password2": "lorient2026"}
    answer = client.post("/en/account/password/change/", weak)

    assert "guessed too easily" in said(answer)


def test_who_has_a_passkey_is_asked_for_it_after_the_password(client, town):
    account = person("a@x.example")
    passkey.keep(account)

    answer = sign_in(client, "a@x.example", PASSWORD)

    assert answer.headers["Location"].endswith("/account/2fa/authenticate/")
    whole(client, "en", "account/2fa/authenticate/")
    assert client.get("/en/security/").status_code == 302


def test_recovery_codes_are_shown_once_and_open_the_account_once(town):
    account = person("a@x.example")
    passkey.keep(account)
    client = signed_in(account)
    client.post("/en/account/reauthenticate/", {"password": PASSWORD})
    made = client.post("/en/account/2fa/recovery-codes/generate/", follow=True)
    codes = html.fromstring(made.content.decode()).xpath("//ul[contains(@class,'codes')]/li/text()")
    again = client.get("/en/account/2fa/recovery-codes/").content.decode()
    opened = []
    for _ in range(2):
        other = Client()
        sign_in(other, "a@x.example", PASSWORD)
        other.post("/en/account/2fa/authenticate/", {"code": codes[0]})
        opened.append(other.get("/en/security/").status_code)

    assert len(codes) == 10
    assert not any(code in again for code in codes)
    assert opened == [200, 302]


def test_a_session_is_listed_and_ended_from_elsewhere(town):
    account = person("a@x.example")
    here, there, elsewhere = Client(), Client(), Client()
    for client in (here, there, elsewhere):
        sign_in(client, "a@x.example", PASSWORD)
    page = html.fromstring(here.get("/en/security/").content.decode())
    keys = page.xpath("//button[@name='session']/@value")

    here.post("/en/security/", {"session": keys[0]})
    ended = [one.get("/en/security/").status_code for one in (there, elsewhere)]
    here.post("/en/security/", {"others": "1"})

    assert len(keys) == 2
    assert sorted(ended) == [200, 302]
    assert {one.get("/en/security/").status_code for one in (there, elsewhere)} == {302}
    assert here.get("/en/security/").status_code == 200
    assert account.is_authenticated


def test_a_session_keeps_no_address_and_of_the_browser_its_name_only(town):
    from allauth.usersessions.models import UserSession

    person("a@x.example")
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    client = Client(headers={"user-agent": agent}, REMOTE_ADDR="192.0.2.7")
    sign_in(client, "a@x.example", PASSWORD)

    kept = UserSession.objects.get()
    assert (kept.ip, kept.user_agent) == ("0.0.0.0", "Firefox, Linux")
    assert "Firefox, Linux" in client.get("/en/security/").content.decode()


def test_nobody_ends_the_session_of_another(town):
    person("a@x.example")
    person("b@x.example")
    theirs, other = Client(), Client()
    sign_in(theirs, "a@x.example", PASSWORD)
    sign_in(other, "b@x.example", PASSWORD)
    from allauth.usersessions.models import UserSession

    pk = UserSession.objects.get(user__email="a@x.example").pk
    other.post("/en/security/", {"session": pk})

    assert theirs.get("/en/security/").status_code == 200


def test_an_operator_makes_an_account_that_signs_in_by_mail(town):
    client = signed_in(person("op@x.example", role=RoleKind.OPERATOR))
    place = Territory.objects.get(slug="lorient")

    client.post("/en/people/", {"email": "new@x.example", "kind": "adviser", "territory": place.pk})

    made = Account.objects.get(email="new@x.example")
    assert mail.outbox[-1].to == ["new@x.example"]
    assert made.roles.get().territory == place
    assert "new@x.example" in said_raw(client.get("/en/people/"))


def said_raw(response):
    return response.content.decode()


@pytest.mark.parametrize("role", [None, "manager", "adviser", "researcher", "citizen"])
def test_who_may_not_look_after_people_finds_no_such_page(town, role):
    client = signed_in(person("a@x.example", role=role))

    assert client.get("/en/people/").status_code == 404
    assert client.get(f"/en/people/{at_home(town).pk}/").status_code == 404


def begun(town, reason="the chart of March is empty"):
    """A support visit to a person at home."""
    account = at_home(town)
    client = signed_in(
        person("op@x.example", role=RoleKind.OPERATOR, place="lorient-agglomeration")
    )
    answer = client.post(f"/en/people/{account.pk}/", {"visit": "1", "reason": reason})
    return client, account, answer


def test_support_is_announced_before_it_looks_and_stands_on_the_persons_page(town):
    client, account, answer = begun(town)

    assert answer.status_code == 303
    assert mail.outbox[-1].to == ["home@x.example"]
    assert "op@x.example" in mail.outbox[-1].body
    assert "the chart of March is empty" in mail.outbox[-1].body
    assert "You see what home@x.example sees" in said_raw(client.get("/en/"))
    theirs = said_raw(signed_in(account).get("/en/security/"))
    assert "op@x.example" in theirs
    assert "the chart of March is empty" in theirs


def test_what_support_reads_stands_in_the_access_log_as_support(town):
    client, account, _ = begun(town)

    assert client.get(f"/en/site/{HOUSE}/").status_code == 200
    assert set(AccessRecord.objects.filter(account=account).values_list("purpose", flat=True)) == {
        "support"
    }


def test_support_changes_nothing_and_does_not_see_how_a_person_signs_in(town):
    client, _, _ = begun(town)
    pk = Series.objects.first().pk

    refused = [
        client.post("/en/security/", {"others": "1"}),
        client.post(f"/en/series/{pk}/", {}),
        client.get("/en/account/email/"),
        client.get("/en/account/2fa/webauthn/add/"),
        client.get("/admin/"),
    ]

    assert {one.status_code for one in refused} == {403}


def test_a_visit_ends_by_its_button_and_by_itself(town):
    client, _, _ = begun(town)
    client.post("/en/support/end/")
    after_button = client.get(f"/en/site/{HOUSE}/").status_code
    account = Account.objects.get(email="home@x.example")
    client.post(f"/en/people/{account.pk}/", {"visit": "1", "reason": "again"})
    Acting.objects.filter(ended_at=None).update(until=town.now - timedelta(seconds=1))

    assert after_button == 404
    assert client.get(f"/en/site/{HOUSE}/").status_code == 404


def test_a_visit_ends_when_the_role_is_taken(town):
    client, _, _ = begun(town)
    Role.objects.all().delete()

    assert client.get(f"/en/site/{HOUSE}/").status_code == 404


def test_nothing_begins_when_the_person_cannot_be_told(town, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    account = at_home(town)
    client = signed_in(person("op@x.example", role=RoleKind.OPERATOR))
    client.raise_request_exception = False

    client.post(f"/en/people/{account.pk}/", {"visit": "1", "reason": "why"})

    assert not Acting.objects.exists()
    assert client.get(f"/en/site/{HOUSE}/").status_code == 404


def test_nobody_acts_for_whom_the_power_does_not_reach(town):
    root = person("root@x.example", is_superuser=True)
    client = signed_in(person("op@x.example", role=RoleKind.OPERATOR))

    answer = client.post(f"/en/people/{root.pk}/", {"visit": "1", "reason": "why"})

    assert answer.status_code == 404
    assert not Acting.objects.exists()


@pytest.mark.parametrize("language", ["fr", "br", "en"])
def test_pages_of_accounts_are_whole_in_each_language(town, language):
    account = person("root@x.example", is_superuser=True)
    other = at_home(town)
    client = Client()
    sign_in(client, account.email, PASSWORD)
    paths = [
        "security/",
        "people/",
        f"people/{other.pk}/",
        "account/email/",
        "account/password/change/",
        "account/2fa/",
        "account/2fa/webauthn/",
        "account/2fa/webauthn/add/",
        "account/reauthenticate/",
        "account/2fa/recovery-codes/generate/",
        "account/2fa/recovery-codes/",
    ]
    passkey.keep(account)
    client.post("/en/account/reauthenticate/", {"password": PASSWORD})
    client.post("/en/account/2fa/recovery-codes/generate/")
    for path in paths:
        whole(client, language, path)


@pytest.mark.parametrize("language", ["fr", "br", "en"])
def test_pages_before_signing_in_are_whole_in_each_language(client, town, language):
    for path in ("login/", "login/code/", "password/reset/", "inactive/", "signup/"):
        whole(client, language, f"account/{path}")
    client.post(f"/{language}/account/login/code/", {"email": "a@x.example"})
    whole(client, language, "account/login/code/confirm/")


def whole(client, language, path):
    """Hold a page to what every page of ours is."""
    answer = client.get(f"/{language}/{path}")
    assert answer.status_code == 200, path
    page = html.fromstring(answer.content.decode())
    assert page.get("lang") == language, path
    assert len(page.xpath("//h1")) == 1, path
    assert not page.xpath("//@style | //style | //script[not(@src)]"), path
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids)), path

"""The pages of accounts, people and applications in Chromium: sound to the eye and to helpers."""

import base64
import hashlib
import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from tests.browser.test_demo import LANGUAGES, RULES, SHOTS, WIDTHS, opened
from tests.browser.test_passkey import newcomer, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
# Nothing listens there: the browser shows that it went.
BACK = "http://127.0.0.1:9/back"


@pytest.fixture(scope="module")
def operator(demo):
    """An operator of its own; its application is that of every test here."""
    return newcomer(demo, "--operator")


def registered(page, url):
    """Register an application by the page, and give its client_id."""
    page.goto(f"{url}/en/applications/")
    given = {
        "name": f"Compare {secrets.token_hex(3)}",
        "page": "https://app.example/",
        "purpose": "compare the heating of homes that are alike",
        "prefixes": "consumption/",
        "redirects": BACK,
    }
    for name, value in given.items():
        page.fill(f"[name={name}]", value)
    page.click("main form button.main")
    return page.inner_text("tr:has(th:text('client_id')) td")


def asked(client_id):
    digest = hashlib.sha256(secrets.token_bytes(32)).digest()
    return urlencode(
        {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": BACK,
            "state": "xyz",
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_of_accounts_are_sound(demo, chromium, axe_script, operator, language, width):
    SHOTS.mkdir(parents=True, exist_ok=True)
    faults = []
    with opened(chromium, width, bypass_csp=True) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        sign_in(page, demo.url, *operator)
        client_id = registered(page, demo.url)
        page.goto(f"{demo.url}/en/applications/")
        application = page.locator("main li a").last.get_attribute("href")
        page.goto(f"{demo.url}/en/people/")
        person = page.locator("main table a", has_text="camille").get_attribute("href")
        paths = {
            "security": "security/",
            "people": "people/",
            "person": person.removeprefix("/en/"),
            "applications": "applications/",
            "application": application.removeprefix("/en/"),
            "consent": f"oauth/authorize?{asked(client_id)}",
            "password": "account/password/change/",
        }
        for name, path in paths.items():
            page.goto(f"{demo.url}/{language}/{path}", wait_until="load")
            page.screenshot(path=SHOTS / f"{name}-{language}-{width}.png", full_page=True)
            over = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if over > 0:
                faults.append(f"{name}: {over} px too wide")
            page.evaluate(axe_script)
            result = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
            faults += [
                f"{name}: {one['id']} at {node['target']}: {node['failureSummary'][:200]}"
                for one in result["violations"]
                for node in one["nodes"][:3]
            ]

    assert faults == []


@pytest.mark.parametrize(("answer", "told"), [("cancel", "error"), ("grant", "code")])
@pytest.mark.parametrize("script", [True, False])
def test_a_citizen_answers_an_application_and_is_led_back(
    demo, chromium, operator, answer, told, script
):
    with opened(chromium, 1280) as context:
        page = context.new_page()
        sign_in(page, demo.url, *operator)
        client_id = registered(page, demo.url)
    with opened(chromium, 360, java_script_enabled=script) as context:
        page = context.new_page()
        sign_in(page, demo.url, *demo.account("citizen"))
        page.goto(f"{demo.url}/en/oauth/authorize?{asked(client_id)}")
        page.locator("input[name=sites]").first.check()
        with page.expect_request(lambda one: one.url.startswith(BACK)) as led:
            page.click(f"button[value={answer}]", no_wait_after=True)
        query = parse_qs(urlsplit(led.value.url).query)

    assert told in query
    assert query["state"] == ["xyz"]

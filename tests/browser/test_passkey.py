"""A passkey in Chromium, with the browser's own virtual authenticator."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def page(chromium):
    """A browser whose machine keeps passkeys and knows its owner."""
    with chromium.new_context(viewport={"width": 360, "height": 900}) as context:
        context.set_default_timeout(20_000)
        opened = context.new_page()
        wire = context.new_cdp_session(opened)
        wire.send("WebAuthn.enable")
        wire.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2",
                    "transport": "internal",
                    "hasResidentKey": True,
                    "hasUserVerification": True,
                    "isUserVerified": True,
                    "automaticPresenceSimulation": True,
                }
            },
        )
        opened.faults = []
        opened.on("pageerror", lambda error: opened.faults.append(str(error)))
        opened.on(
            "console",
            lambda told: opened.faults.append(told.text) if told.type == "error" else None,
        )
        yield opened


def newcomer(demo, *options):
    """An account of its own: the demo's home stays for the next run."""
    email = f"{secrets.token_hex(6)}@x.example"
    done = subprocess.run(
        [Path(sys.executable).parent / "kevre", "user", email, *options],
        env=os.environ | {"KEVRE_HOME": str(demo.home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return email, done.stdout.split()[-1]


def sign_in(page, url, email, password):
    page.goto(f"{url}/en/account/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", password)
    page.click("main form button[type=submit] >> nth=0")
    page.wait_for_load_state()


def test_a_passkey_is_made_signs_in_alone_or_second_and_is_taken_away(demo, page):
    url = demo.url.replace("127.0.0.1", "localhost")
    email, password = newcomer(demo)
    sign_in(page, url, email, password)

    page.goto(f"{url}/en/security/")
    page.click("text=Add a passkey")
    page.fill("input[name=password]", password)
    page.click("main form button[type=submit]")
    page.fill("input[name=name]", "this telephone")
    page.click("main form [data-with] button")
    page.wait_for_url("**/recovery-codes/**")
    page.goto(f"{url}/en/security/")
    assert page.locator("th", has_text="this telephone").count() == 1

    page.context.clear_cookies()
    page.goto(f"{url}/en/account/login/")
    page.click("form[data-passkey] [data-with] button")
    page.wait_for_url(lambda at: "/account/" not in at)
    page.goto(f"{url}/en/security/")
    assert email in page.inner_text("main")

    page.context.clear_cookies()
    sign_in(page, url, email, password)
    assert "/2fa/authenticate/" in page.url
    page.click("form[data-passkey] [data-with] button")
    page.wait_for_url(lambda at: "/account/" not in at)
    page.goto(f"{url}/en/security/")

    take_away(page, url)

    assert page.locator("th", has_text="this telephone").count() == 0
    assert page.faults == []


def take_away(page, url):
    """Remove the passkey, which it confirms itself."""
    page.click("a[href*='/remove/']")
    page.click("a[href*='/webauthn/reauthenticate/']")
    page.click("form[data-passkey] [data-with] button")
    page.wait_for_url("**/remove/")
    page.click("main form button[type=submit]")
    page.wait_for_url("**/webauthn/")
    page.goto(f"{url}/en/security/")


def test_without_script_the_page_offers_the_other_ways(demo, chromium):
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{demo.url}/en/account/login/")

        assert page.locator("form[data-passkey] button").is_hidden()
        assert page.locator("[data-without]").is_visible()
        assert page.locator("input[name=password]").is_visible()
        assert page.locator("a[href*='/login/code/']").is_visible()

"""The tray in Chromium: sound to the eye and to helpers, and used without JavaScript."""

import sys
import time

import pytest
from tests.browser.test_demo import LANGUAGES, RULES, SHOTS, WIDTHS, opened
from tests.served import KEVRE, ServedNode

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
POINT = "urn:dev:prm:09876543210123"
_WAITING = """
import django, time
django.setup()
from datetime import UTC, datetime
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from kevre.flow import tray
from kevre.flow.models import Input
from kevre.model.input import InputName, InputValue
from kevre.places.models import MeteringPoint
from kevre.rights import key as keys
from kevre.rights.models import Account
key, _ = keys.issue("emonpi", list(MeteringPoint.objects.all()), prefixes=list(keys.MAKER))
now_s = int(time.time())
now = datetime.fromtimestamp(now_s, UTC)
for name, value in (("grid_power", -450), ("power1", 900), ("temp1", 19), ("noise", 7)):
    one = Input.objects.create(lineage=key.lineage, node="emontx", name=name, first_at=now, heard_at=now)
    tray.keep(one, [InputValue(one.called, now_s - at, (value + at, 0)) for at in range(50)], now_s)
tray.refuse(one)
operator = Account.objects.create_superuser("operator@example.org", "x")
session = SessionStore()
session[SESSION_KEY] = str(operator.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
session[HASH_SESSION_KEY] = operator.get_session_auth_hash()
session.save()
print(session.session_key)
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    served = ServedNode(tmp_path_factory.mktemp("node"))
    served.init(POINT)
    session = served.run(sys.executable, "-c", _WAITING).strip()
    served.url = f"http://127.0.0.1:{served.port}"
    served.cookie = {"name": "sessionid", "value": session, "url": served.url}
    with served:
        yield served


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_tray_is_sound(node, chromium, axe_script, language, width):
    SHOTS.mkdir(parents=True, exist_ok=True)
    with opened(chromium, width, bypass_csp=True) as context:
        context.add_cookies([node.cookie])
        page = context.new_page()
        page.goto(f"{node.url}/{language}/tray/", wait_until="load")
        page.screenshot(path=SHOTS / f"tray-{language}-{width}.png", full_page=True)
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        page.evaluate(axe_script)
        result = page.evaluate("rules => axe.run({runOnly: rules})", RULES)

    assert over <= 0
    assert [
        f"{one['id']} at {spot['target']}: {spot['failureSummary'][:200]}"
        for one in result["violations"]
        for spot in one["nodes"][:3]
    ] == []


def test_a_person_accepts_what_is_proposed_without_javascript(node, chromium):
    with opened(chromium, 360, java_script_enabled=False) as context:
        context.add_cookies([node.cookie])
        page = context.new_page()
        page.goto(f"{node.url}/fr/tray/")
        card = page.locator("section.card", has_text="grid_power").first
        card.locator("button[name=accept]").click()
        told = page.inner_text(".msgs")

    assert "Acceptée" in told
    end = time.monotonic() + 30
    while "grid_power  open  0 wait" not in (listed := node.run(KEVRE, "tray", "list")):
        assert time.monotonic() < end, listed
        time.sleep(0.3)

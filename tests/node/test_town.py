"""A node and the OpenID Connect provider of a town, each in a process of its own."""

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import html
from tests.federate.nodes import any_port
from tests.idp.provider import CLIENT, PASSWORD, SECRET
from tests.served import KEVRE, ServedNode

ROOT = Path(__file__).resolve().parents[2]
# At the provider, in this order: person0, person1, …
PEOPLE = (
    "marie@lorient.example",  # has an account here
    "paul@lorient.example",  # has none
    "anna@elsewhere.example",  # has one, but the town does not speak for her address
    "yann@lorient.example:unverified",  # has one, but nobody confirmed the address
    "root@lorient.example",  # runs the node
)
TABLE = f"""
[[oidc]]
id = "lorient"
name = "Ville de Lorient"
server_url = "http://127.0.0.1:{{port}}"
client_id = "{CLIENT}"
secret = "{SECRET}"
domains = ["lorient.example"]
"""


def key():
    made = rsa.generate_private_key(65_537, 2_048)
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """The node, its provider, and the accounts that are there."""
    home = tmp_path_factory.mktemp("town")
    served = ServedNode(home)
    served.run(KEVRE, "init")
    for person in PEOPLE:
        email = person.partition(":")[0]
        if not email.startswith(("paul", "root")):
            served.run(KEVRE, "user", email)
    served.run(KEVRE, "user", "root@lorient.example", "--operator")
    port = any_port("127.0.0.1")
    with (home / "kevre.toml").open("a") as config:
        config.write(TABLE.format(port=port))
    (home / "key.pem").write_text(key())
    callback = f"http://127.0.0.1:{served.port}/account/oidc/lorient/login/callback/"
    with (home / "provider.log").open("wb") as log:
        provider = subprocess.Popen(
            [sys.executable, "-m", "tests.idp.provider", str(port), callback, *PEOPLE],
            cwd=ROOT,
            env=os.environ | {"IDP_HOME": str(home)},
            stdout=log,
            stderr=log,
        )
    try:
        until = time.monotonic() + 60
        while not answers(f"http://127.0.0.1:{port}/.well-known/openid-configuration"):
            assert provider.poll() is None, (home / "provider.log").read_text()
            assert time.monotonic() < until, "the provider does not start"
            time.sleep(0.1)
        with served:
            yield served
    finally:
        provider.terminate()
        provider.wait(30)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as said:
            return said.status == 200
    except OSError:
        return False


@pytest.fixture
def browser():
    with httpx2.Client(follow_redirects=True, timeout=30) as opened:
        yield opened


def come(browser, node, person, language="fr"):
    """Sign in at the provider as a person, by the button of the node; give the last page."""
    base = f"http://127.0.0.1:{node.port}"
    page = browser.get(f"{base}/{language}/account/login/")
    button = html.fromstring(page.text).xpath("//a[contains(@href, '/oidc/lorient/')]/@href")[0]
    page = browser.get(urljoin(base, button))
    form = html.fromstring(page.text).xpath("//form[.//input[@name='password']]")[0]
    given = {one.get("name"): one.get("value") or "" for one in form.xpath(".//input[@name]")}
    given |= {"login": f"person{person}", "password": PASSWORD}
    return browser.post(urljoin(str(page.url), form.get("action") or ""), data=given)


def is_in(node, browser):
    answer = browser.get(f"http://127.0.0.1:{node.port}/en/security/")
    return urlsplit(str(answer.url)).path == "/en/security/"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_who_has_an_account_signs_in_by_the_town_in_any_language(browser, node, language):
    page = come(browser, node, 0, language)

    assert page.url.port == node.port
    assert is_in(node, browser)


@pytest.mark.parametrize("person", range(1, len(PEOPLE)), ids=PEOPLE[1:])
def test_nobody_else_gets_in_and_no_account_is_made(browser, node, person):
    page = come(browser, node, person)

    # The town vouched for the person; it is the node that opens nothing.
    assert "login/callback/?code=" in str(page.url)
    assert "inscription" in html.fromstring(page.text).xpath("string(//h1)")
    assert not is_in(node, browser)
    count = node.run(
        sys.executable,
        "-c",
        "import django; django.setup();"
        "from kevre.rights.models import Account; print(Account.objects.count())",
    )
    assert int(count) == len(PEOPLE) - 1


def test_an_answer_that_nobody_asked_for_signs_nobody_in(browser, node):
    page = browser.get(
        f"http://127.0.0.1:{node.port}/account/oidc/lorient/login/callback/?code=x&state=y"
    )

    assert page.status_code < 500
    assert not is_in(node, browser)

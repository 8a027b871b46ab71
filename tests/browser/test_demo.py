import json
import re
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LANGUAGES = ["fr", "en", "br"]
WIDTHS = [360, 1280]
FIRST_VIEW_BYTES, WITH_SCRIPT_BYTES = 60_000, 100_000
LIVE_WITHIN_S = 60


def api(demo, path):
    with urllib.request.urlopen(f"{demo.url}/api/v1/{path}", timeout=10) as response:
        return json.load(response)


@pytest.fixture(scope="session")
def paths(demo):
    """Every page a guest can open, one of each kind, by a name for its screenshots."""
    found = {"territory": "", "commune": "territory/lorient/"}
    for site in api(demo, "sites")["sites"]:
        found[f"site-{site['kind']}"] = f"site/{site['slug']}/"
        if site["kind"] == "school":
            series = api(demo, f"series?site={site['slug']}")["series"][0]
            for span in ("day", "week", "month", "year"):
                found[f"series-{span}"] = f"series/{series['id']}/?span={span}"
    return found | {
        "sources": "sources/",
        "about": "about/",
        "privacy": "about/privacy/",
        "accessibility": "about/accessibility/",
        "sign-in": "account/login/",
        "nothing": "site/nothing/",
    }


def opened(chromium, width, **options):
    context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
    context.set_default_timeout(20_000)
    return context


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_sound_to_the_eye_and_to_helpers(
    demo, chromium, axe_script, paths, language, width
):
    SHOTS.mkdir(parents=True, exist_ok=True)
    faults = []
    with opened(chromium, width, bypass_csp=True) as context:
        page = context.new_page()
        page.on(
            "console",
            lambda said: (
                faults.append(f"{page.url}: {said.text}")
                if said.type == "error" and "404" not in said.text
                else None
            ),
        )
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        for name, path in paths.items():
            page.goto(f"{demo.url}/{language}/{path}", wait_until="load")
            page.screenshot(path=SHOTS / f"{name}-{language}-{width}.png", full_page=True)
            assert page.locator("html").get_attribute("lang") == language, name
            assert page.locator(".demo").is_visible(), name
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


@pytest.mark.parametrize("scheme", ["dark"])
def test_contrast_holds_in_the_dark(demo, chromium, axe_script, paths, scheme):
    faults = []
    with opened(chromium, 1280, bypass_csp=True, color_scheme=scheme) as context:
        page = context.new_page()
        for name, path in paths.items():
            page.goto(f"{demo.url}/fr/{path}")
            page.evaluate(axe_script)
            result = page.evaluate(
                "() => axe.run({runOnly: {type: 'rule', values: ['color-contrast']}})"
            )
            faults += [
                f"{name}: {node['target']}: {node['failureSummary'][:160]}"
                for one in result["violations"]
                for node in one["nodes"][:3]
            ]
            page.screenshot(path=SHOTS / f"{name}-fr-dark.png", full_page=True)

    assert faults == []


def received(demo, chromium, path, *, script):
    """The bytes that come over the wire for the first view of a page."""
    lengths = []
    with opened(chromium, 360, java_script_enabled=script) as context:
        page = context.new_page()
        wire = context.new_cdp_session(page)
        wire.on("Network.loadingFinished", lambda event: lengths.append(event["encodedDataLength"]))
        wire.send("Network.enable")
        page.goto(f"{demo.url}/fr/{path}", wait_until="load")
    return sum(lengths)


@pytest.mark.parametrize(("script", "most"), [(False, FIRST_VIEW_BYTES), (True, WITH_SCRIPT_BYTES)])
def test_a_first_view_is_light_on_the_wire(demo, chromium, paths, script, most):
    weights = {name: received(demo, chromium, path, script=script) for name, path in paths.items()}

    assert {name: size for name, size in weights.items() if not 0 < size <= most} == {}


def test_a_page_is_whole_without_script(demo, chromium, paths):
    with opened(chromium, 360, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{demo.url}/fr/{paths['site-school']}")

        assert page.locator("svg.chart").count() >= 4
        assert page.locator("[data-value]").first.inner_text()
        page.locator("summary").first.click()
        assert page.locator("details[open] table").first.is_visible()


def test_live_power_changes_without_reloading(demo, chromium, paths):
    with opened(chromium, 1280) as context:
        page = context.new_page()
        page.goto(f"{demo.url}/fr/{paths['site-school']}")
        stamp = page.locator("[data-at]").first
        before = stamp.get_attribute("datetime")
        until = time.monotonic() + LIVE_WITHIN_S

        while stamp.get_attribute("datetime") == before:
            assert time.monotonic() < until, "nothing came"
            page.wait_for_timeout(200)

        assert page.locator(".now.is-live").count() == 1


def test_a_citizen_signs_in_and_sees_her_home_that_guests_do_not(demo, chromium):
    email, password = demo.account("citizen")
    with opened(chromium, 360) as context:
        page = context.new_page()
        page.goto(f"{demo.url}/fr/account/login/")
        page.fill("input[name=login]", email)
        page.fill("input[name=password]", password)
        page.click("main form button[type=submit]")
        page.goto(f"{demo.url}/fr/")
        own = [
            link
            for link in page.locator("main a[href*='/site/']").evaluate_all(
                "all => all.map(a => a.href)"
            )
            if "/site/" in link
        ]
        public = {f"{demo.url}/fr/site/{site['slug']}/" for site in api(demo, "sites")["sites"]}
        home = next(link for link in own if link not in public)
        assert page.goto(home).status == 200
        page.screenshot(path=SHOTS / "home-fr-360.png", full_page=True)

    with opened(chromium, 360) as context:
        assert context.new_page().goto(home).status == 404


def test_the_keyboard_reaches_the_content_first(demo, chromium):
    with opened(chromium, 1280) as context:
        page = context.new_page()
        page.goto(f"{demo.url}/en/")
        page.keyboard.press("Tab")

        assert re.search(r"#", page.evaluate("document.activeElement.getAttribute('href')"))
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash")

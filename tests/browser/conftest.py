"""The real demo in a process of its own, and Debian's Chromium to look at it."""

import os
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from tools import axe

from kevre.node.port import free_port

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "build" / "test-demo"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_S = 240


@dataclass(frozen=True)
class Demo:
    url: str
    home: Path

    def account(self, role):
        """The address and password of one of the demo's accounts."""
        accounts = tomllib.loads((self.home / "demo" / "accounts.toml").read_text("utf-8"))[
            "account"
        ]
        return next((one["email"], one["password"]) for one in accounts if role in one["role"])


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def demo():
    """`kevre demo`, as a newcomer starts it; its packages and data stay for the next run."""
    port = free_port("127.0.0.1", 8400)
    HOME.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"KEVRE_HOME": str(HOME), "KEVRE_PORT": str(port)}
    environment.pop("KEVRE_SECRET_KEY", None)
    environment.pop("KEVRE_DATABASE_URL", None)
    command = [Path(sys.executable).parent / "kevre", "demo"]
    with (HOME / "demo.log").open("w+b") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            until = time.monotonic() + PATIENCE_S
            while not answers(f"{url}/healthz"):
                log.seek(0)
                assert process.poll() is None, log.read().decode()
                assert time.monotonic() < until, "the demo does not answer"
                time.sleep(0.3)
            yield Demo(url, HOME)
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium."""
    program = shutil.which("chromium")
    assert program, "Chromium is missing: sudo apt install chromium"
    # The driver keeps an event loop in this thread, where other tests use the registry.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def axe_script():
    """The accessibility checker."""
    return axe.script()

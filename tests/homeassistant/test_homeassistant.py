"""A real Home Assistant sends by its own integration; it was only told address and key."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.served import KEVRE, ServedNode

pytestmark = pytest.mark.homeassistant
POINT = "urn:dev:prm:09876543210123"
_KEY = """
import django
django.setup()
from kevre.rights import key as keys
from kevre.places.models import MeteringPoint
points = list(MeteringPoint.objects.all())
print(keys.issue("ha", points, is_short=True, prefixes=list(keys.MAKER))[1])
"""


@pytest.fixture
def node(tmp_path):
    home = tmp_path / "node"
    home.mkdir()
    served = ServedNode(home)
    served.init(POINT)
    with served:
        yield served


@pytest.fixture
def hass(node, tmp_path):
    python = os.environ.get("KEVRE_HASS_PYTHON")
    assert python, "run this by `make test-homeassistant`, which brings Home Assistant"
    key = node.run(sys.executable, "-c", _KEY).strip()
    script = Path(__file__).with_name("headless.py")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [python, script, tmp_path, f"http://127.0.0.1:{node.port}", key], stdout=log, stderr=log
        )
    yield process
    process.terminate()
    process.wait(30)


def tray(node):
    return [line.split("  ") for line in node.run(KEVRE, "tray", "list").splitlines()]


def awaited(hass, look):
    end = time.monotonic() + 120
    while not (found := look()):
        assert hass.poll() is None, "Home Assistant ended: see its log"
        assert time.monotonic() < end
        time.sleep(0.5)
    return found


def test_home_assistant_sends_by_its_own_integration(node, hass):
    awaited(
        hass, lambda: len(tray(node)) == 2 and all(int(one[3].split()[0]) > 2 for one in tray(node))
    )

    listed = {one[1]: one[4:] for one in tray(node)}
    assert listed == {
        "19/sensor.grid_power": [
            "612.5..612.5", "consumption/power/active/instant [W]?",
        ],
        "19/sensor.salon_temperature": [
            "20.25..20.25", "temperature/indoor/raw/sensor-salon-temperature [Cel]?",
        ],
    }  # fmt: skip
    for one in tray(node):
        node.run(KEVRE, "tray", "accept", one[0])
    awaited(hass, lambda: {one[2] for one in tray(node)} == {"open"})

    counted = """
import django
django.setup()
from kevre.flow.models import Arrival, Quarantined
print(Arrival.objects.filter(source="emoncms/post", kept=2).count(), Quarantined.objects.count())
"""
    told = awaited(
        hass, lambda: (said := node.run(sys.executable, "-c", counted).split())[0] > "1" and said
    )
    assert told[1] == "0"

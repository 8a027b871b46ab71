"""A real Mosquitto and a real node: what was published is kept, whoever of the two dies."""

import json
import re
import sys
import time

import pytest
from tests import registry
from tests.collect.device.mosquitto import free_port, publisher, running
from tests.served import KEVRE, ServedNode

from kevre.flow.models import Input, Quarantined
from kevre.flow.way import Way
from kevre.formats.message import Message
from kevre.model.errors import Malformed, Unavailable
from kevre.node.broker import _address, let_in, look
from kevre.node.config import Config
from kevre.rights import key as keys
from kevre.store import Store

POINT = "urn:dev:prm:09876543210123"
_KEY = """
import django
django.setup()
from kevre.rights import key as keys
from kevre.places.models import MeteringPoint
print(keys.issue("broker", list(MeteringPoint.objects.all()), prefixes=list(keys.MAKER))[0].name)
"""


@pytest.fixture
def node(tmp_path):
    """A node that listens to a broker which is not there yet."""
    home = tmp_path / "home"
    home.mkdir()
    served = ServedNode(home)
    served.init(POINT)
    served.broker_port = free_port()
    name = served.run(sys.executable, "-c", _KEY).strip()
    with (home / "kevre.toml").open("a") as settings:
        settings.write(
            f'\nmqtt_url = "mqtt://127.0.0.1:{served.broker_port}"\n'
            f'mqtt_topics = ["emon/#", "tele/+/SENSOR"]\nmqtt_key = "{name}"\n'
        )
    yield served
    served.kill()


def waiting(node):
    """How many readings of each input wait."""
    listed = node.run(KEVRE, "tray", "list")
    return {
        name: int(count)
        for name, count in re.findall(r"^\d+  (\S+)  \w+  (\d+) wait", listed, re.MULTILINE)
    }


def until(node, expected):
    end = time.monotonic() + 60
    while (found := waiting(node)) != expected:
        assert time.monotonic() < end, found
        time.sleep(0.5)


def timed(at_s, value):
    return json.dumps({"power1": value, "time": at_s})


def test_what_devices_publish_lands_in_the_tray(node, tmp_path):
    with running(tmp_path, port=node.broker_port), node, publisher(node.broker_port) as publish:
        publish("emon/emontx/grid", "612.5")
        publish("tele/plug/SENSOR", json.dumps({"ENERGY": {"Power": 7}}))
        publish("emon/emontx", "1,2")
        publish("other/topic", "5")
        publish("emon/emontx", "{torn")

        until(node, {"emon/emontx/grid": 1, "tele/plug/SENSOR/ENERGY.Power": 1,
                     "emon/emontx/0": 1, "emon/emontx/1": 1})  # fmt: skip
        assert "the message is no JSON" in node.run(KEVRE, "quarantine")


def test_nothing_is_lost_when_the_node_is_killed_again_and_again(node, tmp_path):
    now_s = int(time.time()) - 10_000
    with running(tmp_path, port=node.broker_port), publisher(node.broker_port) as publish:
        node.start()
        publish("emon/emontx", timed(now_s, 0))
        until(node, {"emon/emontx/power1": 1})  # from here on the broker knows it
        for round_ in range(3):
            for number in range(1, 101):
                publish("emon/emontx", timed(now_s + 100 * round_ + number, number))
                if number == 40:
                    node.kill()
            node.start()

        until(node, {"emon/emontx/power1": 301})


def test_a_broker_that_was_killed_and_is_back_is_listened_to_again(node, tmp_path):
    now_s = int(time.time()) - 10_000
    with node:
        for round_ in range(3):
            with running(tmp_path, port=node.broker_port) as port, publisher(port) as publish:
                end = time.monotonic() + 60
                while waiting(node).get("emon/emontx/power1", 0) <= round_:
                    assert time.monotonic() < end
                    publish("emon/emontx", timed(now_s + round_, 5))
                    time.sleep(0.3)

    assert waiting(node) == {"emon/emontx/power1": 3}


def test_readings_of_an_accepted_input_are_stored_as_they_are_published(node, tmp_path):
    now_s = int(time.time()) - 10_000
    with running(tmp_path, port=node.broker_port), node, publisher(node.broker_port) as publish:
        publish("emon/emontx", timed(now_s, 5))
        until(node, {"emon/emontx/power1": 1})
        node.run(KEVRE, "tray", "accept", "1")
        until(node, {"emon/emontx/power1": 0})
        for number in range(1, 50):
            publish("emon/emontx", timed(now_s + number, number))
        until(node, {"emon/emontx/power1": 0})
        arrived = _arrived(node, 49)

    assert arrived == 49


def _arrived(node, wanted):
    """How many readings entered by the broker."""
    counted = """
import django
django.setup()
from django.db.models import Sum
from kevre.flow.models import Arrival
print(Arrival.objects.filter(source="mqtt").aggregate(n=Sum("kept"))["n"] or 0)
"""
    end = time.monotonic() + 30
    while (found := int(node.run(sys.executable, "-c", counted))) < wanted:
        assert time.monotonic() < end, found
        time.sleep(0.3)
    return found


@pytest.mark.parametrize(
    "changed",
    [{"mqtt_url": "http://x"}, {"mqtt_url": "mqtt://"}, {"mqtt_url": "mqtt://x:99999"},
     {"mqtt_topics": ()}, {"mqtt_key": ""}],
)  # fmt: skip
def test_settings_that_cannot_be_are_told(tmp_path, changed):
    good = {"mqtt_url": "mqtt://x", "mqtt_topics": ("a/#",), "mqtt_key": "k"}

    with pytest.raises(Malformed):
        _address(Config(tmp_path, "s", **good | changed))


def test_the_doctor_says_whether_the_broker_is_there(tmp_path):
    port = free_port()
    config = Config(
        tmp_path, "s", mqtt_url=f"mqtt://127.0.0.1:{port}", mqtt_topics=("a/#",), mqtt_key="k"
    )
    with pytest.raises(Unavailable):
        look(config)
    with running(tmp_path, port=port):
        assert look(config) == "answers; 1 topics"


@pytest.mark.django_db
def test_a_message_that_nobody_foresaw_does_not_keep_the_others_waiting(tmp_path):
    point = registry.series(registry.site()).point
    key, _ = keys.issue("broker", [point], prefixes=["consumption/"])
    now_s = int(time.time())
    some = [
        Message("a/power", b"5", now_s),
        Message("a/odd", b"6", "no time"),  # stands for a mistake of ours
        Message("a/volt", b"7", now_s),
    ]
    with Store(tmp_path / "readings.duckdb", memory_mb=128) as store:
        let_in(Way.over(store), key, some, now_s)

    assert set(Input.objects.values_list("name", flat=True)) == {"power", "volt"}
    fault = Quarantined.objects.get()
    assert (fault.code, fault.field) == ("message.odd", "a/odd")

"""A real Mosquitto, and messages in the shapes of makers."""

import json
import time

import pytest
from tests.collect.device.mosquitto import PASSWORD, USER, publisher, running
from tests.collect.device.rig import POINT, made

from kevre.collect.device.shape import SHAPES
from kevre.model.errors import KevreError

POWER, INDEX = "consumption/power/active/instant", "consumption/energy/active/index"
FED, FED_INDEX = "production/power/active/instant", "production/energy/active/index"
VOLTAGE, CURRENT = "consumption/voltage/instant", "consumption/current/instant"
# Messages as makers' documents show them: shape, topic, topic below it, payload, meaning.
MESSAGES = [
    (
        "zigbee2mqtt",
        "zigbee2mqtt/classroom",
        "",
        {
            "battery": 97,
            "humidity": 45.12,
            "linkquality": 110,
            "temperature": 21.3,
            "voltage": 3000,
        },
        {"temperature/indoor/raw": (213, -1), "humidity/indoor/instant": (4512, -2)},
    ),
    (
        "zigbee2mqtt",
        "zigbee2mqtt/plug",
        "",
        {"current": 0.27, "energy": 12.46, "power": 61, "state": "ON", "voltage": 231},
        {POWER: (61, 0), INDEX: (12_460, 0), VOLTAGE: (231, 0), CURRENT: (27, -2)},
    ),
    (
        "tasmota",
        "tele/boiler",
        "SENSOR",
        {
            "Time": "2026-11-27T10:00:00",
            "ENERGY": {
                "Total": 1.753,
                "Today": 0.1,
                "Power": 1_854,
                "Voltage": 230,
                "Current": 8.06,
            },
        },
        {POWER: (1_854, 0), INDEX: (1_753, 0), VOLTAGE: (230, 0), CURRENT: (806, -2)},
    ),
    (
        "tasmota",
        "tele/board",
        "SENSOR",
        {"ENERGY": {"Total": 3.5, "Power": [10, 20, 30]}, "DS18B20": {"Temperature": 19.4}},
        {
            INDEX: (3_500, 0),
            f"{POWER}/l1": (10, 0),
            f"{POWER}/l2": (20, 0),
            f"{POWER}/l3": (30, 0),
            "temperature/indoor/raw": (194, -1),
        },
    ),
    ("tasmota", "tele/us", "SENSOR", {"DS18B20": {"Temperature": 66}, "TempUnit": "F"}, {}),
    ("shelly1", "shellies/em-1", "emeter/0/power", -1250.55, {POWER: (0, 0), FED: (125_055, -2)}),
    ("shelly1", "shellies/em-1", "emeter/0/total_returned", 4321.5, {FED_INDEX: (43_215, -1)}),
    ("shelly1", "shellies/plug-1", "relay/0/energy", 600, {INDEX: (10, 0)}),
    (
        "shelly2",
        "shellyplus1pm-1",
        "status/switch:0",
        {"id": 0, "output": True, "apower": 12.3, "voltage": 229.8, "aenergy": {"total": 18.201}},
        {POWER: (123, -1), VOLTAGE: (2_298, -1), INDEX: (18_201, -3)},
    ),
    (
        "shelly2",
        "shellypro3em-1",
        "events/rpc",
        {
            "src": "shellypro3em-1",
            "method": "NotifyStatus",
            "params": {
                "ts": 1700000000.1,
                "em:0": {"id": 0, "a_act_power": -30.5, "total_act_power": -30.5},
                "emdata:0": {"id": 0, "total_act": 1000.25, "total_act_ret": 2.5},
            },
        },
        {
            POWER: (0, 0),
            FED: (305, -1),
            f"{POWER}/l1": (0, 0),
            f"{FED}/l1": (305, -1),
            INDEX: (100_025, -2),
            FED_INDEX: (25, -1),
        },
    ),
]


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with running(tmp_path_factory.mktemp("mosquitto")) as port:
        yield port


def subscribed(port, tmp_path, topic, **more):
    entries = {"broker": "127.0.0.1", "port": port, "topic": topic, "point": POINT}
    return made("mqtt", entries | more, tmp_path).driver


def test_every_shape_has_a_message_here():
    assert {shape for shape, *_ in MESSAGES} == set(SHAPES)


@pytest.mark.parametrize(("shape", "topic", "below", "payload", "meaning"), MESSAGES)
def test_a_makers_message_gives_its_series(broker, tmp_path, shape, topic, below, payload, meaning):
    driver = subscribed(broker, tmp_path, topic, shape=shape)
    driver.open()
    with publisher(broker) as publish:
        publish(f"{topic}/{below}".strip("/"), json.dumps(payload))
    try:
        read = list(driver.read())
    finally:
        driver.close()

    assert {sample.path: sample.value for sample in read} == meaning
    assert driver.counts() == {"messages": 1, "dropped": 0, "malformed": 0}


def test_own_measures_take_a_plain_number_below_a_topic(broker, tmp_path):
    measure = {"below": "flow", "series": "consumption/flow/water/instant", "unit": "l/h"}
    driver = subscribed(broker, tmp_path, "tank", measure=[measure])
    driver.open()
    with publisher(broker) as publish:
        publish("tank/flow", "812.5")
        publish("tank/other", "1")
    read = list(driver.read())
    driver.close()

    assert [sample.value for sample in read] == [(8_125, -4)]


def test_odd_messages_are_counted_and_spare_the_rest(broker, tmp_path):
    driver = subscribed(broker, tmp_path, "zigbee2mqtt/odd", shape="zigbee2mqtt")
    driver.open()
    odd = [b"", b"offline", b"\xff\xfe", b"[" * 60_000, b'{"temperature": "hot"}', b"7" * 70_000]
    with publisher(broker) as publish:
        for payload in (*odd, b'{"temperature": 20.5}'):
            publish("zigbee2mqtt/odd", payload)
    read = []
    end = time.monotonic() + 10
    while not read and time.monotonic() < end:
        read.extend(driver.read())
    counts = driver.counts()
    driver.close()

    assert [sample.value for sample in read] == [(205, -1)]
    assert counts["malformed"] == 5  # the hot one is well formed, but no number
    assert counts["messages"] == 7


def test_what_the_broker_kept_from_before_is_not_taken_for_now(broker, tmp_path):
    with publisher(broker) as publish:
        publish("zigbee2mqtt/kept", b'{"temperature": 9}', retain=True)
    driver = subscribed(broker, tmp_path, "zigbee2mqtt/kept", shape="zigbee2mqtt")
    driver.open()
    read = list(driver.read())
    driver.close()

    assert read == []


def test_a_broker_that_goes_away_is_told_and_taken_up_again(tmp_path):
    with running(tmp_path) as port:
        driver = subscribed(port, tmp_path, "zigbee2mqtt/a", shape="zigbee2mqtt")
        driver.open()
    with pytest.raises(KevreError) as told:
        samples_for_ever(driver)
    assert told.value.code == "mqtt.unreachable"
    driver.close()
    with pytest.raises(KevreError) as told:
        driver.open()
    assert told.value.code == "mqtt.unreachable"

    with running(tmp_path, port=port):
        driver.open()
        with publisher(port) as publish:
            publish("zigbee2mqtt/a", b'{"temperature": 20.5}')
        assert [sample.value for sample in driver.read()] == [(205, -1)]
        driver.close()


def samples_for_ever(driver):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        list(driver.read())


def test_silence_is_told_with_a_remedy(broker, tmp_path):
    driver = subscribed(broker, tmp_path, "nobody", shape="tasmota", silence_s=1)
    driver.open()
    with pytest.raises(KevreError) as told:
        samples_for_ever(driver)
    driver.close()

    assert told.value.code == "mqtt.silent"


def test_a_broker_with_a_password_lets_its_user_in_and_no_other(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(PASSWORD + "\n")
    bad.write_text("wrong\n")
    with running(tmp_path, signed_in=True) as port:
        entries = {"shape": "zigbee2mqtt", "user": USER}
        with pytest.raises(KevreError) as told:
            subscribed(port, tmp_path, "zigbee2mqtt/a", password_file=str(bad), **entries).open()
        driver = subscribed(port, tmp_path, "zigbee2mqtt/a", password_file=str(good), **entries)
        driver.open()
        driver.close()

    assert told.value.code == "mqtt.refused"
    assert PASSWORD not in str(told.value)


@pytest.mark.parametrize("topic", ["zigbee2mqtt/#", "+/a"])
def test_a_device_has_one_topic(tmp_path, topic):
    with pytest.raises(KevreError) as told:
        subscribed(1_883, tmp_path, topic, shape="tasmota")

    assert told.value.code == "device.entry"

"""Messages in the shapes that devices publish."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.formats.message import Message, read

AT_S = 1_780_000_000


def parsed(topic, payload, *, is_kept=False):
    content = payload if isinstance(payload, bytes) else payload.encode()
    posted = read(Message(topic, content, AT_S, is_kept=is_kept))
    values = {
        str(one.input): (one.at_s - AT_S, one.value[0] * 10.0 ** one.value[1], one.unit)
        for one in posted.values
    }
    return values, [fault.code for fault in posted.faults]


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        ("shellies/em/emeter/0/power", "-12.5", {"shellies/em/emeter/0/power": (0, -12.5, "")}),
        ("home/boiler", "21.5 °C", {"home/boiler": (0, 21.5, "°C")}),
        ("power", "1e3", {"power/power": (0, 1_000, "")}),
        ("emon/emontx", "10,11.5,-2", {"emon/emontx/0": (0, 10, ""), "emon/emontx/1": (0, 11.5, ""),
                                       "emon/emontx/2": (0, -2, "")}),
        ("emon/emontx", '{"power1":10,"time":1780000005}', {"emon/emontx/power1": (5, 10, "")}),
        ("zigbee2mqtt/plug", '{"power":12,"state":"ON","update":{"state":"idle"},"energy":1.25}',
         {"zigbee2mqtt/plug/power": (0, 12, ""), "zigbee2mqtt/plug/energy": (0, 1.25, "")}),
        ("tele/plug/SENSOR", '{"Time":"2026-01-02T03:04:05","ENERGY":{"Power":7,"Total":1.5}}',
         {"tele/plug/SENSOR/ENERGY.Power": (0, 7, ""), "tele/plug/SENSOR/ENERGY.Total": (0, 1.5, "")}),
        ("x/y", '{"ts":1780000007000,"v":[1,null,{"a":2}]}',
         {"x/y/v.0": (7, 1, ""), "x/y/v.2.a": (7, 2, "")}),
        ("x/y", '{"timestamp":"2026-05-28T22:26:50+02:00","grid":{"value":3,"unit":"kW"}}',
         {"x/y/grid": (10, 3, "kW")}),
    ],
)  # fmt: skip
def test_what_devices_publish_is_read(topic, payload, expected):
    assert parsed(topic, payload) == (expected, [])


@pytest.mark.parametrize(
    "payload", ["ON", "online", "", "null", '{"state":"ON","on":true}', "a,b", "é"]
)
def test_what_measures_nothing_is_passed_over(payload):
    assert parsed("t", payload) == ({}, [])


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ('{"a":1', "message.malformed"),
        ("[" * 5_000, "message.malformed"),
        ('{"a":' * 9 + "1" + "}" * 9, "message.malformed"),
        ('{"a":1e99}', "value.not_a_number"),
        ("1.2.3", "value.not_a_number"),
        (json.dumps(list(range(600))), "message.malformed"),
        (b"1" * 300_000, "message.malformed"),
    ],
)
def test_what_cannot_be_read_is_a_fault(payload, code):
    values, codes = parsed("some/topic", payload)

    assert (values, codes) == ({}, [code])


def test_what_the_broker_kept_is_read_only_if_it_says_its_time():
    assert parsed("a/b", "5", is_kept=True) == ({}, [])
    assert parsed("a/b", '{"p":5}', is_kept=True) == ({}, [])
    assert parsed("a/b", '{"p":5,"time":1780000001}', is_kept=True) == ({"a/b/p": (1, 5, "")}, [])


def test_long_topics_stay_apart():
    names = {next(iter(parsed("x/" * 60 + end, '{"p":1}')[0])) for end in ("a", "b")}

    assert len(names) == 2
    assert all(len(name) < 80 for name in names)


@given(st.one_of(st.binary(max_size=200), st.text('{}[]:,.0123456789eE+-" atime', max_size=60)))
def test_no_message_breaks_the_reader(payload):
    values, codes = parsed("t", payload)

    assert not (values and codes)

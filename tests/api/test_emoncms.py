"""The input API of emoncms, as its clients speak it; answers are compared letter by letter."""

import json
import time
import zlib
from urllib.parse import quote

import pytest
from tests import registry

from kevre.flow import input as inputs
from kevre.flow import tray
from kevre.flow.input import Input, State
from kevre.flow.models import Quarantined, Waiting
from kevre.places.models import Series
from kevre.rights import key as keys
from kevre.rights.key import MAKER

POWER = "consumption/power/active/instant"


@pytest.fixture
def apikey(school):
    point = registry.series(school).point
    return keys.issue("emonpi", [point], is_short=True, prefixes=list(MAKER))[1]


def waiting():
    """All that waits, as {node/name: [(time, value)]}."""
    found = {}
    for row in Waiting.objects.select_related("input").order_by("at_s"):
        value = row.mantissa * 10.0**row.exponent
        found.setdefault(str(row.input), []).append((row.at_s, value))
    return found


def values():
    return {name: [value for _, value in rows] for name, rows in waiting().items()}


def said(answer):
    return answer.status_code, answer["Content-Type"].partition(";")[0], answer.content.decode()


OK = (200, "text/plain", "ok")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"node": "emontx", "json": "{power1:100,power2:200.5}"},
         {"emontx/power1": [100], "emontx/power2": [200.5]}),
        ({"node": "emontx", "json": '{"power1":100,"power2":-2e1}'},
         {"emontx/power1": [100], "emontx/power2": [-20]}),
        ({"csv": "100,200,300"}, {"0/1": [100], "0/2": [200], "0/3": [300]}),
        ({"node": "19", "data": "{sensor.grid_power:12.5,sensor.x:1}"},
         {"19/sensor.grid_power": [12.5], "19/sensor.x": [1]}),
        ({"json": "{a:1,5,b:2,6}"}, {"0/a": [1], "0/1": [5], "0/b": [2], "0/2": [6]}),
        ({"json": "{p:1e3,q:null}"}, {"0/p": [1000]}),
        ({"csv": "1,null,3"}, {"0/1": [1], "0/3": [3]}),
        ({"node": "a/b:c", "json": "{power(W):1}"}, {"abc/powerW": [1]}),
        ({"node": "été", "json": "{température:21.5}"}, {"été/température": [21.5]}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["get", "post"])
def test_every_form_of_a_post_is_read(client, way, apikey, query, expected, method):
    answer = getattr(client, method)("/input/post", query | {"apikey": apikey})

    assert said(answer) == OK
    assert values() == expected


def test_strict_json_is_answered_in_json(client, way, apikey):
    answer = client.post(
        f"/input/post.json?apikey={apikey}&node=ha&fulljson="
        + quote('{"s":"2","b":true,"n":null,"x":NaN,"f":0.10}')
    )

    assert json.loads(answer.content) == {"success": True}
    assert answer.status_code == 200
    assert values() == {"ha/s": [2], "ha/b": [1], "ha/f": [0.1]}


def test_a_text_that_is_no_number_is_quarantined_and_the_rest_kept(client, way, apikey):
    answer = client.get(
        "/input/post", {"apikey": apikey, "fulljson": '{"state":"unavailable","p":5}'}
    )

    assert answer.status_code == 200
    assert values() == {"0/p": [5]}
    assert [(one.code, one.field) for one in Quarantined.objects.all()] == [
        ("value.not_a_number", "state")
    ]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"json": "{p:abc}"}, "Format error, json value is not numeric"),
        ({"fulljson": '{"a":{"b":1}}'}, "Input in not a valid JSON object"),
        ({"fulljson": "{a:1}"}, "Input in not a valid JSON object"),
        ({"node": "x"}, "Request contains no data via csv, json or data tag"),
        ({"csv": "1", "time": "yesterday"}, "Format error, time is not understood"),
        ({"csv": "1", "time": "2026-03-01T10:00:00"}, "Format error, time has no zone"),
    ],
)
def test_what_cannot_be_read_is_told_in_the_words_of_emoncms(client, way, apikey, query, message):
    answer = client.get("/input/post", query | {"apikey": apikey})

    assert answer.status_code == 200
    assert json.loads(answer.content) == {"success": False, "message": message}
    assert Waiting.objects.count() == 0


@pytest.mark.parametrize(
    ("time_", "fulljson", "expected"),
    [
        ("1780000000.9", "", 1_780_000_000),
        ("1780000000123", "", 1_780_000_000),
        ("2026-05-28T20:26:40Z", "", 1_780_000_000),
        ("", '{"a":1,"time":1780000000}', 1_780_000_000),
        ("1780000000", '{"a":1,"time":1}', 1_780_000_000),
    ],
)
def test_times_are_read_in_every_form(client, way, apikey, time_, fulljson, expected):
    form = {"fulljson": fulljson} if fulljson else {"json": "{a:1}"}
    client.get("/input/post", form | {"apikey": apikey, "time": time_})

    assert waiting() == {"0/a": [(expected, 1)]}


def test_without_a_time_it_is_that_of_arrival(client, way, apikey):
    before = int(time.time())
    client.get("/input/post/emontx", {"apikey": apikey, "csv": "7"})

    assert before <= waiting()["emontx/1"][0][0] <= time.time()


@pytest.mark.parametrize(
    ("reference", "rows", "expected"),
    [
        ({"sentat": "543"}, [520, 535], [-23, -8]),
        ({}, [0, 2, 4], [-4, -2, 0]),
        ({"offset": "-10"}, [-10, -8, -6], [0, 2, 4]),
    ],
)
def test_bulk_times_count_from_the_time_of_sending(
    client, way, apikey, reference, rows, expected, monkeypatch
):
    data = json.dumps([[at, "n", 7] for at in rows])
    before = int(time.time())
    answer = client.post("/input/bulk", {"apikey": apikey, "data": data} | reference)

    assert said(answer) == OK
    times = [at for at, _ in waiting()["n/1"]]
    assert 0 <= times[0] - expected[0] - before <= time.time() - before + 1
    assert [at - times[0] for at in times] == [at - expected[0] for at in expected]


def test_bulk_times_can_be_absolute(client, way, apikey):
    client.post(
        "/input/bulk",
        {"apikey": apikey, "time": "1780000000", "data": '[[-10,"n",1],[-6,"n",2]]'},
    )

    assert waiting() == {"n/1": [(1_779_999_990, 1), (1_779_999_994, 2)]}


def test_bulk_rows_hold_named_and_numbered_values(client, way, apikey):
    data = '[[0,"a",1,null,{"x":5,"y":null},3],[0,"b"],[0,{"c":1},2],"torn",[0,7,"8"]]'
    answer = client.post("/input/bulk", {"apikey": apikey, "time": "1780000000", "data": data})

    assert said(answer) == OK
    assert values() == {"a/1": [1], "a/x": [5], "a/3": [3], "7/1": [8]}
    assert sorted(Quarantined.objects.values_list("line", flat=True)) == [3, 4]


@pytest.mark.parametrize("packed", ["c", "cb"])
def test_bulk_may_be_packed(client, way, apikey, packed):
    content = zlib.compress(b'[[0,"n",5]]')
    if packed == "c":
        answer = client.post("/input/bulk", {"apikey": apikey, "c": "1", "data": content.hex()})
    else:
        answer = client.post(
            f"/input/bulk?apikey={apikey}&cb=1", content, content_type="application/octet-stream"
        )

    assert said(answer) == OK
    assert values() == {"n/1": [5]}


def test_a_packed_bomb_does_not_go_off(client, way, apikey):
    content = zlib.compress(b"[" + b" " * 40_000_000 + b"]")
    answer = client.post(
        f"/input/bulk?apikey={apikey}&cb=1", content, content_type="application/octet-stream"
    )

    assert json.loads(answer.content)["success"] is False


def test_what_emonhub_sends_is_answered_as_it_wants(client, way, apikey):
    sent_s = int(time.time()) - 1_000  # its clock is slow
    rows = [[sent_s - 20, 10, 150, 250], [sent_s - 10, 10, 151, 251]]
    form = {
        "apikey": apikey,
        "data": json.dumps(rows, separators=(",", ":")),
        "sentat": str(sent_s),
    }
    answer = client.post("/emoncms/input/bulk.json?", form)

    assert said(answer) == OK
    assert values() == {"10/1": [150, 151], "10/2": [250, 251]}
    assert time.time() - waiting()["10/1"][1][0] < 60


def test_what_iotawatt_sends_is_answered_as_it_wants(client, way, apikey):
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {apikey}"}
    asked = client.get("/input/get?node=IotaWatt", **bearer)
    assert asked.content.decode().startswith('"Node does not exist"')

    body = 'time=1780000000&data=[[10,"IotaWatt",121.4,null,-45.0],[20,"IotaWatt",121.5,null,46]]'
    answer = client.post(
        "/input/bulk", body, content_type="application/x-www-form-urlencoded", **bearer
    )

    assert said(answer) == OK
    assert values() == {"IotaWatt/1": [121.4, 121.5], "IotaWatt/3": [-45, 46]}
    told = client.get("/input/get?node=IotaWatt", **bearer).content.decode()
    assert told.count('"time":1780000020,') == 2
    assert "121" not in told


def test_an_encrypted_post_is_refused_with_a_clear_word(client, way, apikey):
    answer = client.post(
        "/input/bulk", "QUJD", content_type="aes128cbc", HTTP_AUTHORIZATION="7:" + "ab" * 32
    )

    assert answer.status_code == 200
    assert json.loads(answer.content)["message"].startswith("Encrypted posts are not read here")


def test_what_a_tasmota_script_sends_is_read(client, way, apikey):
    url = f"/emoncms/input/post?node=plug&apikey={apikey}&json=" + quote('{"Power":12,"Total":3.1}')

    assert said(client.get(url)) == OK
    assert values() == {"plug/Power": [12], "plug/Total": [3.1]}


@pytest.mark.parametrize("key", ["", "0" * 32, "x"])
def test_a_wrong_key_is_told_as_emoncms_tells_it(client, way, db, key):
    answer = client.get("/input/post", {"csv": "1", "apikey": key})

    assert (answer.status_code, answer.content) == (401, b"Invalid API key")
    assert answer["WWW-Authenticate"]


def test_a_key_without_names_of_its_own_is_told_so(client, way, secret):
    answer = client.get("/input/post", {"csv": "1", "apikey": secret})

    assert answer.status_code == 403
    assert "identifiers" in answer.content.decode()


def test_a_key_that_sends_too_often_waits(client, way, apikey):
    keys.Key.objects.update(per_minute=1)
    answers = [client.get("/input/post", {"csv": "1", "apikey": apikey}) for _ in range(3)]

    assert answers[-1].status_code == 503
    assert int(answers[-1]["Retry-After"]) > 0


def decided(way, name, path, unit, *, is_signed=False):
    found = Input.objects.get(name=name)
    point = inputs.points_of(found.lineage)[0]
    inputs.decide(found, point, path, unit, is_signed=is_signed)
    tray.drain(way.gate, int(time.time()))


def test_what_is_accepted_is_stored_and_listed_as_a_feed(client, way, apikey, school):
    client.get(
        "/input/post", {"apikey": apikey, "node": "n", "json": "{p:1.5}", "time": "1780000000"}
    )
    decided(way, "p", POWER, "kW", is_signed=True)
    answer = client.get("/feed/list.json", {"apikey": apikey})

    assert answer["Content-Type"] == "application/json"
    feeds = {feed["unit"]: feed for feed in answer.json()}
    assert [feed["name"] for feed in answer.json()] == ["p", "p"]
    assert feeds["W"]["tag"] == "n"
    assert {feed["value"] for feed in answer.json()} == {None}  # a write key reads nothing

    registry.grant(school)
    shown = {feed["value"] for feed in client.get("/feed/list.json", {"apikey": apikey}).json()}
    assert shown == {"1500", "0"}


def test_a_refused_input_is_still_answered_ok_and_counted(client, way, apikey):
    client.get("/input/post", {"apikey": apikey, "json": "{rssi:-60}"})
    tray.refuse(Input.objects.get())

    assert said(client.get("/input/post", {"apikey": apikey, "json": "{rssi:-61}"})) == OK
    assert (Input.objects.get().state, Input.objects.get().refused) == (State.REFUSED, 1)


def test_what_is_sent_again_is_no_change(client, way, apikey):
    client.get("/input/post", {"apikey": apikey, "json": "{p:1}"})
    decided(way, "p", POWER, "W")
    again = {"apikey": apikey, "json": "{p:2}", "time": str(int(time.time()))}
    for _ in range(3):
        assert said(client.get("/input/post", again)) == OK

    from kevre.flow.models import Arrival

    told = Arrival.objects.get(source="emoncms/post")
    assert (told.kept, told.changed) == (1, 0)
    assert Series.objects.filter(urn__endswith=POWER).count() == 1

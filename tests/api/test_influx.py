"""The write API of InfluxDB: answers of both versions, partial writes, gzip, keys."""

import base64
import gzip
import json
import time

import pytest
from tests import registry

from kevre.flow.models import Input, Quarantined, Waiting
from kevre.rights import key as keys
from kevre.rights.key import MAKER


@pytest.fixture
def token(school):
    point = registry.series(school).point
    return keys.issue("telegraf", [point], prefixes=list(MAKER))[1]


def v1(client, token, body, **query):
    url = f"/write?db=home&u=x&p={token}" + "".join(f"&{n}={v}" for n, v in query.items())
    return client.post(url, body, content_type="text/plain")


def v2(client, token, body, **more):
    headers = {"HTTP_AUTHORIZATION": f"Token {token}"} | more
    return client.post(
        "/api/v2/write?org=o&bucket=b&precision=s", body, content_type="text/plain", **headers
    )


@pytest.mark.parametrize("write", [v1, v2])
def test_what_is_kept_is_answered_without_words(client, way, token, write):
    now_s = int(time.time())
    stamp = now_s if write is v2 else now_s * 10**9
    answer = write(client, token, f"meter,host=a power=612.5,volt=231i {stamp}\n")

    assert (answer.status_code, answer.content) == (204, b"")
    found = {
        row.input.name: (row.at_s, row.mantissa, row.exponent) for row in Waiting.objects.all()
    }
    assert found == {"host=a power": (now_s, 6125, -1), "host=a volt": (now_s, 231, 0)}


def test_a_partial_write_keeps_the_good_lines_and_quarantines_the_others(client, way, token):
    body = "m f=1\nthis is bad\nm g=2\nm h=x\n"
    answer = v1(client, token, body)

    assert answer.status_code == 400
    assert answer.json()["error"] == "partial write: line 2: invalid field format dropped=2"
    assert answer["X-Influxdb-Error"] == answer.json()["error"]
    assert sorted(Input.objects.values_list("name", flat=True)) == ["f", "g"]
    assert list(Quarantined.objects.order_by("line").values_list("line", "raw")) == [
        (2, "this is bad"), (4, "m h=x"),
    ]  # fmt: skip
    assert v2(client, token, "bad").json() == {
        "code": "invalid", "message": "partial write: line 1: missing fields dropped=1",
    }  # fmt: skip


def test_packed_bodies_are_unpacked(client, way, token):
    body = gzip.compress(b"".join(b"m f=%d %d\n" % (n, 1_780_000_000 + n) for n in range(7_000)))
    answer = v2(client, token, body, HTTP_CONTENT_ENCODING="gzip")

    assert answer.status_code == 204
    assert Waiting.objects.count() == 7_000


def test_a_torn_packed_body_is_told_and_what_came_is_kept(client, way, token):
    whole = gzip.compress(
        b"".join(b"m f=%d %d\n" % (n, 1_780_000_000 + n) for n in range(7_000)), 0
    )
    answer = v2(client, token, whole[:-2_000], HTTP_CONTENT_ENCODING="gzip")

    assert (answer.status_code, answer.json()["message"]) == (400, "the packed body is torn")
    assert Waiting.objects.count() == 5_000
    assert v2(client, token, whole, HTTP_CONTENT_ENCODING="gzip").status_code == 204
    assert Waiting.objects.count() == 7_000


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08garbage", b"", b"plain"])
def test_a_damaged_packed_body_is_told(client, way, token, content):
    assert v2(client, token, content, HTTP_CONTENT_ENCODING="gzip").status_code == 400


def test_a_bomb_does_not_go_off(client, way, token):
    bomb = gzip.compress(b"#" * 70_000_000)
    answer = v2(client, token, bomb, HTTP_CONTENT_ENCODING="gzip")

    assert (answer.status_code, answer.json()["code"]) == (413, "request too large")


@pytest.mark.parametrize(
    "headers",
    [
        lambda token: {"HTTP_AUTHORIZATION": f"Token {token}"},
        lambda token: {"HTTP_AUTHORIZATION": f"Token user:{token}"},
        lambda token: {"HTTP_AUTHORIZATION": f"Bearer {token}"},
        lambda token: {
            "HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"user:{token}".encode()).decode()
        },
    ],
)
@pytest.mark.parametrize("path", ["/write", "/api/v2/write"])
def test_a_key_is_found_wherever_clients_put_it(client, way, token, headers, path):
    answer = client.post(path, "m f=1", content_type="text/plain", **headers(token))

    assert answer.status_code == 204


@pytest.mark.parametrize("said", ["", "Token nonsense", "Basic !!!", "Basic " + "w6k=" * 3])
def test_without_a_good_key_nothing_is_kept(client, way, token, said):
    headers = {"HTTP_AUTHORIZATION": said} if said else {}
    first = client.post("/write", "m f=1", content_type="text/plain", **headers)
    second = client.post("/api/v2/write", "m f=1", content_type="text/plain", **headers)

    assert (first.status_code, second.status_code) == (401, 401)
    assert second.json()["code"] == "unauthorized"
    assert Input.objects.count() == 0


def test_a_key_that_sends_too_often_waits(client, way, token):
    keys.Key.objects.update(per_minute=1)
    answers = [v2(client, token, "m f=1") for _ in range(3)]

    assert answers[-1].status_code == 503
    assert int(answers[-1]["Retry-After"]) > 0


def test_another_precision_is_refused(client, way, token):
    assert v1(client, token, "m f=1", precision="d").json() == {"error": "invalid precision"}


def test_what_clients_ask_first_is_answered(client, way, token):
    assert client.get("/ping").status_code == 204
    assert client.get("/health").json()["status"] == "pass"
    made = client.post("/query", {"q": 'CREATE DATABASE "home"'})
    assert json.loads(made.content) == {"results": [{"statement_id": 0}]}
    assert client.get("/query?q=select * from x").status_code == 403
    assert v1(client, token, "").status_code == 204  # Home Assistant tries so whether it may

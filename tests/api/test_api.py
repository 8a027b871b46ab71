import io
import json
from datetime import UTC, datetime

import cbor2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import AsyncClient
from tests import registry

from kevre.places.models import Series
from kevre.rights.models import AccessRecord, Account

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.registry]

NAME = "urn:dev:prm:09876543210123_consumption/power/active/raw"
START_S = 1_784_800_800
PACK = [{"bn": NAME, "bt": START_S, "bu": "W", "bst": 1800, "v": 612}, {"t": 1800, "v": 598.5}]


def send(client, secret, body=None, media_type="application/senml+json"):
    content = (
        body if isinstance(body, bytes) else json.dumps(PACK if body is None else body).encode()
    )
    return client.post(
        "/api/v1/readings",
        content,
        content_type=media_type,
        headers={"Authorization": f"Bearer {secret}"},
    )


def read(accept="application/senml+json", **asked):
    """Read as a server does it: asynchronously, piece by piece."""
    key = Series.objects.get(urn=NAME).pk
    query = {"start": "2026-07-23T00:00:00+00:00", "end": "2026-07-24T00:00:00Z"} | asked

    async def run():
        response = await AsyncClient().get(
            f"/api/v1/series/{key}/readings", query, headers={"accept": accept}
        )
        if not response.streaming:
            return response, response.content
        return response, b"".join([part async for part in response.streaming_content])

    return registry.awaited(run())


def test_readings_come_in_with_a_key_and_go_out_by_a_grant(client, school, secret):
    receipt = send(client, secret).json()
    registry.grant(school)

    response, body = read()

    assert receipt == {"kept": 2, "changed": 2, "same": 0, "faults": 0, "quarantined": []}
    assert response.headers["Content-Type"] == "application/senml+json"
    assert json.loads(body) == PACK


def test_sending_again_changes_nothing(client, secret):
    send(client, secret)

    assert send(client, secret).json()["same"] == 2


def test_cbor_and_xml_are_read_too(client, secret):
    packed = cbor2.dumps([{-2: NAME, -3: START_S, -4: "W", 2: 612, "bst": 1800}])
    xml = f'<sensml xmlns="urn:ietf:params:xml:ns:senml"><senml bn="{NAME}" bt="{START_S}" bu="W" bst="1800" v="700"/></sensml>'

    assert send(client, secret, packed, "application/senml+cbor").json()["kept"] == 1
    assert send(client, secret, xml.encode(), "application/senml+xml").json()["changed"] == 1


def test_the_good_half_of_a_pack_is_kept_and_the_rest_is_told(client, secret):
    body = [*PACK, {"t": 3600, "v": -5}, {"t": 5400, "vs": "high"}, {"n": "x", "t": 0, "v": 1}]

    receipt = send(client, secret, body).json()

    assert receipt["kept"] == 2
    assert receipt["faults"] == 3
    assert {fault["code"] for fault in receipt["quarantined"]} == {
        "reading.bound",
        "senml.not_numeric",
        "senml.kind",
    }
    assert all(fault["hint"] for fault in receipt["quarantined"])


def test_a_key_writes_no_other_point(client, secret):
    other = [PACK[0] | {"bn": NAME.replace("0987", "1234")}]

    receipt = send(client, secret, other).json()

    assert receipt["kept"] == 0
    assert receipt["quarantined"][0]["code"] == "series.not_yours"


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}]
)
def test_without_a_key_nothing_is_written(client, way, header):
    response = client.post(
        "/api/v1/readings", b"[]", content_type="application/senml+json", headers=header
    )

    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "key.refused"
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("body", "media_type", "code"),
    [
        (b"{", "application/senml+json", "senml.json"),
        (b"{}", "application/senml+json", "senml.pack"),
        (b"\xff", "application/senml+cbor", "senml.cbor"),
        (b"<a>", "application/senml+xml", "senml.xml"),
        (b"[]", "text/plain", "request.media_type"),
        (b"[" + b" " * 3_000_000 + b"]", "application/senml+json", "request.too_large"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem_with_its_code(
    client, secret, body, media_type, code
):
    response = send(client, secret, body, media_type)

    assert response.status_code == 422
    assert response.json()["code"] == code


def test_a_key_does_not_read(client, secret):
    send(client, secret)

    async def ask():
        key = (await Series.objects.aget(urn=NAME)).pk
        return await AsyncClient().get(
            f"/api/v1/series/{key}", headers={"Authorization": f"Bearer {secret}"}
        )

    assert registry.awaited(ask()).status_code == 401


def test_without_a_grant_a_series_is_as_absent_as_an_unknown_one(client, secret):
    send(client, secret)
    known = Series.objects.get(urn=NAME).pk

    one, other = client.get(f"/api/v1/series/{known}"), client.get("/api/v1/series/999999")

    assert one.status_code == other.status_code == 404
    assert one.json() == other.json()
    assert client.get("/api/v1/series").json() == {"series": [], "next": None}
    assert client.get("/api/v1/sites").json() == {"sites": [], "next": None}
    assert not AccessRecord.objects.exists()


def test_csv_arrow_and_parquet_hold_the_same_readings(client, school, secret):
    send(client, secret)
    registry.grant(school)

    text = read("text/csv")[1].decode().splitlines()
    arrow = pa.ipc.open_stream(read("application/vnd.apache.arrow.stream")[1]).read_all()
    parquet = pq.read_table(io.BytesIO(read("application/vnd.apache.parquet")[1]))

    assert text[1] == "2026-07-23T10:00:00Z,2026-07-23T12:00:00+02:00,612.0,W,measured,PT30M"
    assert [str(value) for value in arrow.column("value").to_pylist()] == ["612.0", "598.5"]
    assert parquet.to_pylist() == arrow.to_pylist()
    assert arrow.column("start").to_pylist()[0] == datetime(2026, 7, 23, 10, tzinfo=UTC)


def test_an_hour_is_the_mean_of_its_half_hours(client, school, secret):
    send(client, secret)
    registry.grant(school)

    body = json.loads(read(resolution="PT1H")[1])

    assert [(record["v"], record["bst"]) for record in body] == [(605.25, 3600)]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"start": "2026-07-23T00:00:00"}, "time.naive"),
        ({"start": "yesterday"}, "request.parameter"),
        ({"start": "2026-07-25T00:00:00Z"}, "window.backwards"),
        ({"resolution": "PT7M"}, "request.parameter"),
        ({"start": "1990-01-01T00:00:00Z", "resolution": "PT10M"}, "window.too_long"),
    ],
)
def test_a_bad_question_is_answered_with_where_and_how(client, school, secret, asked, code):
    send(client, secret)
    registry.grant(school)

    response, body = read(**asked)

    assert response.status_code == 422
    assert json.loads(body)["code"] == code


def test_a_form_that_is_not_offered_is_named(client, school, secret):
    send(client, secret)
    registry.grant(school)

    response, body = read("image/png")

    assert response.status_code == 422
    assert "text/csv" in json.loads(body)["hint"]


def test_an_owner_reads_by_session_and_the_log_names_the_account(client, school, secret):
    send(client, secret)
    operator = Account.objects.create_superuser("op@example.org", "a-long-password")
    client.force_login(operator)
    key = Series.objects.get(urn=NAME).pk

    assert client.get(f"/api/v1/series/{key}").json()["urn"] == NAME
    assert client.get("/api/v1/sites").json()["sites"][0]["slug"] == "school"


def test_lists_come_in_pages(client, way):
    for name in ("a", "b", "c"):
        registry.grant(registry.site(name))

    first = client.get("/api/v1/sites?limit=2").json()
    second = client.get(f"/api/v1/sites?limit=2&after={first['next']}").json()

    assert [site["slug"] for site in first["sites"]] == ["a", "b"]
    assert [site["slug"] for site in second["sites"]] == ["c"]
    assert second["next"] is None


def test_the_api_describes_itself(client, db):
    described = client.get("/api/v1/openapi.json").json()

    assert set(described["paths"]) == {
        "/api/v1/readings",
        "/api/v1/sites",
        "/api/v1/sites/{slug}",
        "/api/v1/series",
        "/api/v1/series/{key}",
        "/api/v1/series/{key}/readings",
        "/api/v1/grants",
        "/api/v1/grants/{key}",
        "/api/v1/grants/{key}/renounce",
        "/api/v1/accesses",
        "/api/v1/applications",
        "/api/v1/applications/{key}",
        "/api/v1/applications/{key}/uses",
        "/api/v1/who",
    }

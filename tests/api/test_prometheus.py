"""Remote write of Prometheus: what is kept, and which status makes it send again."""

import pytest
from tests import registry
from tests.formats import prometheus

from kevre.flow.models import Quarantined, Waiting
from kevre.rights import key as keys
from kevre.rights.key import MAKER

AT_MS = 1_780_000_000_000


@pytest.fixture
def token(school):
    point = registry.series(school).point
    return keys.issue("prometheus", [point], prefixes=list(MAKER))[1]


def write(client, token, body, **more):
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Encoding": "snappy",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    } | more
    return client.post(
        "/api/prometheus/write", body, content_type="application/x-protobuf", headers=headers
    )


def test_samples_are_kept(client, way, token):
    answer = write(
        client, token, prometheus.request(("power_watts", [(AT_MS, 5.5), (AT_MS + 999, 6)]))
    )

    assert (answer.status_code, answer.content) == (204, b"")
    found = Waiting.objects.get()
    assert (found.at_s, found.mantissa) == (1_780_000_000, 6)
    assert found.input.proposal.path.startswith("consumption/power/active/instant")


def test_a_bad_sample_beside_a_good_one_is_quarantined_and_told(client, way, token):
    body = prometheus.request(("a", [(AT_MS, 5.0)]), ("b", [(AT_MS, float("inf"))]))
    answer = write(client, token, body)

    assert answer.status_code == 400
    assert answer.content.decode().startswith("1 not kept, the first: 'Infinity'")
    assert (Waiting.objects.count(), Quarantined.objects.get().line) == (1, 2)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Authorization": "Bearer nobody"}, b"", 401),
        ({"Content-Encoding": "gzip"}, b"", 415),
        ({"X-Prometheus-Remote-Write-Version": "2.0.0"}, b"", 415),
        ({}, b"damaged", 400),
    ],
)
def test_what_cannot_be_taken_is_given_up(client, way, token, headers, body, status):
    answer = write(client, token, body, **headers)

    assert answer.status_code == status
    assert Waiting.objects.count() == 0


def test_a_key_that_sends_too_often_sends_again_later(client, way, token):
    keys.Key.objects.update(per_minute=1)
    body = prometheus.request(("a", [(AT_MS, 5.0)]))
    answers = [write(client, token, body) for _ in range(3)]

    assert answers[-1].status_code == 503
    assert int(answers[-1]["Retry-After"]) > 0

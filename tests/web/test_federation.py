"""The page of the federation: everybody sees the nodes, operators what flows."""

from datetime import UTC, datetime

import pytest

from kevre.federate import identity, peer
from kevre.federate.description import Description, Neighbour
from kevre.federate.models import Feed
from kevre.federate.provenance import learn
from kevre.flow.models import Subscription
from kevre.rights.models import Account

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
SELECTOR = "urn:dev:prm:09876543210123"


@pytest.fixture
def vannes(tmp_path):
    own = identity.hold(tmp_path).public
    met = peer.meet(Description("Vannes", "https://vannes.example", own, "1.2"), NOW)
    peer.trust(met, own.fingerprint, NOW)
    Feed.objects.create(
        peer=met, handle="h", selector=SELECTOR, readings=1_000, bytes_received=1_600,
        error="the peer does not answer",
    )  # fmt: skip
    Subscription.objects.create(party=met.party, selector="site:ecole")
    other = identity.hold(tmp_path / "other").public
    learn(met, [Neighbour("Brest", "https://brest.example", other)], NOW)
    return met


def test_a_guest_sees_the_nodes_and_not_what_flows(client, vannes):
    page = client.get("/en/federation/").content.decode()

    assert "Vannes" in page
    assert "https://vannes.example" in page
    assert SELECTOR not in page
    assert "Brest" not in page


def test_a_node_that_is_not_trusted_is_the_operators_matter(client, vannes):
    peer.Peer.objects.update(trusted_at=None)

    assert "Vannes" not in client.get("/en/federation/").content.decode()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["trusted", "1,000 readings, 1.6 bytes each", "0 windows wait", "from there"]),
        ("fr", ["de confiance", "1,6 octets chacun", "0 fenêtre", "venant de là"]),
        ("br", ["fiziet", "Kevread"]),
    ],
)
def test_an_operator_sees_what_flows_and_what_stopped(client, vannes, language, words):
    client.force_login(Account.objects.create_superuser("operator@example.org", "x"))

    page = client.get(f"/{language}/federation/").content.decode()

    assert [one for one in (*words, SELECTOR, "site:ecole", "Brest") if one not in page] == []
    assert "the peer does not answer" in page
    assert "<script" not in page

from array import array
from datetime import UTC, datetime

import pytest
from tests import registry

from kevre.federate import identity, peer
from kevre.federate.description import Description
from kevre.flow.way import Way
from kevre.model import identifier
from kevre.model.batch import Batch, Column
from kevre.store import Store

# A Friday noon in summer time.
NOW_S = 1_784_887_200
NOW = datetime.fromtimestamp(NOW_S, UTC)
DAY_S = 86_400
POWER = "urn:dev:prm:09876543210123_consumption/power/active/raw"


@pytest.fixture
def way(tmp_path):
    with Store(tmp_path / "readings.duckdb", memory_mb=128) as store:
        yield Way.over(store)


@pytest.fixture
def own(tmp_path):
    return identity.hold(tmp_path / "own")


@pytest.fixture
def stranger(tmp_path):
    """The identity of another node."""
    return identity.hold(tmp_path / "stranger")


@pytest.fixture
def neighbour(db, stranger):
    """A trusted peer, which holds the key of `stranger`."""
    described = Description("Vannes", "https://vannes.example", stranger.public, "1")
    met = peer.meet(described, NOW)
    peer.trust(met, met.identity.fingerprint, NOW)
    return peer.named(met.slug)


def column(values, *, urn=POWER, start_s=NOW_S - DAY_S, step_s=1800, exponent=0, quality=0):
    count = len(values)
    return Column(
        urn,
        identifier.parse(urn).kind,
        exponent,
        array("q", (start_s + (step_s or 10) * place for place in range(count))),
        array("i", [step_s] * count),
        array("q", values),
        array("B", [quality] * count),
    )


def batch(*columns, key="k1"):
    return Batch("test", key, tuple(columns))


def grant(place, party, **changed):
    return registry.grant(place, audience="party", party=party, **changed)

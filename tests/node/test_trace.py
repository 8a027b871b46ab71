"""The life of a reading on two real nodes, as their operators see it."""

import re
import time

import pytest
from tests.federate.nodes import (
    NEW_YEAR_S,
    POINT,
    POWER,
    Node,
    acquaint,
    furnish,
    grant,
    half_hours,
    post,
    slug,
)
from tests.federate.test_federation import received, wait_for

MORNING = "2026-01-01T09:10:00+01:00"


@pytest.fixture
def two(tmp_path):
    made = [Node(tmp_path / name, name.title()).init() for name in ("lender", "receiver")]
    yield made
    for one in made:
        one.kill()


def test_a_reading_tells_where_it_came_from_and_that_nobody_changed_it(two):
    lender, receiver = two
    key = furnish(lender)
    lender.serve()
    receiver.serve()
    post(lender, key, half_hours(48 * 2))
    time.sleep(1.1)  # what was known is told by the second
    post(lender, key, half_hours(1, NEW_YEAR_S + 16 * 1800, first=7_777))
    acquaint(lender, receiver)
    grant(lender, receiver)
    receiver.run("peer", "subscribe", slug(lender), POINT)
    wait_for(lambda: received(receiver) >= 48 * 2)

    here = lender.run("trace", POWER, MORNING).stdout
    there = receiver.run("trace", POWER, MORNING).stdout

    assert "the reading that starts 2026-01-01T08:00:00+00:00" in here
    values = re.findall(r": (\d+) W over 1800 s, measured", here)
    assert values == ["116", "7777", "7777"]
    assert re.search("lent to Receiver: (was committed there|is not acknowledged yet)", here)
    assert "read by Receiver for federation, raw, by grant" in here
    assert "first stored here" in here
    assert re.search(r"sealed by Lender \(.{8}…\) with \d+ readings .*: unchanged", there)
    assert f"from peer:{slug(lender)}" in there

    receiver.kill()
    tamper(receiver)
    told = receiver.run("trace", POWER, MORNING).stdout
    assert "but: these readings are not those that were sealed" in told


def tamper(node):
    """Change a value in the store past every gate, as an intruder on the machine would."""
    node.python(f"""
from array import array
from kevre.model import identifier
from kevre.model.batch import Column
from kevre.places.models import Series
from kevre.store import Store
kind = identifier.parse("{POWER}").kind
forged = Column("{POWER}", kind, 0, array("q", [{NEW_YEAR_S}]), array("i", [1800]),
                array("q", [5]), array("B", [0]))
with Store(config.readings) as store:
    store.write([(Series.objects.get().pk, forged)], batch="forged", now_s={NEW_YEAR_S})
""")


def test_what_is_not_there_is_told(two):
    lender, _ = two
    furnish(lender)

    told = lender.run("trace", POWER, MORNING, check=False)
    assert (told.returncode, "no such series" in told.stderr) == (4, True)
    told = lender.run("trace", "urn:x", MORNING, check=False)
    assert told.returncode == 2

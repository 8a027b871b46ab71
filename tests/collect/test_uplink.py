"""The way to the node, and the patience of the delivery, against a node that misbehaves."""

import logging
import random
import threading
import time

import pytest

from kevre.collect.delivery import Backoff, Delivery
from kevre.collect.spool import Spool
from kevre.collect.uplink import Uplink
from kevre.model.errors import KevreError, Malformed, Refused, Unavailable
from kevre.model.reading import Reading

POWER = "urn:dev:prm:09876543210123_consumption/power/apparent/instant"


@pytest.fixture
def uplink(node, key):
    made = Uplink(node.address, key, timeout_s=2)
    yield made
    made.close()


@pytest.fixture
def spool(tmp_path):
    with Spool(tmp_path / "collect.sqlite") as made:
        yield made


@pytest.fixture
def delivering(spool, uplink, hasty, clock):
    """Start deliveries of the spool; they end with the test."""
    delivery = Delivery(spool, uplink, clock=clock, backoff=hasty, parcel_readings=7)
    thread = threading.Thread(target=delivery.run)
    thread.start()
    yield delivery
    delivery.stop()
    thread.join(5)
    assert not thread.is_alive()


def fill(spool, values, start_s=1_800_000_000):
    spool.append((POWER, Reading(start_s + i, 0, (v, 0))) for i, v in enumerate(values))


def wait_until(is_so, timeout_s=8):
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_readings_arrive_exactly_and_the_connection_is_kept(node, uplink, column):
    for start_s in (1_800_000_000, 1_800_000_100):
        receipt = uplink.send([column([5, 6, 7], start_s)])
        assert receipt.quarantined == 0

    assert node.readings[POWER, 1_800_000_101] == 6
    assert node.connections == 1


def test_a_connection_the_node_closed_meanwhile_is_replaced(node, uplink, column):
    uplink.send([column([1])])
    node.script.append("cut after")

    uplink.send([column([2], 1_800_000_001)])

    assert node.repeated == 1
    assert node.connections == 2


@pytest.mark.parametrize(
    ("act", "family", "code"),
    [
        (503, Unavailable, "uplink.not_now"),
        (429, Unavailable, "uplink.not_now"),
        (500, Unavailable, "uplink.not_now"),
        (401, Refused, "uplink.refused"),
        (403, Refused, "uplink.refused"),
        (404, Refused, "uplink.wrong_place"),
        (302, Refused, "uplink.wrong_place"),
        (400, Malformed, "uplink.not_accepted"),
        (422, Malformed, "uplink.not_accepted"),
        ("portal", Unavailable, "uplink.no_receipt"),
        ("cut before", Unavailable, "uplink.unreachable"),
    ],
)
def test_each_answer_says_what_to_do(node, uplink, column, act, family, code):
    node.script.append(act)

    with pytest.raises(family) as told:
        uplink.send([column([1])])
    assert told.value.code == code


def test_no_node_at_all_is_unavailable(key, column):
    uplink = Uplink("http://127.0.0.1:1", key)
    with pytest.raises(Unavailable):
        uplink.send([column([1])])


@pytest.mark.parametrize(
    ("node", "key", "code"),
    [
        ("ftp://kevre.example", "k", "uplink.address"),
        ("https://", "k", "uplink.address"),
        ("https://me:secret@kevre.example", "k", "uplink.address"),
        ("https://kevre.example:port", "k", "uplink.address"),
        ("http://kevre.example", "k", "uplink.plain"),
        ("https://kevre.example", "", "key.malformed"),
        ("https://kevre.example", "k\r\nX-Other: 1", "key.malformed"),
    ],
)
def test_an_address_or_key_that_cannot_be_right_is_refused_at_once(node, key, code):
    with pytest.raises(KevreError) as told:
        Uplink(node, key)
    assert told.value.code == code


def test_plain_http_beyond_this_machine_must_be_allowed(key):
    Uplink("http://kevre.lan", key, plain_http=True).close()


def test_through_cuts_and_refusals_every_reading_arrives_once(node, spool, delivering):
    chance = random.Random(7)
    acts = ["well", "cut before", "cut after", 503, 429, 500, "portal", 401, 404]
    node.script.extend(chance.choice(acts) for _ in range(60))
    for value in range(200):
        fill(spool, [value], 1_800_000_000 + value)
        delivering.ring()

    wait_until(lambda: spool.state().waiting == 0)

    assert node.readings == {(POWER, 1_800_000_000 + v): v for v in range(200)}
    assert node.overwritten == 0
    assert spool.state().tallies["sent"] == 200


def test_a_poisoned_parcel_is_set_aside_and_the_rest_passes(node, spool, delivering):
    node.poison = 10
    fill(spool, range(30))
    delivering.ring()

    wait_until(lambda: spool.state().waiting == 0)

    state = spool.state()
    assert state.set_aside == state.tallies["refused"] == 7
    assert len(node.readings) + state.set_aside == 30
    assert state.notes["problem"][0].startswith("uplink.not_accepted")


def test_what_the_node_quarantines_is_counted_and_leaves_the_spool(node, spool, delivering):
    node.doubted = 3
    fill(spool, [3, 3, 3, 4, 3, 5])
    delivering.ring()

    wait_until(lambda: spool.state().waiting == 0)
    wait_until(lambda: "quarantined" in spool.state().notes)

    assert spool.state().tallies["quarantined"] == 4
    assert spool.state().notes["quarantined"][0] == "value.out_of_range"
    assert sorted(node.readings.values()) == [4, 5]


def test_neither_key_nor_meter_number_is_logged(node, spool, delivering, key, caplog):
    caplog.set_level(logging.DEBUG)
    node.script.extend([503, 401, 422, "portal", "cut before"])
    fill(spool, range(30))
    delivering.ring()
    wait_until(lambda: spool.state().waiting == 0)

    fields = " ".join(str(vars(record)) for record in caplog.records)
    assert "uplink.refused" in fields
    assert key not in fields
    assert "09876543210123" not in fields


def test_waits_grow_to_a_limit_and_are_jittered():
    calm = Backoff(first_s=1, limit_s=60, jitter=lambda: 1.0)
    assert [calm.next_s() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    calm.reset()
    assert calm.next_s() == 1
    assert calm.next_s(at_least_s=30) == 30
    assert calm.next_s(at_least_s=1e9) == 60
    assert Backoff(first_s=1, jitter=lambda: 0.0).next_s() == 0.5

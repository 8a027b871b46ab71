"""Two real nodes over real HTTP."""

import time

import pytest
from tests.federate import nodes
from tests.federate.nodes import NEW_YEAR_S, POINT, POWER, Node


@pytest.fixture
def two(tmp_path):
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        made.append(Node(tmp_path / name, name).init())
    yield made
    for one in made:
        one.kill()


def wait_for(check, seconds=60):
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.3)


def received(node):
    code = (
        "from kevre.federate.models import Feed; print(sum(f.readings for f in Feed.objects.all()))"
    )
    return int(node.python(code))


def test_a_node_receives_history_then_live_through_kills_of_both(two):
    lender, receiver = two
    key = nodes.furnish(lender)
    receiver.run("user", "operator@example.org", "--operator")
    lender.serve()
    receiver.serve()
    nodes.post(lender, key, nodes.half_hours(48 * 20))
    nodes.acquaint(lender, receiver)

    refused = receiver.run("peer", "subscribe", nodes.slug(lender), POINT, check=False)
    assert refused.returncode == 3
    nodes.grant(lender, receiver)
    receiver.run("peer", "subscribe", nodes.slug(lender), POINT)
    wait_for(lambda: received(receiver) >= 48 * 20)

    lender.kill()
    lender.serve()
    nodes.post(lender, key, nodes.half_hours(48, NEW_YEAR_S + 20 * 86_400))
    receiver.kill()
    nodes.post(lender, key, nodes.half_hours(48, NEW_YEAR_S + 21 * 86_400, first=5))
    nodes.post(lender, key, nodes.half_hours(1, NEW_YEAR_S, first=7_777))
    receiver.serve()
    wait_for(lambda: received(receiver) >= 48 * 22 + 1)
    lent, taken = nodes.agreed(two, 60)

    assert taken == lent
    assert lent[POWER][0] == 48 * 22


def test_without_trust_nothing_is_told(two):
    lender, receiver = two
    nodes.furnish(lender)
    lender.serve()
    receiver.run("peer", "add", lender.url)

    refused = receiver.run("peer", "series", nodes.slug(lender), check=False)

    assert refused.returncode == 3
    assert "not signed by a node that is trusted here" in refused.stderr.replace("\n", " ")


def test_a_grant_that_is_withdrawn_reaches_the_copy_and_is_acknowledged(two):
    lender, receiver = two
    key = nodes.furnish(lender)
    receiver.run("user", "operator@example.org", "--operator")
    lender.serve()
    receiver.serve()
    nodes.post(lender, key, nodes.half_hours(48 * 3))
    nodes.acquaint(lender, receiver)
    nodes.grant(lender, receiver, onward=False)
    receiver.run("peer", "subscribe", nodes.slug(lender), POINT)
    wait_for(lambda: received(receiver) >= 48 * 3)
    assert bound(receiver) == "[(False, None)]"

    lender.python("""
from django.utils import timezone
from kevre.rights.models import Grant
Grant.objects.update(withdrawn_at=timezone.now())
""")
    receipts = """
import time
from kevre.flow.models import Notice
until = time.monotonic() + 60
while (one := Notice.objects.order_by("pk").last()).receipt_at is None or one.word == "terms":
    assert time.monotonic() < until
    time.sleep(0.2)
print(f"{(one.receipt_at - one.made_at).total_seconds():.1f} s:", one.word, one.receipt)
"""
    told = lender.python(receipts)

    assert told.endswith("s: withdrawn ended; 144 readings erased")
    assert "datetime" in bound(receiver)
    receiver.kill()
    assert receiver.series() == {POWER: (0, 0.0)}


def bound(node):
    code = (
        "from kevre.rights.models import HeldTerms;"
        'print(list(HeldTerms.objects.values_list("onward", "ended_at")))'
    )
    return node.python(code)


def test_a_receiver_whose_disk_is_full_goes_on_and_catches_up(two):
    lender, receiver = two
    key = nodes.furnish(lender)
    receiver.run("user", "operator@example.org", "--operator")
    lender.serve()
    receiver.serve()
    nodes.acquaint(lender, receiver)
    nodes.grant(lender, receiver)
    receiver.run("peer", "subscribe", nodes.slug(lender), POINT)
    receiver.kill()
    for day in range(0, 360 * 3, 60):
        nodes.post(lender, key, nodes.half_hours(48 * 60, NEW_YEAR_S - day * 86_400, first=day))

    # More than the registry has, less than its log needs while the readings come: what cannot
    # be written there cannot be told there either.
    room = max(one.stat().st_size for one in receiver.home.iterdir() if one.is_file())
    receiver.serve(largest_file=room + 40_000)
    wait_for(lambda: "disk" in (receiver.home / "log").read_text())
    time.sleep(3)
    assert receiver.process.poll() is None
    assert receiver._answers()
    receiver.kill()

    receiver.serve()
    lent, taken = nodes.agreed(two, 60)
    assert taken == lent
    assert lent[POWER][0] == 48 * 360 * 3

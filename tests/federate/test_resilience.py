"""Three real nodes in a chain, a bad link between each two, and no mercy.

The short form runs in the suite; `make soak-federation` runs the long one.
"""

import os
import random
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack

import pytest
from tests.federate import nodes
from tests.federate.nodes import NEW_YEAR_S, POINT, POWER, Node
from tests.proxy import Proxy, Trouble

SECONDS = int(os.environ.get("KEVRE_SOAK_S", "20"))
RATE = int(os.environ.get("KEVRE_SOAK_RATE", "1000"))
HEALING_S = 60
STEP_S = 1


class Producer(threading.Thread):
    """Sends readings to a node until told to stop; counts what was acknowledged."""

    def __init__(self, node, key):
        super().__init__(daemon=True)
        self.node, self.key = node, key
        self.acknowledged = 0
        self.refusals = 0
        self.stop = threading.Event()

    def run(self):
        while not self.stop.is_set():
            began = time.monotonic()
            first = self.acknowledged
            pack = [
                (
                    {"bn": POWER.replace("raw", "instant"), "bt": NEW_YEAR_S, "bu": "W"}
                    if not place
                    else {}
                )
                | {"t": first + place, "v": first + place}
                for place in range(RATE)
            ]
            try:
                nodes.post(self.node, self.key, pack)
            except OSError:
                self.refusals += 1
                time.sleep(0.2)
                continue
            self.acknowledged += RATE
            self.stop.wait(max(0.0, 1.0 - (time.monotonic() - began)))


@pytest.fixture
def chain(tmp_path):
    """Nodes A, B, C; each reached by the next one over a link of its own, that can be bad."""
    made, troubles = [], []
    with ExitStack() as stack:
        for seed, name in enumerate("abc"):
            (tmp_path / name).mkdir()
            node = Node(tmp_path / name, name)
            trouble = Trouble(seed, share=0.05)
            link = stack.enter_context(Proxy(node.port, trouble))
            made.append(node.init(f"http://127.0.0.1:{link.port}"))
            troubles.append(trouble)
        yield made, troubles
        for node in made:
            node.kill()


def lend(lender, receiver):
    nodes.acquaint(lender, receiver)
    nodes.grant(lender, receiver)
    receiver.run("peer", "subscribe", nodes.slug(lender), POINT, "--site", "school")


def spoil(made, troubles, until):
    """Kill nodes and spoil links at random, then heal everything; count the kills."""
    dice = random.Random(7)
    kills = 0
    while time.monotonic() < until:
        time.sleep(dice.uniform(0.5, 2.0))
        if dice.random() < 0.4:
            victim = dice.choice(made)
            victim.kill()
            kills += 1
            victim.serve()
        else:
            dice.choice(troubles).is_on = dice.random() < 0.7
    for trouble in troubles:
        trouble.is_on = False
    return kills


def test_nothing_is_lost_and_nothing_comes_twice(chain):
    made, troubles = chain
    a, b, c = made
    key = nodes.furnish(a)
    nodes.furnish(b)
    nodes.furnish(c)
    for node in made:
        node.serve()
    lend(a, b)
    lend(b, c)
    producer = Producer(a, key)
    producer.start()

    kills = spoil(made, troubles, time.monotonic() + SECONDS)
    producer.stop.set()
    producer.join()
    healed = time.monotonic()
    instant = POWER.replace("raw", "instant")
    found = [held[instant] for held in nodes.agreed(made, HEALING_S)]
    took_s = time.monotonic() - healed
    expected = producer.acknowledged
    total = expected * (expected - 1) / 2
    met = sum((Counter(trouble.met) for trouble in troubles), Counter())
    sys.stdout.write(
        f"\n{expected} readings acknowledged, {producer.refusals} refused, {kills} kills, "
        f"{dict(met)}, equal after {took_s:.0f} s\n"
    )
    assert found == [(expected, total)] * 3
    assert kills > 0

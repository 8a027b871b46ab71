"""A soak: everything fails at random, and every reading is in the store exactly once.

An agent with eight series sends over TLS to a real node, through a proxy that cuts, delays,
damages and half-closes. Agent and node are killed, the machine's clock is moved, boots end.
`make soak-collect` runs it for long (SECONDS_OF_SOAK=…).
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter

import pytest
from tests.collect.soak_agent import PATHS, POINT
from tests.proxy import Proxy, Trouble, certified
from tests.served import ServedNode

from kevre.collect.pair import pair
from kevre.collect.spool import Spool

SECONDS = float(os.environ.get("KEVRE_SOAK_S", "25"))
SEED = int(os.environ.get("KEVRE_SOAK_SEED", "1"))
_PAUSE_S = 1.1  # no machine starts within the second: two readings of one second are one
_READ = """
import json, django
django.setup()
from datetime import UTC, datetime
from kevre.node import config, wire
from kevre.model.window import Window
from kevre.places.models import Series
from kevre.rights.gate import Reader
from kevre.rights.models import Account
now = datetime.now(UTC)
reader = Reader(Account.objects.create_superuser("soak@example.org", "x"))
window = Window(datetime(2020, 1, 1, tzinfo=UTC), datetime(2037, 1, 1, tzinfo=UTC))
found = {}
with wire.opened(config.load()) as way:
    for one in Series.objects.all():
        rows = found[one.path] = []
        for block in way.door.blocks(reader, one, window, purpose="soak", now=now):
            rows += zip(block.start_s.tolist(), block.values.tolist(), block.quality.tolist())
print(json.dumps(found))
"""


class Soak:
    """The world of the soak: its agent, node and clock, and what befalls them."""

    def __init__(self, folder, node, address, key, trusted):
        self.folder, self.node = folder, node
        self.command = [
            sys.executable, "-m", "tests.collect.soak_agent", str(folder), address, key, str(trusted),
        ]  # fmt: skip
        self.chance = random.Random(SEED)
        self.met, self.due = Counter(), []
        self.boot, self.agent = 1, None
        self.turn(0.0)

    def turn(self, off_s):
        new = self.folder / "world.new"
        new.write_text(json.dumps({"off_s": off_s, "boot": f"b{self.boot}"}))
        new.replace(self.folder / "world.json")

    def start(self):
        with (self.folder / "agent.log").open("ab") as log:
            self.agent = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=log, stderr=log
            )

    def kill_agent(self):
        self.agent.kill()
        self.agent.wait()
        self.agent.stdin.close()
        time.sleep(_PAUSE_S)
        self.start()

    def kill_node(self):
        self.node.kill()
        time.sleep(self.chance.random())
        self.node.start()

    def move_clock(self):
        self.turn(self.chance.uniform(-(10**8), 10**8))

    def reboot(self):
        self.agent.kill()
        self.agent.wait()
        self.agent.stdin.close()
        self.boot += 1
        self.turn(self.chance.uniform(-(10**8), 0))
        time.sleep(_PAUSE_S)
        self.start()

    def befall(self):
        if not self.due:
            self.due = ["kill_agent", "kill_node", "move_clock", "reboot"]
            self.chance.shuffle(self.due)
        act = self.due.pop()
        self.met[act] += 1
        getattr(self, act)()

    def stop(self):
        self.agent.stdin.close()
        assert self.agent.wait(30) == 0, (self.folder / "agent.log").read_text()[-2_000:]


def handed_over(folder):
    """What each series' device handed over: number to true time."""
    found = {}
    for n, path in enumerate(PATHS):
        lines = (folder / f"{n}.journal").read_text().split("\n")
        pairs = (line.split() for line in lines if line)
        found[path] = {int(number): float(at_s) for number, at_s in pairs}
    return found


def endure(soak, trouble):
    """Let everything fail for a while, then let it be well until little waits."""
    soak.start()
    trouble.is_on = True
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(soak.chance.uniform(0.5, 4))
        soak.befall()
    trouble.is_on = False
    until = time.monotonic() + 60
    with Spool(soak.folder / "collect.sqlite") as spool:
        while spool.state().waiting > 16:
            assert time.monotonic() < until, spool.state()
            time.sleep(0.2)
    soak.stop()


def compared(stored, handed, waiting):
    """Which readings are lost, which are there twice, and which at another time."""
    lost, twice, off = [], [], []
    for path, numbers in handed.items():
        rows = stored.get(path, [])
        seen = Counter(int(value) for _, value, _ in rows)
        lost += [(path, n) for n in numbers if not seen[n] and (path, n) not in waiting]
        twice += [(path, n) for n, times in seen.items() if times > 1]
        sure = {int(value): at_s for at_s, value, quality in rows if quality == 0}
        strays = {n: sure[n] - at_s for n, at_s in numbers.items() if n in sure}
        off += [(path, n, by_s) for n, by_s in strays.items() if not -3 <= by_s <= 3]
    return lost, twice, off


@pytest.mark.slow
def test_whatever_fails_every_reading_is_in_the_store_exactly_once(tmp_path, capsys):
    (tmp_path / "node").mkdir()
    node, trouble = ServedNode(tmp_path / "node"), Trouble(SEED)
    code = node.init(POINT)
    context, trusted = certified(tmp_path)
    with node, Proxy(node.port, context=context) as clear, Proxy(clear.port, trouble) as line:
        address = f"https://localhost:{line.port}"
        soak = Soak(tmp_path, node, address, pair(code, address, trust=str(trusted)).key, trusted)
        endure(soak, trouble)

    stored = json.loads(node.run(sys.executable, "-c", _READ).splitlines()[-1])
    with Spool(tmp_path / "collect.sqlite") as spool:
        state, held = spool.state(), spool.pending(1_000_000)
    waiting = {
        (column.series.partition("_")[2], value)
        for column in (held.columns if held else ())
        for value in column.value
    }
    handed = handed_over(tmp_path)
    found = compared(stored, handed, waiting)
    with capsys.disabled():
        sys.stdout.write(
            f"\nsoak of {SECONDS:.0f} s: {sum(map(len, handed.values()))} readings handed over; "
            f"lost, twice, misplaced: {[*map(len, found)]}; {dict(soak.met)}; "
            f"line: {trouble.met}; {state.tallies}\n"
        )

    assert found == ([], [], [])
    assert sum(map(len, handed.values())) > 100
    # What was appended is stored or waits, also what no journal told of before a kill.
    assert not set(state.tallies) & {"thinned", "dropped", "replaced", "refused", "quarantined"}
    assert state.tallies["appended"] == sum(map(len, stored.values())) + state.waiting
    assert set(soak.met) == {"kill_agent", "kill_node", "move_clock", "reboot"}

"""The agent of the soak: eight made-up devices that write down what they handed over.

Arguments: folder, node, key, certificate. The folder holds `world.json`: how far the machine's
clock is off, and the name of this boot.
"""

import json
import sys
import threading
import time
from pathlib import Path

from kevre.collect.agent import Agent
from kevre.collect.clock import Clock, Machine
from kevre.collect.delivery import Backoff, Delivery
from kevre.collect.driver import Board, Sample
from kevre.collect.equipment import Device
from kevre.collect.sampler import Pace
from kevre.collect.spool import Spool
from kevre.collect.uplink import Uplink

PATHS = [f"consumption/power/active/instant/l{n}" for n in range(1, 9)]
POINT = "urn:dev:prm:09876543210123"


class Counting:
    """Gives the next number; writes down the one before, for it was handed over by then."""

    listens = False

    def __init__(self, path, journal):
        self.path, self.journal, self.last = path, journal, None
        # A kill may lose the line of the last: each start counts from a thousand of its own.
        starts = journal.with_suffix(".starts")
        with starts.open("a") as file:
            file.write(".")
        self.next = 1_000 * starts.stat().st_size

    def open(self):
        pass

    def close(self):
        pass

    def counts(self):
        return {}

    def read(self):
        if self.last is not None:
            with self.journal.open("a") as file:
                file.write(f"{self.last[0]} {self.last[1]}\n")
        self.last = (self.next, time.time())
        self.next += 1
        return [Sample(self.path, (self.last[0], 0))]


def main():
    folder = Path(sys.argv[1])

    def world(name):
        return json.loads((folder / "world.json").read_text())[name]

    machine = Machine(
        lambda: time.time() + world("off_s"),
        lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        lambda: False,
        world("boot"),
    )
    with Spool(folder / "collect.sqlite") as spool:
        last_s, known = spool.timeline(machine.boot)
        clock = Clock(
            machine,
            last_s=last_s,
            known=known,
            on_shift=lambda by_s, boot: spool.set_time(boot, by_s, int(clock()) + by_s),
        )
        spool.keep_boot(clock.boot)
        devices = [
            Device(f"d{n}", "test", POINT, Pace(1, 1), Counting(path, folder / f"{n}.journal"))
            for n, path in enumerate(PATHS)
        ]
        uplink = Uplink(sys.argv[2], sys.argv[3], trust=sys.argv[4], timeout_s=3)
        delivery = Delivery(spool, uplink, clock=clock, backoff=Backoff(0.05, 0.5), gather_s=0.3)
        agent = Agent(devices, Board(), spool, delivery, clock=clock)
        threading.Thread(target=lambda: sys.stdin.read() or agent.stop(), daemon=True).start()
        agent.run()


if __name__ == "__main__":
    main()

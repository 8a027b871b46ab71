"""Real nodes for tests: homes of their own, served by `kevre serve`, spoken to over HTTP."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from itertools import pairwise
from pathlib import Path

KEVRE = Path(sys.executable).parent / "kevre"
PRM = "09876543210123"
POINT = f"urn:dev:prm:{PRM}"
POWER = f"{POINT}_consumption/power/active/raw"
NEW_YEAR_S = 1_767_225_600


class Node:
    """One node: `run` is its command line, `python` runs code in its registry."""

    def __init__(self, home, title, host="127.0.0.1"):
        self.home, self.title, self.host = home, title, host
        self.port = any_port(host)
        self.url = f"http://{host}:{self.port}"
        self.local = self.url
        self.process = None
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KEVRE_")}
        kept.pop("DJANGO_SETTINGS_MODULE", None)
        self.environment = kept | {"KEVRE_HOME": str(home)}

    def init(self, url=""):
        """Set it up, reached at another address than its own where one is given."""
        self.local, self.url = self.url, url or self.url
        self.run("init", "--title", self.title, "--base-url", self.url)
        return self

    def run(self, *words, check=True):
        done = subprocess.run(
            [KEVRE, *map(str, words)],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert not check or done.returncode == 0, done.stderr[-2_000:] + done.stdout[-500:]
        return done

    def python(self, code):
        prelude = "from kevre.node import start; config = start.ready()\n"
        done = subprocess.run(
            [sys.executable, "-c", prelude + code],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr[-2_000:]
        return done.stdout.strip()

    def serve(self, *, largest_file=None):
        """Serve it; `largest_file` [B] makes its disk full for every file beyond that size."""

        limit = "unlimited" if largest_file is None else largest_file // 1024
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "bash",
                    "-c",
                    f'ulimit -f {limit}; exec "$@"',
                    "bash",
                    KEVRE,
                    "serve",
                    "--host",
                    self.host,
                    "--port",
                    str(self.port),
                ],
                env=self.environment,
                stderr=log,
            )
        until = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, (self.home / "log").read_text()[-2_000:]
            assert time.monotonic() < until
            time.sleep(0.1)
        return self

    def kill(self, number=signal.SIGKILL):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(timeout=60)
            self.process = None

    def series(self):
        """The readings of every series: {urn: (count, sum of the values)}; not while served."""
        code = """
from kevre.node import wire
from kevre.places.models import Series
from kevre.rights.gate import ALWAYS, Reader
from kevre.rights.models import Account
from django.utils import timezone
operator = Reader(Account.objects.filter(is_superuser=True).first())
with wire.opened(config) as way:
    for one in Series.objects.order_by("urn"):
        blocks = list(way.door.blocks(operator, one, ALWAYS, purpose="test", now=timezone.now()))
        count = sum(len(block) for block in blocks)
        total = sum(int(block.value.sum()) * 10.0**block.exponent for block in blocks)
        print(one.urn, count, total)
"""
        rows = (line.split() for line in self.python(code).splitlines())
        return {urn: (int(count), float(total)) for urn, count, total in rows}

    def _answers(self):
        try:
            with urllib.request.urlopen(f"{self.local}/healthz", timeout=5) as response:
                return response.status == 200
        except (urllib.error.URLError, OSError):
            return False


def any_port(host):
    """A port that nobody has: two suites on one machine must not take each other's."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def furnish(node):
    """Give a node an operator, a commune, a school, and a write key; give the key."""
    node.run("user", "operator@example.org", "--operator")
    node.python(f"""
from kevre.places.models import MeteringPoint, Party, Site, Territory
region = Territory.objects.create(code="53", level="region", name="Bretagne", slug="bretagne")
commune = Territory.objects.create(
    code="56121", level="commune", name="Lorient", slug="lorient", parent=region)
town = Party.objects.create(kind="organisation", name="Ville")
site = Site.objects.create(
    slug="school", name="School", kind="school", territory=commune, party=town)
MeteringPoint.objects.create(urn="{POINT}", site=site, fluid="electricity")
""")
    return node.run("key", "test", POINT).stdout.strip()


def acquaint(one, other):
    """Let two nodes that are served meet and trust each other, by their operators' commands."""
    for here, there in ((one, other), (other, one)):
        here.run("peer", "add", there.url)
        name = slug(there)
        here.run("peer", "trust", name, *there.run("peer", "own").stdout.split())


def slug(node):
    return node.url.removeprefix("http://").replace(".", "-").replace(":", "-")


def grant(lender, receiver, **changed):
    """Let the receiver's node read the school of the lender."""
    lender.python(f"""
from datetime import datetime, UTC
from kevre.federate.models import Peer
from kevre.places.models import Site
from kevre.rights.models import Grant
fields = dict(path_prefix="", finest="raw", purpose="federation", onward=True,
              valid_since=datetime(2020, 1, 1, tzinfo=UTC), proof="test") | {changed!r}
Grant.objects.create(audience="party", party=Peer.objects.get(slug="{slug(receiver)}").party,
                     site=Site.objects.get(slug="school"), **fields)
""")


def is_caught_up(lender, receiver):
    """Whether the lender has told all it knows, and the receiver has committed all it was told."""
    told = lender.python("""
from kevre.flow.models import Cursor, Subscription
share = Cursor.objects.filter(follower="share").first()
derive = Cursor.objects.filter(follower="derive").first()
print(share and derive and share.position == derive.position, Subscription.objects.get().last_seq)
""")
    taken = receiver.python(
        "from kevre.federate.models import Feed; print(True, Feed.objects.get().cursor)"
    )
    return told == taken


def agreed(chain, seconds):
    """What each node of a chain holds, once all hold the same or the time is over; none serves.

    That the registries have caught up can be a moment before a follower sees what just came.
    """
    until = time.monotonic() + seconds
    while True:
        while time.monotonic() < until and not all(is_caught_up(*two) for two in pairwise(chain)):
            time.sleep(0.2)
        for node in chain:
            node.kill()
        found = [node.series() for node in chain]
        if all(one == found[0] for one in found) or time.monotonic() > until:
            return found
        for node in chain:
            node.serve()
        time.sleep(2)


def post(node, key, records):
    """Send SenML to a node as a collector does; the answer's document."""
    import json

    request = urllib.request.Request(
        f"{node.local}/api/v1/readings",
        json.dumps(records).encode(),
        {"Content-Type": "application/senml+json", "Authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def half_hours(count, start_s=NEW_YEAR_S, first=100):
    head = {"bn": POWER, "bt": start_s, "bu": "W", "bst": 1800}
    return [
        (head if not place else {}) | {"t": 1800 * place, "v": first + place}
        for place in range(count)
    ]

"""A real node in a process of its own, with a school, a point and a key."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

KEVRE = Path(sys.executable).parent / "kevre"
_SET_UP = """
import django, sys
django.setup()
from tests import registry
from kevre.flow import invite
from kevre.flow.collector import Collector
from kevre.places.models import MeteringPoint
from datetime import UTC, datetime
collector = Collector.objects.create(name="pi")
collector.points.set([MeteringPoint.objects.create(urn=urn, site=registry.site(), fluid="electricity")
                      if not MeteringPoint.objects.exists() else
                      MeteringPoint.objects.create(urn=urn, fluid="electricity")
                      for urn in sys.argv[1:]])
print(invite.invite(collector, datetime.now(UTC)))
"""


class ServedNode:
    """`kevre serve` in a home; can be killed and started again."""

    def __init__(self, home):
        self.home = home
        kept = {n: v for n, v in os.environ.items() if not n.startswith("KEVRE_")}
        self.environment = kept | {
            "KEVRE_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "kevre.node.settings",
        }
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = None

    def init(self, *points):
        """Set the home up with points, and give the code of a collector that writes them."""
        self.run(KEVRE, "init")
        return self.run(sys.executable, "-c", _SET_UP, *points).strip()

    def run(self, *command):
        """Run a command in the node's home, and give what it said."""
        done = subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        with (self.home / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [KEVRE, "serve", "--port", str(self.port)],
                env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        until = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None, (self.home / "serve.log").read_text()
            assert time.monotonic() < until, "the node does not start"
            time.sleep(0.1)

    def answers(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as said:
                return said.status == 200
        except urllib.error.HTTPError:
            return False
        except OSError:
            return False

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

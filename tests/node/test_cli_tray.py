"""`kevre tray` in a process of its own, beside a node that serves."""

import sys
import time

from tests.served import KEVRE, ServedNode

POINT = "urn:dev:prm:09876543210123"
_SEND = """
import django, sys, time
django.setup()
from kevre.flow.models import Input
from kevre.flow import tray
from kevre.model.input import InputName, InputValue
from kevre.rights import key as keys
from kevre.places.models import MeteringPoint
from datetime import UTC, datetime
key, _ = keys.issue("emonpi", list(MeteringPoint.objects.all()), prefixes=["consumption/"])
now = datetime.now(UTC)
for name in ("noise", "power1"):
    one = Input.objects.create(lineage=key.lineage, node="emontx", name=name, first_at=now, heard_at=now)
    tray.keep(one, [InputValue(one.called, int(time.time()) - n, (n, 0)) for n in range(5)], int(time.time()))
"""


def test_what_is_accepted_on_the_command_line_enters_the_running_node(tmp_path):

    node = ServedNode(tmp_path)
    node.init(POINT)
    node.run(sys.executable, "-c", _SEND)
    with node:
        listed = node.run(KEVRE, "tray", "list")
        assert "1  emontx/noise  waiting  5 wait, 0 thinned, 0 not kept  0..4" in listed
        said = node.run(KEVRE, "tray", "accept", "2")
        assert said.strip() == f"{POINT}_consumption/power/active/instant/power1 [W]"
        node.run(KEVRE, "tray", "refuse", "1")

        until = time.monotonic() + 30
        while "power1  open" not in (listed := node.run(KEVRE, "tray", "list")):
            assert time.monotonic() < until, listed
            time.sleep(0.5)
    assert "refused" in listed

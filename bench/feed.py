"""Two real nodes on this machine: how fast and how small readings travel from one to the other.

The load is a generated year (see `bench.load`). Bytes are counted where they arrive, before
they are read: frames with their lengths, without the headers of the one answer they share.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from array import array
from pathlib import Path
from xml.etree.ElementTree import fromstring, tostring

import numpy as np

from bench.figure import Figure, median_ms
from bench.load import START_S, STEP_S, curves
from kevre.federate import frame, identity, seal
from kevre.federate.frame import Frame, Piece
from kevre.formats import quoalise, senml_json, senml_xml
from kevre.model import identifier
from kevre.model.batch import Column
from kevre.model.window import Window

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.federate import nodes

_METERS = 60
_PATH = "consumption/power/active/raw"
_PATIENCE_S = 300
_PUSHED = 1_000
_NOW_S = 1_780_000_000
_PROGRESS = "select readings, bytes_received from federate_feed"
_FILL = """
from pathlib import Path
from bench.feed import columns
from kevre.flow.accept import Writer
from kevre.model.batch import Batch
from kevre.node import wire
from kevre.places.models import Site
with wire.opened(config) as way:
    for number, column in enumerate(columns({meters})):
        way.gate.accept(
            Batch("bench", str(number), (column,)),
            Writer.operator("bench", site=Site.objects.get()),
            now_s=1_780_000_000,
        )
    wire.settle(way)
    way.store.compact(1_780_000_000)
"""


def columns(meters: int) -> list[Column]:
    """Give the generated year of some meters; what is absent is absent."""
    made = []
    for watts, there in curves(meters):
        for row, is_there in zip(watts, there, strict=True):
            start_s = START_S + STEP_S * np.flatnonzero(is_there)
            count = len(start_s)
            made.append(
                Column(
                    f"urn:dev:prm:{len(made):014}_{_PATH}",
                    identifier.KINDS[_PATH],
                    0,
                    array("q", start_s.astype(np.int64).tobytes()),
                    array("i", [STEP_S] * count),
                    array("q", row[is_there].astype(np.int64).tobytes()),
                    array("B", bytes(count)),
                )
            )
    return made


def figures() -> list[Figure]:
    """Measure history between two nodes, one live batch of ten, and Quoalise's XML."""
    with tempfile.TemporaryDirectory() as folder:
        return [*_history(Path(folder)), *_live(), *_quoalise()]


def _history(folder: Path) -> list[Figure]:
    lender, receiver = _node(folder / "lender"), _node(folder / "receiver")
    nodes.furnish(lender)
    lender.python(_FILL.format(meters=_METERS))
    try:
        lender.serve()
        receiver.serve()
        nodes.acquaint(lender, receiver)
        nodes.grant(lender, receiver)
        receiver.run("peer", "subscribe", nodes.slug(lender), "*")
        count, size, took_s = _taken(receiver)
    finally:
        lender.kill()
        receiver.kill()
    some = columns(4)
    readings = sum(len(one) for one in some)
    json_size = sum(len(chunk) for chunk in senml_json.chunks(some)) / readings
    xml_size = len(senml_xml.encode_xml(some)) / readings
    beside = f"SenML JSON {json_size:.1f}, XML {xml_size:.1f}"
    each = size / count
    return [
        Figure("feed, history", count / took_s, "readings/s", "", None, 500_000, "higher"),
        Figure("feed, history", each, "bytes/reading", beside, each / json_size, 2),
    ]


def _node(home: Path) -> nodes.Node:
    home.mkdir()
    return nodes.Node(home, home.name).init()


def _taken(receiver: nodes.Node) -> tuple[int, int, float]:
    """Wait until all is there; give readings, bytes, and the time from first to last frame [s]."""
    expected = sum(len(one) for one in columns(_METERS))
    with sqlite3.connect(receiver.home / "registry.sqlite3") as registry:
        began = None
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            row = registry.execute(_PROGRESS).fetchone()
            now = time.monotonic()
            if row and row[0] and began is None:
                began, first, first_size = now, row[0], row[1]
            if row and row[0] >= expected:
                return row[0] - first, row[1] - first_size, now - began
            time.sleep(0.02)
    raise RuntimeError(f"only {row} of {expected} readings came")


def _live() -> list[Figure]:
    """Weigh a sealed batch of ten live readings, as it travels."""
    with tempfile.TemporaryDirectory() as folder:
        own = identity.hold(Path(folder))
    name = identifier.parse("urn:dev:prm:09876543210123_consumption/power/active/instant")
    starts = array("q", range(START_S, START_S + 100, 10))
    watts = array("q", (512 + 7 * place for place in range(10)))
    column = Column(
        str(name), name.kind, 0, starts, array("i", [0] * 10), watts, array("B", [0] * 10)
    )
    window = Window.of_seconds(START_S, START_S + 100)
    piece = Piece(column, window, seal=seal.seal(column, own))
    each = len(frame.encode(Frame(1_000_000, (piece,)))) / 10
    beside = len(b"".join(senml_json.chunks([column]))) / 10
    return [
        Figure("feed, ten live readings", each, "bytes/reading", "SenML JSON", each / beside, 40)
    ]


def _quoalise() -> list[Figure]:
    """Write a year as pushed messages and read it again, beside SenML in XML alone."""
    whole = columns(4)
    count = sum(len(one) for one in whole)
    took_s = median_ms(lambda: _through_quoalise(whole), 3) / 1_000
    plain_s = median_ms(lambda: _through_senml(whole), 3) / 1_000
    return [
        Figure(
            "Quoalise XML, written and read", count / took_s, "readings/s", "SenML XML",
            plain_s / took_s, 20_000, "higher",
        )
    ]  # fmt: skip


def _through_quoalise(whole: list[Column]) -> None:
    for column in whole:
        for part in quoalise.chunks(column, _PUSHED):
            found = fromstring(tostring(quoalise.element([part])))
            quoalise.batch(found, now_s=_NOW_S, origin="bench", source="bench")


def _through_senml(whole: list[Column]) -> None:
    for column in whole:
        for part in quoalise.chunks(column, _PUSHED):
            content = senml_xml.encode_xml([part])
            senml_xml.decode_xml(content, now_s=_NOW_S, origin="bench")

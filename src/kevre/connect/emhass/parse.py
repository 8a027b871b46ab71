"""Reads a house's half-hours."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from kevre.connect import wide
from kevre.connect.emhass.names import COLUMNS, UNNAMED_POINT
from kevre.connect.gathering import Gathering, Hints
from kevre.connect.source import Source
from kevre.connect.wide import Layout
from kevre.model import identifier
from kevre.model.batch import Batch

_TIME = "timestamp_utc"


def fits(head: bytes) -> bool:
    """Say whether a table has the house's columns."""
    names = wide.header_of(head)
    return _TIME in names and any(name in names for name in COLUMNS)


def parse(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read a house."""
    point = identifier.point(hints.series) if hints.series else UNNAMED_POINT
    layout = Layout(_TIME, COLUMNS, hints.zone or ZoneInfo("UTC"), point)
    yield from wide.parse(source, gathering, layout)

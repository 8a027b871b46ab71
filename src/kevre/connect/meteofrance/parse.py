"""Reads hourly observations."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from kevre.connect import wide
from kevre.connect.gathering import Gathering, Hints
from kevre.connect.meteofrance.names import COLUMNS
from kevre.connect.source import Source
from kevre.connect.wide import Layout
from kevre.model.batch import Batch

_STATION = "numer_sta"
_TIME = "time_utc"


def fits(head: bytes) -> bool:
    """Say whether a table has stations and hours."""
    names = wide.header_of(head)
    return _STATION in names and _TIME in names


def parse(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read every station of a table."""
    zone = hints.zone or ZoneInfo("UTC")
    layout = Layout(_TIME, COLUMNS, zone, "urn:dev:meteofrance:", _STATION)
    yield from wide.parse(source, gathering, layout)

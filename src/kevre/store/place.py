"""Where readings lie: in a file of one process, or in a lake that several share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kevre.store import erase
from kevre.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Lake:
    """Where shared readings lie.

    Attributes:
        catalog_url: `postgresql://user:password@host:port/name`.
        data: a folder that every process sees, or `s3://bucket/prefix`.
    """

    catalog_url: str
    data: str


def opened(
    place: Path | Lake, *, memory_mb: int, threads: int
) -> tuple[Connection, Callable[[], None]]:
    """Open what holds the readings; give it, and how it is rewritten."""
    if isinstance(place, Path):
        connection = Connection(place, memory_mb=memory_mb, threads=threads)
        return connection, partial(erase.vacuum, connection)
    # Its libraries are those of an extra.
    from kevre.store.lake import LakeConnection

    shared = LakeConnection(place, memory_mb=memory_mb, threads=threads)
    return shared, shared.vacuum

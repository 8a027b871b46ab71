"""Puts one node together, with plain calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kevre.flow import derive, way
from kevre.flow.way import Way
from kevre.node.config import Config
from kevre.store import Store


@contextmanager
def opened(config: Config) -> Iterator[Way]:
    """Open the readings and build the way over them, for as long as the block runs.

    Raises:
        Unavailable: another process has the readings open.
    """
    config.home.mkdir(parents=True, exist_ok=True)
    with Store(config.readings, memory_mb=config.store_memory_mb) as store:
        built = Way.over(store)
        way.install(built)
        yield built


def settle(built: Way) -> None:
    """Bring what follows from new readings up to date, before anybody looks."""
    derive.catch_up(built.store)

"""The one way of this process: store, gate, door and hub, put together by `node.wire`."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from kevre.flow.accept import Gate
from kevre.flow.live import Hub
from kevre.flow.read import Door
from kevre.model.errors import Unavailable
from kevre.store import Store


@dataclass(frozen=True, slots=True)
class Way:
    """What a page, an entrance or a job needs to let readings in and out.

    Attributes:
        closing: set when the process is about to end: long answers end by themselves then.
    """

    store: Store
    gate: Gate
    door: Door
    hub: Hub
    closing: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def over(cls, store: Store) -> Way:
        """Build the way over an open store."""
        hub = Hub()
        return cls(store, Gate(store, hub), Door(store), hub)


_installed: list[Way] = []


def install(way: Way) -> None:
    """Make `way` the one of this process, in place of any before."""
    _installed[:] = [way]


def current() -> Way:
    """Give the way of this process.

    Raises:
        Unavailable: the node is not wired yet, or closing.
    """
    if not _installed:
        raise Unavailable("node.starting", "the node is starting", retry_after_s=5)
    return _installed[0]

"""Live: what passes the gate reaches open pages at once.

Threads publish, pages listen on the event loop. Nothing is kept: a page that was away reads
the store. A listener that is slow loses the oldest events, never the newest.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from kevre.model.errors import Unavailable

HEARTBEAT_S = 15.0
MOST_LISTENERS = 200
_QUEUE_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Event:
    """The newest reading of one series; `value` is in the series' unit."""

    series: int
    start_s: int
    value: float


@dataclass(slots=True, eq=False)
class _Listener:
    series: frozenset[int]
    loop: asyncio.AbstractEventLoop
    queue: asyncio.Queue[Event] = field(default_factory=lambda: asyncio.Queue(_QUEUE_LENGTH))

    def put(self, event: Event) -> None:
        if self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait(event)


class Hub:
    """Hands events from the gate to whoever listens at this moment."""

    def __init__(self, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._listeners: set[_Listener] = set()
        self._lock = threading.Lock()
        self._heartbeat_s = heartbeat_s

    def publish(self, series: int, start_s: int, value: float) -> None:
        """Tell the listeners of a series its newest reading; callable from any thread."""
        event = Event(series, start_s, value)
        with self._lock:
            interested = [one for one in self._listeners if series in one.series]
        for listener in interested:
            if not listener.loop.is_closed():
                listener.loop.call_soon_threadsafe(listener.put, event)

    def watched(self) -> frozenset[int]:
        """Give the series that somebody looks at now."""
        with self._lock:
            return frozenset().union(*(one.series for one in self._listeners))

    @asynccontextmanager
    async def listen(self, series: frozenset[int]) -> AsyncIterator[AsyncIterator[Event | None]]:
        """Open an endless stream of events; None is a heartbeat when nothing happens.

        Raises:
            Unavailable: too many pages are open.
        """
        listener = _Listener(series, asyncio.get_running_loop())
        with self._lock:
            if len(self._listeners) >= MOST_LISTENERS:
                raise Unavailable(
                    "live.full", "too many live pages are open", hint="reload in a minute"
                )
            self._listeners.add(listener)
        try:
            yield self._events(listener)
        finally:
            with self._lock:
                self._listeners.discard(listener)

    async def _events(self, listener: _Listener) -> AsyncIterator[Event | None]:
        while True:
            try:
                yield await asyncio.wait_for(listener.queue.get(), self._heartbeat_s)
            except TimeoutError:
                yield None

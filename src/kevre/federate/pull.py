"""Pull: holds every feed open, takes what comes, and tries again when a link breaks.

One thread for each feed; what it does is: ask from where we have come, take frames, tell now
and then how far we are. All that matters is on disk, so it can die at any point.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import close_old_connections

from kevre.federate import feed as feeds
from kevre.federate import provenance
from kevre.federate.client import Client, describe
from kevre.federate.feed import Feed
from kevre.federate.identity import Identity
from kevre.federate.inbox import Receiver
from kevre.federate.peer import meet
from kevre.flow.way import Way
from kevre.model.errors import Conflict, KevreError, Malformed, Missing, Refused

log = logging.getLogger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
_ACKNOWLEDGE_EVERY_S = 20.0
_MOST_STUMBLES = 5


class Puller:
    """Keeps a thread for each living feed."""

    def __init__(self, way: Way, own: Identity) -> None:
        self._way = way
        self._own = own
        self._stop = threading.Event()
        self._threads: dict[int, threading.Thread] = {}

    def tend(self) -> int:
        """Start what is not running; count the feeds. To be called again and again."""
        living = feeds.living()
        for one in living:
            running = self._threads.get(one.pk)
            if running is None or not running.is_alive():
                thread = threading.Thread(
                    target=self._run, args=(one.pk,), name=f"feed-{one.pk}", daemon=True
                )
                self._threads[one.pk] = thread
                thread.start()
        return len(living)

    def close(self) -> None:
        """Let every thread end after the frame it is at."""
        self._stop.set()
        for thread in self._threads.values():
            thread.join(timeout=2.0)

    def _run(self, key: int) -> None:
        pause_s = FIRST_PAUSE_S
        stumbles: Counter[int] = Counter()
        try:
            while not self._stop.is_set():
                close_old_connections()
                held = next((one for one in feeds.living() if one.pk == key), None)
                if held is None:
                    return
                try:
                    came = follow(self._way, self._own, held, self._stop, stumbles)
                    pause_s = FIRST_PAUSE_S if came else min(pause_s * 2, LONGEST_PAUSE_S)
                except KevreError as error:
                    _note(held, error)
                    pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                except Exception:
                    log.exception("feed failed", extra={"feed": held.handle})
                    pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                # So that a node that comes back is not asked by everybody in one second.
                self._stop.wait(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
        finally:
            close_old_connections()


def follow(
    way: Way,
    own: Identity,
    held: Feed,
    stop: threading.Event,
    stumbles: Counter[int],
) -> int:
    """Take what one answer of the peer brings; count its frames.

    A frame whose seals do not hold may have been damaged on the way: it is asked for again
    some times, as `stumbles` counts by cursor, before its readings are set aside.

    Raises:
        KevreError: as the peer answers, or because it does not.
    """
    refresh(held)
    client = Client(held.peer.base_url, own)
    receiver = Receiver(way, own, held)
    count = 0
    told_at = time.monotonic()
    try:
        for found, size in client.frames(held.handle, held.cursor):
            sound = receiver.checked(found)
            if sound.broken and stumbles[found.cursor] < _MOST_STUMBLES:
                stumbles[found.cursor] += 1
                raise Malformed(
                    "feed.damaged",
                    "what the peer sent does not hold against its seal",
                    hint="it is asked for again",
                )
            taken = receiver.take(sound, size, datetime.now(UTC))
            count += 1
            if taken.receipts:
                acquit(client, held, taken.receipts)
            if time.monotonic() - told_at >= _ACKNOWLEDGE_EVERY_S:
                acknowledge(client, held, found.cursor)
                told_at = time.monotonic()
            if stop.is_set():
                break
    finally:
        client.close()
    return count


def acknowledge(client: Client, held: Feed, cursor: int) -> None:
    """Tell the peer that all up to a number is committed here."""
    client.ask("POST", f"subscriptions/{held.handle}/acknowledgement", {"cursor": cursor})


def acquit(client: Client, held: Feed, receipts: Sequence[tuple[int, str]]) -> None:
    """Tell the peer what was done about its notices."""
    said = [{"notice": number, "done": done} for number, done in receipts]
    client.ask("POST", f"subscriptions/{held.handle}/receipts", {"receipts": said})


def refresh(held: Feed) -> None:
    """Hear what the peer says of itself: its next key, its neighbours' keys.

    Raises:
        KevreError: it does not answer, or its key changed without a voucher.
    """
    now = datetime.now(UTC)
    described = describe(held.peer.base_url)
    if described.base_url != held.peer.base_url:
        raise Conflict(
            "peer.moved",
            "the peer says that it is reached at another address",
            hint="ask its operator; kevre peer add meets it there",
        )
    meet(described, now)
    provenance.learn(held.peer, described.neighbours, now)


def _note(held: Feed, error: KevreError) -> None:
    now = datetime.now(UTC)
    if isinstance(error, Missing) and error.where == "subscription.absent":
        Feed.objects.filter(pk=held.pk).update(ended_at=now)
    feeds.note_error(held, f"{error.message} ({error.hint})" if error.hint else error.message, now)
    level = logging.WARNING if isinstance(error, Refused) else logging.INFO
    log.log(level, "feed stopped", extra={"feed": held.handle, "code": error.code})

"""The loop that empties the spool towards the node, with patience.

What the node keeps is forgotten here; what it refuses as wrong is set aside so that the
rest can pass; where it cannot be reached, or does not know the key, readings wait.
"""

from __future__ import annotations

import contextlib
import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from kevre.collect.spool import Parcel, Spool
from kevre.collect.uplink import Uplink
from kevre.model.errors import KevreError, Malformed, Unavailable

log = logging.getLogger(__name__)

PARCEL_READINGS = 1_000
_IDLE_S = 60.0  # look at the spool this often even when nobody rings


@dataclass(slots=True)
class Backoff:
    """Gives longer and longer waits, up to a limit, each jittered by half."""

    first_s: float = 1.0
    limit_s: float = 120.0
    jitter: Callable[[], float] = random.random
    _failures: int = 0

    def next_s(self, at_least_s: float = 0.0) -> float:
        """Give how long to wait now [s]; `at_least_s` is what the node asked for."""
        # 2**30 s is past any limit; beyond it the power would only grow.
        whole_s = min(self.limit_s, self.first_s * float(1 << min(self._failures, 30)))
        self._failures += 1
        jittered_s = whole_s * (0.5 + 0.5 * self.jitter())
        return max(jittered_s, min(at_least_s, self.limit_s))

    def reset(self) -> None:
        """Begin anew after a success."""
        self._failures = 0


class Delivery:
    """Sends what waits in a spool until it is told to stop.

    Args:
        clock: gives the time now [epoch s], for the notes.
    """

    def __init__(
        self,
        spool: Spool,
        uplink: Uplink,
        *,
        clock: Callable[[], float],
        backoff: Backoff | None = None,
        parcel_readings: int = PARCEL_READINGS,
    ) -> None:
        self._spool = spool
        self._uplink = uplink
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._parcel_readings = parcel_readings
        self._stopping = threading.Event()
        self._bell = threading.Event()

    def ring(self) -> None:
        """Say that something new waits."""
        self._bell.set()

    def stop(self) -> None:
        """Ask the loop to end after the exchange it is in."""
        self._stopping.set()
        self._bell.set()

    def run(self) -> None:
        """Send until stopped; no error ends it."""
        while not self._stopping.is_set():
            try:
                self._empty()
                self._bell.wait(_IDLE_S)
                self._bell.clear()
            except KevreError as error:
                self._wait_after(error)
            except Exception:
                log.exception("delivery failed")
                self._stopping.wait(self._backoff.next_s())
        self._uplink.close()

    def _empty(self) -> None:
        while not self._stopping.is_set() and (
            parcel := self._spool.pending(self._parcel_readings)
        ):
            self._deliver(parcel)

    def _deliver(self, parcel: Parcel) -> None:
        try:
            receipt = self._uplink.send(parcel.columns)
        except Malformed as error:
            self._spool.set_aside(parcel.number, error.code)
            self._note("problem", f"{error.code}: {error}")
            log.warning("parcel set aside", extra={"code": error.code, "readings": len(parcel)})
            return
        self._spool.acknowledge(
            parcel.number,
            at_s=int(self._clock()),
            parcels=1,
            bytes=receipt.sent_bytes,
            quarantined=receipt.quarantined,
        )
        self._backoff.reset()
        if receipt.quarantined:
            code = receipt.codes[0] if receipt.codes else ""
            self._note("quarantined", code)
            count = receipt.quarantined
            log.warning("readings quarantined", extra={"count": count, "code": code})

    def _wait_after(self, error: KevreError) -> None:
        asked_s = error.retry_after_s if isinstance(error, Unavailable) else 0
        wait_s = self._backoff.next_s(asked_s)
        log.warning("waiting for the node", extra={"code": error.code, "wait_s": round(wait_s, 1)})
        self._note("problem", f"{error.code}: {error}")
        self._stopping.wait(wait_s)

    def _note(self, name: str, text: str) -> None:
        # A note that cannot be written must not stop what it tells of.
        with contextlib.suppress(KevreError):
            self._spool.note(name, text, int(self._clock()))

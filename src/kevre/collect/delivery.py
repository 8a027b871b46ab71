"""The loop that empties the spool towards the node, with patience.

What the node keeps is forgotten here; what it refuses as wrong is set aside so that the
rest can pass; where it cannot be reached, or does not know the key, readings wait. Each
period it calls the node, also with nothing to send: the answer brings the time, another
configuration, or the wish to send at once while somebody looks.
"""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from kevre.collect.clock import Clock
from kevre.collect.report import Report
from kevre.collect.spool import Parcel, Spool
from kevre.collect.uplink import Receipt, Uplink
from kevre.model.errors import KevreError, Malformed, Unavailable

log = logging.getLogger(__name__)

PARCEL_READINGS = 4_000
FIRST_S = 300.0  # so long after the start everything is sent at once: a person is looking
_IDLE_S = 60.0  # where everything is sent at once: call this often even when nobody rings
_GATHER_S = 1.0  # readings of one second go together


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


class Teller(Protocol):
    """Says what is told beside the readings, and hears what the node answers."""

    def told(self) -> object:
        """Give what to tell now."""

    def heard(self, receipt: Receipt) -> None:
        """Take the answer."""


class Silent:
    """Tells nothing and hears nothing."""

    def told(self) -> object:
        """Give nothing."""
        return None

    def heard(self, receipt: Receipt) -> None:
        """Let it pass."""


class Delivery:
    """Sends what waits in a spool until it is told to stop.

    Args:
        clock: gives the time now, and hears the node's.
        send_s: how often the node is called [s]; 0 as soon as something waits.
        report: which readings are left out because they say nothing new.
        teller: what goes beside the readings.
        gather_s: where everything is sent at once, wait so long for more of it [s].
    """

    def __init__(
        self,
        spool: Spool,
        uplink: Uplink,
        *,
        clock: Clock,
        backoff: Backoff | None = None,
        parcel_readings: int = PARCEL_READINGS,
        send_s: float = 0.0,
        report: Report | None = None,
        teller: Teller | None = None,
        gather_s: float = 0.0,
    ) -> None:
        self._spool = spool
        self._uplink = uplink
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._parcel_readings = parcel_readings
        self._send_s = send_s
        self._report = report or Report()
        self.teller = teller or Silent()
        self._gather_s = gather_s
        self._stopping = threading.Event()
        self._bell = threading.Event()
        self._live_until_s = time.monotonic() + FIRST_S

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
                self._sleep()
            except KevreError as error:
                self._wait_after(error)
            except Exception:
                log.exception("delivery failed")
                self._stopping.wait(self._backoff.next_s())
        self._uplink.close()

    def _sleep(self) -> None:
        if self._send_s == 0 or time.monotonic() < self._live_until_s:
            self._bell.wait(_IDLE_S)
            self._stopping.wait(self._gather_s)
        else:
            self._stopping.wait(self._send_s)
        self._bell.clear()

    def _empty(self) -> None:
        """Send all that waits; with nothing, call once: the answer may set the time."""
        has_called = False
        while not self._stopping.is_set():
            parcel = self._spool.pending(self._parcel_readings)
            if parcel is not None:
                self._deliver(parcel)
            elif has_called:
                return
            else:
                self._heed(self._uplink.send((), self.teller.told()))
            has_called = True

    def _deliver(self, parcel: Parcel) -> None:
        columns, merged = self._report.columns(parcel.columns)
        try:
            receipt = self._uplink.send(columns, self.teller.told())
        except Malformed as error:
            self._spool.set_aside(parcel.number, error.code)
            self._note("problem", f"{error.code}: {error}")
            log.warning("parcel set aside", extra={"code": error.code, "readings": len(parcel)})
            return
        self._spool.acknowledge(
            parcel.number,
            at_s=int(self._clock()),
            parcels=1,
            bytes=receipt.wire_bytes,
            merged=merged,
            quarantined=receipt.quarantined,
        )
        self._heed(receipt, is_counted=True)
        if receipt.quarantined:
            code = receipt.codes[0] if receipt.codes else ""
            self._note("quarantined", code)
            count = receipt.quarantined
            log.warning("readings quarantined", extra={"count": count, "code": code})

    def _heed(self, receipt: Receipt, *, is_counted: bool = False) -> None:
        self._backoff.reset()
        if receipt.node_s is not None:
            self._clock.hear(receipt.node_s)
        if receipt.live_s:
            self._live_until_s = time.monotonic() + receipt.live_s
        if not is_counted and receipt.wire_bytes:
            self._spool.owe(bytes=receipt.wire_bytes)
        self.teller.heard(receipt)

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

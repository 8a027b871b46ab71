"""The collector itself: devices, readings at a chosen pace, spool, delivery.

This file looks at the real clock only through what it is given. Each device is read in a
thread of its own, the node is spoken to in another; between them stands the spool.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from kevre.collect.clock import Clock
from kevre.collect.condition import Condition, DeviceState, encode_states
from kevre.collect.delivery import Backoff, Delivery
from kevre.collect.driver import Board
from kevre.collect.equipment import Device
from kevre.collect.polling import Poller
from kevre.collect.spool import Spool
from kevre.collect.status import STATES_NOTE
from kevre.model.errors import Conflict, KevreError
from kevre.model.reading import Reading

log = logging.getLogger(__name__)

_LOOK_S = 1.0  # how often the devices' conditions are looked at
_REPORT_S = 60.0  # how often their counts are written, to spare the card
_OURS_S = 60  # a stamp so near to now was made here
_LEAVE_S = 10.0  # how long a device that hangs may delay the end


class Agent:
    """Reads devices and brings their readings to the node, until stopped.

    Args:
        devices: what to read; each in its own thread, failing alone.
        board: where their newest values are posted for computed devices.
        spool: where readings wait.
        delivery: what empties the spool; its loop runs in a thread of this agent.
        clock: gives the time now, also where it is not set yet.
        backoff: makes the waits of one device after failures.
    """

    def __init__(
        self,
        devices: Sequence[Device],
        board: Board,
        spool: Spool,
        delivery: Delivery,
        *,
        clock: Clock,
        backoff: Callable[[], Backoff] | None = None,
    ) -> None:
        self._spool = spool
        self._delivery = delivery
        self._clock = clock
        self._stopping = threading.Event()
        self._told: Counter[str] = Counter()
        self._owner: dict[str, str] = {}  # by URN of the series
        self._pollers = [
            Poller(
                device,
                self._keep,
                board=board,
                clock=clock,
                backoff=None if backoff is None else backoff(),
            )
            for device in devices
        ]

    def stop(self) -> None:
        """Ask all loops to end; call it from any thread, not from a signal handler."""
        self._stopping.set()
        self._delivery.stop()

    def states(self) -> tuple[DeviceState, ...]:
        """Give how every device stands, in the order of the file."""
        return tuple(poller.state for poller in self._pollers)

    def run(self) -> None:
        """Work until stopped; a lost device or a full disk is waited out."""
        sender = threading.Thread(target=self._delivery.run, name="delivery")
        readers = [
            # A daemon: a driver that hangs in a library must not keep the program.
            threading.Thread(target=poller.run, args=(self._stopping,), daemon=True)
            for poller in self._pollers
        ]
        sender.start()
        for reader in readers:
            reader.start()
        try:
            self._watch()
        finally:
            for reader in readers:
                reader.join(_LEAVE_S)
            self._delivery.stop()
            sender.join()
            self._report()

    def _watch(self) -> None:
        """Write down how the devices stand: at once when one changes, else now and then."""
        told: tuple[tuple[Condition, str], ...] = ()
        reported_s = 0.0
        while not self._stopping.is_set():
            self._clock.look()
            self._spool.flush_due()
            states = self.states()
            # Without the count: a failure that goes on is no news.
            news = tuple((state.condition, state.error.partition(":")[0]) for state in states)
            # abs: a clock set back must not make it silent for years
            if news != told or abs(self._clock() - reported_s) > _REPORT_S:
                told, reported_s = news, self._clock()
                self._report()
            self._stopping.wait(_LOOK_S)

    def _keep(self, name: str, due: Sequence[tuple[str, Reading]]) -> None:
        """Put the readings of one device on disk; a series has one device.

        Raises:
            Conflict: another device gives one of these series.
        """
        owners = {self._owner.setdefault(urn, name) for urn, _ in due} - {name}
        if owners:
            raise Conflict(
                "device.same_series",
                f"device {min(owners)} gives the same series",
                where=f"device {name}",
                hint="give one of the two another point or series",
            )
        with self._clock.steady():
            stamped = [(urn, replace(r, start_s=self._clock.mended(r.start_s))) for urn, r in due]
            if self._clock.is_set:
                self._spool.append(stamped)
            else:
                # A device that gives instants of its own is right whatever the time is here.
                now_s = self._clock()
                ours = [one for one in stamped if abs(one[1].start_s - now_s) < _OURS_S]
                self._spool.append(one for one in stamped if one not in ours)
                self._spool.append(ours, boot=self._clock.boot.name)
        self._delivery.ring()

    def _report(self) -> None:
        """Write how the devices stand, and add what they counted to the counters on disk."""
        states = self.states()
        counts: Counter[str] = Counter()
        for state in states:
            counts.update(state.counts)
        news = counts - self._told
        try:
            self._spool.note(STATES_NOTE, encode_states(states), int(self._clock()))
            self._spool.tally(**news)
        except KevreError as error:
            log.warning("cannot report", extra={"code": error.code})
            return
        self._told = counts

"""The loop of one device: opened, read, and after a failure opened again with patience.

Each device has its loop in a thread of its own, so that one that fails, or hangs, leaves
the others alone. How it stands can be asked at any time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from kevre.collect.condition import Condition, DeviceState
from kevre.collect.delivery import Backoff
from kevre.collect.driver import Board, Sample
from kevre.collect.equipment import Device
from kevre.collect.sampler import Sampler
from kevre.model.errors import KevreError
from kevre.model.reading import Reading

log = logging.getLogger(__name__)

_LONGEST_BACKOFF_S = 60.0  # or a period, where that is longer
_LEAST_WAIT_S = 0.001
_CALM_S = 30.0  # longer than a silent Linky is waited for
_LOG_AGAIN = 20  # a failure that goes on is logged at its 1st, 21st, 41st ... time

Keep = Callable[[str, Sequence[tuple[str, Reading]]], None]


class Poller:
    """Runs one device until told to stop.

    Args:
        keep: takes the device's name and its readings that are due; what it raises is a
            failure of the device too.
        clock: gives the time now [epoch s].
        calm_s: a device that is open without an error for so long has come back, although
            it says nothing yet, as a sensor that speaks once an hour.
    """

    def __init__(
        self,
        device: Device,
        keep: Keep,
        *,
        board: Board,
        clock: Callable[[], float],
        backoff: Backoff | None = None,
        calm_s: float = _CALM_S,
    ) -> None:
        self._device = device
        self._sampler = Sampler(device.point, device.pace)
        self._keep = keep
        self._board = board
        self._clock = clock
        limit_s = max(_LONGEST_BACKOFF_S, device.pace.every_s)
        self._backoff = backoff or Backoff(limit_s=limit_s)
        self._calm_s = calm_s
        self._opened_s = 0.0
        self._state = DeviceState(device.name, device.kind)

    @property
    def state(self) -> DeviceState:
        """Give how the device stands; safe from any thread."""
        return replace(self._state, counts=dict(self._device.driver.counts()))

    def run(self, stopping: threading.Event) -> None:
        """Read the device until told to stop; no error ends it."""
        while not stopping.is_set():
            try:
                self._device.driver.open()
                self._opened_s = time.monotonic()
                while not stopping.is_set():
                    self._read()
                    if not self._device.driver.listens:
                        self._wait(stopping)
            except KevreError as error:
                self._failed(f"{error.code}: {error}", error.code)
            except Exception as error:
                log.exception("device failed", extra={"device": self._device.name})
                self._failed(f"device.crash: {type(error).__name__}", "device.crash")
            finally:
                self._close()
            if not stopping.is_set():
                stopping.wait(self._backoff.next_s())
        self._state = replace(self._state, condition=Condition.STOPPED)

    def _read(self) -> None:
        """Keep what the device says, also what it said before it failed."""
        samples: list[Sample] = []
        try:
            for sample in self._device.driver.read():
                samples.append(sample)  # noqa: PERF402  what came before an error counts
        finally:
            self._take(samples)
        if samples:
            self._recovered(Condition.RUNNING)
        elif self._state.condition is Condition.FAILING and self._is_calm():
            self._recovered(Condition.STARTING)

    def _recovered(self, condition: Condition) -> None:
        self._backoff.reset()
        self._state = replace(self._state, condition=condition)

    def _is_calm(self) -> bool:
        return time.monotonic() - self._opened_s > self._calm_s

    def _take(self, samples: Sequence[Sample]) -> None:
        if not samples:
            return
        now_s = int(self._clock())
        for sample in samples:
            self._board.post(sample.urn(self._device.point), sample.value, now_s)
        due = list(self._sampler.due(samples, now_s))
        if due:
            self._keep(self._device.name, due)
        count = self._state.readings + len(due)
        self._state = replace(self._state, readings=count, reading_at_s=now_s)

    def _failed(self, text: str, code: str) -> None:
        state = self._state
        if state.failures % _LOG_AGAIN == 0 or not state.error.startswith(f"{code}:"):
            extra = {"device": state.name, "code": code}
            log.warning("device fails, trying again", extra=extra)
        self._state = replace(
            state,
            condition=Condition.FAILING,
            failures=state.failures + 1,
            error=text,
            error_at_s=int(self._clock()),
        )

    def _close(self) -> None:
        try:
            self._device.driver.close()
        except KevreError as error:
            extra = {"device": self._device.name, "code": error.code}
            log.warning("device cannot be closed", extra=extra)
        except Exception:
            log.exception("device cannot be closed", extra={"device": self._device.name})

    def _wait(self, stopping: threading.Event) -> None:
        """Wait for the next whole period since the epoch.

        Our clock may run slower than the machine's while it catches up a difference: a device
        read too early would be read again in the same period, and what it said be passed over.
        """
        every_s = self._device.pace.every_s
        period = self._clock() // every_s
        while not stopping.is_set() and (now_s := self._clock()) // every_s == period:
            stopping.wait(max(every_s - now_s % every_s, _LEAST_WAIT_S))

"""The collector itself: port, decoder, readings at a chosen pace, spool, delivery.

This file looks at the real clock only through what it is given. The port is read in the
calling thread, the node is spoken to in another; between them stands the spool.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from kevre.collect.delivery import Backoff, Delivery
from kevre.collect.device import linky
from kevre.collect.port import Port
from kevre.collect.spool import Spool
from kevre.collect.tic import Counts, Decoder, Frame, Mode
from kevre.model.errors import KevreError
from kevre.model.quality import Quality
from kevre.model.reading import Reading

log = logging.getLogger(__name__)

_SILENCE_S = 12.0  # no whole frame for so long: the meter may speak in the other mode
_REPORT_S = 300.0
# A clock before this was never set: a Raspberry Pi without network wakes in its past.
_CLOCK_SET_S = 1_750_000_000
_DEFAULT_INDEX_S = 60


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a series gets a reading [s]; a register needs fewer."""

    every_s: int = 5
    index_s: int = _DEFAULT_INDEX_S

    def of(self, path: str) -> int:
        """Give the period of one series."""
        return max(self.every_s, self.index_s) if linky.is_index(path) else self.every_s


@dataclass(slots=True)
class Sampler:
    """Chooses, from frames that come every second or two, the readings worth sending.

    Time is cut into periods since the epoch; the first frame in a period gives its reading,
    stamped with its own second.
    """

    point: str
    pace: Pace
    _period: dict[str, int] = field(default_factory=dict)

    def due(self, frame: Frame, now_s: int) -> Iterator[tuple[str, Reading]]:
        """Give (URN, reading) of the series whose period is new."""
        for path, reading in linky.readings(frame, now_s):
            period = now_s // self.pace.of(path)
            if self._period.get(path) == period:
                continue
            self._period[path] = period
            yield f"{self.point}_{path}", _doubted(reading)


def _doubted(reading: Reading) -> Reading:
    if reading.start_s < _CLOCK_SET_S:
        return replace(reading, quality=Quality.DOUBTFUL)
    return reading


class Agent:
    """Reads one meter and brings its readings to the node, until stopped.

    Args:
        port: path of the serial port.
        sampler: what to keep of the frames.
        spool: where readings wait.
        delivery: what empties the spool; its loop runs in a thread of this agent.
        clock: gives the time now [epoch s].
        baud: speed of the port; None tries both until frames come.
    """

    def __init__(
        self,
        port: str,
        sampler: Sampler,
        spool: Spool,
        delivery: Delivery,
        *,
        clock: Callable[[], float],
        baud: int | None = None,
    ) -> None:
        self._port = port
        self._sampler = sampler
        self._spool = spool
        self._delivery = delivery
        self._clock = clock
        self._bauds = [baud] if baud else [mode.baud for mode in (Mode.STANDARD, Mode.HISTORICAL)]
        self._backoff = Backoff(limit_s=30.0)
        self._stopping = threading.Event()
        self._told = Counts()
        self.decoder = Decoder()

    def stop(self) -> None:
        """Ask both loops to end; call it from any thread, not from a signal handler."""
        self._stopping.set()
        self._delivery.stop()

    def run(self) -> None:
        """Work until stopped; a lost port or a full disk is waited out."""
        sender = threading.Thread(target=self._delivery.run, name="delivery")
        sender.start()
        try:
            while not self._stopping.is_set():
                self._listen_patiently()
        finally:
            self._delivery.stop()
            sender.join()
            self._report()

    def _listen_patiently(self) -> None:
        try:
            self._listen(self._bauds[0])
        except KevreError as error:
            log.warning("waiting for the meter", extra={"code": error.code})
            self._note(f"{error.code}: {error}")
            self._stopping.wait(self._backoff.next_s())
        except Exception:
            log.exception("collector failed")
            self._stopping.wait(self._backoff.next_s())

    def _listen(self, baud: int) -> None:
        """Read the port until it is silent for long; then the next speed is up."""
        with Port(self._port, baud) as port:
            heard_s = reported_s = self._clock()
            while not self._stopping.is_set():
                chunk = port.read()
                now_s = self._clock()
                for frame in self.decoder.feed(chunk):
                    heard_s = now_s
                    self._backoff.reset()
                    self._keep(frame, int(now_s))
                if now_s - reported_s > _REPORT_S:
                    reported_s = now_s
                    self._report()
                # abs: a clock set back must not make silence last for years
                if abs(now_s - heard_s) > _SILENCE_S:
                    break
            else:
                return
        self._note("port.silent: nothing that can be read comes from the meter")
        log.warning("no frame from the meter", extra={"baud": baud})
        self._bauds.append(self._bauds.pop(0))

    def _keep(self, frame: Frame, now_s: int) -> None:
        due = list(self._sampler.due(frame, now_s))
        if due:
            self._spool.append(due)
            self._delivery.ring()

    def _note(self, text: str) -> None:
        try:
            self._spool.note("meter", text, int(self._clock()))
        except KevreError as error:
            log.warning("cannot note", extra={"code": error.code})

    def _report(self) -> None:
        """Add what the decoder met since the last report to the counters on disk."""
        counts, told = self.decoder.counts, self._told
        self._told = replace(counts)
        try:
            self._spool.tally(
                frames=counts.frames - told.frames,
                torn=counts.torn - told.torn,
                checksum_errors=counts.checksum_errors - told.checksum_errors,
                malformed=counts.malformed - told.malformed,
            )
        except KevreError as error:
            log.warning("cannot report", extra={"code": error.code})

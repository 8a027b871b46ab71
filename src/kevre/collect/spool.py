"""The durable queue between the meter and the node: readings wait here until they are kept.

One SQLite file. A reading is in it after `flush_s` seconds at most, leaves when the node has
acknowledged its batch, and when the spool is full the oldest detail becomes averages
(`thin`), counted. A file that is damaged is moved aside; while the disk is full, readings
wait in memory and are sent from there.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from kevre.collect import base as file
from kevre.collect import ledger
from kevre.collect.clock import Boot
from kevre.collect.ledger import Entry
from kevre.model.batch import Column
from kevre.model.errors import Unavailable
from kevre.model.reading import Reading

log = logging.getLogger(__name__)

DEFAULT_CAPACITY = 500_000  # readings: about 40 MB, or a month of two series every 10 s
MOST_IN_MEMORY = 20_000  # readings, about 8 MB, while the disk is full
_WIDTHS_S = (60, 600, 3_600)  # how coarse the oldest detail becomes, step by step
_MARK = "on its way"
_AGAIN_S = 10.0  # after a failure to write, wait so long before the next try


@dataclass(frozen=True, slots=True)
class Parcel:
    """Readings to send together; its number acknowledges it, 0 for one from memory."""

    number: int
    columns: tuple[Column, ...]

    def __len__(self) -> int:
        """Count the readings."""
        return sum(len(column) for column in self.columns)


@dataclass(frozen=True, slots=True)
class State:
    """How a spool stands, for `kevre-collect status`.

    Attributes:
        waiting: readings to be sent, those that wait for the time included.
        unset: readings that wait for the time.
    """

    waiting: int
    set_aside: int
    tallies: dict[str, int]
    notes: dict[str, tuple[str, int]]
    unset: int = 0


class Spool:
    """A bounded queue of readings in one file; threads may share it.

    Args:
        path: the file; made with its folder if absent.
        capacity: most readings held, those set aside included.
        flush_s: how long readings may wait in memory before they are written, to spare the
            card [s]; 0 writes each at once.
        mend: whether a damaged file is moved aside, or an error.
        monotonic: counts seconds.

    Raises:
        Unavailable: the file cannot be opened or made.
    """

    def __init__(
        self,
        path: Path,
        *,
        capacity: int = DEFAULT_CAPACITY,
        flush_s: float = 0.0,
        mend: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._capacity = capacity
        self.flush_s = flush_s
        self._monotonic = monotonic
        self._lock = threading.RLock()
        self._buffer: list[Entry] = []
        self._lent = 0  # readings of the buffer that are on their way
        self._owed: Counter[str] = Counter()  # counts to be written with the next flush
        self._flushed_at_s = monotonic()
        self._is_failing = False
        self._due_shift: tuple[str, int, int] | None = None
        try:
            self._base = file.opened(path)
        except Unavailable as error:
            if error.code != "spool.damaged" or not mend:
                raise
            self._base = self._begun_anew()

    def __enter__(self) -> Self:
        """Give the spool itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is in memory and close the file."""
        with self._lock:
            try:
                self.flush()
            except Unavailable as unable:
                log.warning("readings not written", extra={"count": len(self._buffer)})
                if error is None:
                    raise unable from None
            finally:
                self._base.close()

    def append(self, readings: Iterable[tuple[str, Reading]], *, boot: str = "") -> None:
        """Take (series URN, reading); on disk within `flush_s`, whatever the disk does now.

        Of two readings of one series and instant the later stands; that is counted.

        Args:
            readings: of series whose path tells their kind.
            boot: name of the boot, where its time is not set: they wait for `set_time`.
        """
        with self._lock:
            self._buffer.extend(Entry(urn, reading, boot) for urn, reading in readings)
            self._flush_due()

    def flush_due(self) -> None:
        """Write what has waited long enough; call it every second or so."""
        with self._lock:
            self._flush_due()

    def flush(self) -> None:
        """Put on disk what waits in memory.

        Raises:
            Unavailable: the disk is full or failing; all stays in memory.
        """
        with self._lock:
            self._flushed_at_s = self._monotonic()
            if not self._buffer and not self._owed and self._due_shift is None:
                return
            owed, rows = self._owed, self._buffer[self._lent :]
            with self._transaction() as base:
                if self._due_shift is not None:
                    owed = owed + Counter(replaced=ledger.set_time(base, *self._due_shift))
                replaced = sum(ledger.put(base, entry) for entry in rows)
                for name, count in (owed + Counter(appended=len(rows), replaced=replaced)).items():
                    ledger.tally(base, name, count)
                self._make_room(base)
            del self._buffer[self._lent :]
            self._owed = Counter()
            self._due_shift = None

    def _flush_due(self) -> None:
        wait_s = max(self.flush_s, _AGAIN_S) if self._is_failing else self.flush_s
        if self._monotonic() - self._flushed_at_s < wait_s:
            self._bound()
            return
        try:
            self.flush()
        except Unavailable as error:
            self._bound()
            log.warning("spool cannot be written", extra={"code": error.code})

    def _bound(self) -> None:
        """Keep memory bounded while the disk is full: the oldest go, counted."""
        surplus = len(self._buffer) - self._lent - MOST_IN_MEMORY
        if surplus > 0:
            del self._buffer[self._lent : self._lent + surplus]
            self._owed += Counter(appended=surplus, dropped=surplus)

    def _make_room(self, base: sqlite3.Connection) -> None:
        """Make the oldest detail coarser; drop only what was refused, or is coarse already."""
        surplus = int(base.execute(ledger.HELD).fetchone()[0]) - self._capacity
        if surplus <= 0:
            return
        dropped = base.execute(ledger.DROP_REFUSED, (surplus,)).rowcount
        beyond, thinned = self._marked(base), 0
        for width_s in _WIDTHS_S:
            if dropped + thinned < surplus:
                thinned += ledger.thin(base, beyond, self._capacity // 4 + surplus, width_s)
        rest = surplus - dropped - thinned
        if rest > 0:
            dropped += base.execute(ledger.DROP_WAITING, (beyond, rest)).rowcount
        ledger.tally(base, "thinned", thinned)
        ledger.tally(base, "dropped", dropped)

    def pending(self, limit: int) -> Parcel | None:
        """Give the oldest readings that wait, at most `limit`; None when none does.

        Asking again before acknowledging gives the same again, also after a restart: what
        may be at the node already is not mixed with anything new. While the disk is full,
        they come from memory.
        """
        with self._lock:
            if self._lent:
                return self._from_memory(limit)
            try:
                self.flush()
                with self._transaction() as base:
                    rows = self._take(base, limit)
            except Unavailable:
                return self._from_memory(limit)
            if not rows:
                return None
            return Parcel(max(row[0] for row in rows), tuple(ledger.columns(rows)))

    def _take(self, base: sqlite3.Connection, limit: int) -> list[ledger.Row]:
        rows = base.execute(ledger.ON_ITS_WAY, (self._marked(base),)).fetchall()
        if not rows:
            rows = base.execute(ledger.OLDEST, (limit,)).fetchall()
        if rows:
            base.execute(ledger.MARK, (_MARK, rows[-1][0]))
        return rows

    def _from_memory(self, limit: int) -> Parcel | None:
        ready = self._buffer[: self._lent or limit]
        ready = ready[: next((n for n, one in enumerate(ready) if one.boot), len(ready))]
        self._lent = len(ready)
        if not ready:
            return None
        return Parcel(0, tuple(ledger.gathered((one.urn, one.reading) for one in ready)))

    def acknowledge(self, number: int, *, at_s: int = 0, **counts: int) -> int:
        """Forget the readings of a parcel that the node has kept; give how many.

        Args:
            number: of the parcel.
            at_s: when, for the note "sent" [epoch s].
            counts: counters to add to in the same transaction, which spares the card.
        """
        with self._lock:
            if number == 0:
                sent = self._lent
                del self._buffer[:sent]
                self._lent = 0
                self._owed += Counter({"appended": sent, "sent": sent} | counts)
                return sent
            with self._transaction() as base:
                sent = base.execute(ledger.FORGET, (number,)).rowcount
                for name, count in ({"sent": sent} | counts).items():
                    ledger.tally(base, name, count)
                base.execute(ledger.NOTE, ("sent", "", at_s))
                base.execute(ledger.MARK, (_MARK, 0))
            return sent

    def set_aside(self, number: int, code: str) -> int:
        """Keep the readings of a parcel that the node refuses, but let others pass."""
        with self._lock:
            if number == 0:
                return self.acknowledge(0, refused=self._lent, dropped=self._lent, sent=0)
            with self._transaction() as base:
                refused = base.execute(ledger.REFUSE, (code, number)).rowcount
                ledger.tally(base, "refused", refused)
                base.execute(ledger.MARK, (_MARK, 0))
            return refused

    def take_back(self) -> int:
        """Queue what was set aside again; give how many readings."""
        with self._transaction() as base:
            return base.execute(ledger.TAKE_BACK).rowcount

    def set_time(self, boot: Boot, shift_s: int, now_s: int) -> None:
        """Stamp anew what waits for the time of this boot, and let it be sent.

        Where the disk is full it is done with the next flush.
        """
        with self._lock:
            self._buffer = [_shifted(entry, boot.name, shift_s) for entry in self._buffer]
            before_s = 0 if self._due_shift is None else self._due_shift[1]
            self._due_shift = (boot.name, before_s + shift_s, now_s)
            try:
                self.flush()
                self.keep_boot(boot)
            except Unavailable as error:
                log.warning("time not written", extra={"code": error.code})

    def keep_boot(self, boot: Boot) -> None:
        """Write down the time of this boot for its later processes."""
        with self._transaction() as base:
            base.execute(ledger.BOOT, (boot.name, boot.offset_s, boot.is_set))

    def timeline(self, boot: str) -> tuple[int, Boot | None]:
        """Give the last stamp of all readings held [epoch s], and what is known of a boot."""
        with self._transaction() as base:
            last_s = base.execute(ledger.LAST_S).fetchone()[0] or 0
            found = base.execute(ledger.LAST_BOOT, (boot,)).fetchone()
        return last_s, None if found is None else Boot(found[0], found[1], bool(found[2]))

    def tally(self, **counts: int) -> None:
        """Add to named counters that outlive the process."""
        with self._transaction() as base:
            for name, count in counts.items():
                ledger.tally(base, name, count)

    def owe(self, **counts: int) -> None:
        """Add to named counters with the next flush, which spares the card."""
        with self._lock:
            self._owed += Counter(counts)

    def note(self, name: str, text: str, at_s: int) -> None:
        """Keep the last word on something, such as the last problem."""
        with self._transaction() as base:
            base.execute(ledger.NOTE, (name, text, at_s))

    def state(self) -> State:
        """Give counts and last words."""
        with self._lock, self._transaction() as base:
            held: int = base.execute(ledger.HELD).fetchone()[0]
            waiting: int = base.execute(ledger.WAITING).fetchone()[0]
            unset: int = base.execute(ledger.UNSET).fetchone()[0]
            tallies = Counter(dict(base.execute("select name, count from tally"))) + self._owed
            notes = {
                name: (text, at_s)
                for name, text, at_s in base.execute("select name, text, at_s from note")
            }
            inside = len(self._buffer)
        return State(waiting + inside, held - waiting, dict(tallies), notes, unset)

    def _marked(self, base: sqlite3.Connection) -> int:
        found = base.execute(ledger.MARKED, (_MARK,)).fetchone()
        return 0 if found is None else int(found[0])

    def _begun_anew(self) -> sqlite3.Connection:
        log.error("damaged spool moved aside", extra={"to": file.move_aside(self._path).name})
        self._owed += Counter(damaged=1)
        return file.opened(self._path)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            base = self._base
            try:
                base.execute("begin immediate")
                yield base
                base.execute("commit")
                self._is_failing = False
            except sqlite3.Error as error:
                self._is_failing = True
                raise self._failure(error) from error
            finally:
                if base.in_transaction:
                    base.execute("rollback")

    def _failure(self, error: sqlite3.Error) -> Unavailable:
        told = file.failure(self._path, error)
        if told.code == "spool.damaged":
            self._base.close()
            self._base = self._begun_anew()
        return told


def _shifted(entry: Entry, boot: str, shift_s: int) -> Entry:
    if entry.boot != boot:
        return entry
    reading = replace(entry.reading, start_s=entry.reading.start_s + shift_s)
    return Entry(entry.urn, reading)

"""Pulse counters: meters with an optical or a contact output, on a pin or in a file.

A pulse is counted when the contact has been closed for `debounce_ms`. The count is on disk
before a reading of it is given: after a power cut it goes on from the last reading, and
never below. What was counted since then is lost, `index_every_s` at most.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from kevre.collect.driver import Sample, Task, lacking
from kevre.collect.measure import Measure, measure
from kevre.collect.tally import Tally
from kevre.model.errors import Malformed, Missing, Unavailable

_LARGEST = 32  # bytes of a file that holds a count


class Source(Protocol):
    """Where pulses come from."""

    def open(self) -> None:
        """Begin to count."""

    def close(self) -> None:
        """End counting."""

    def new(self) -> int:
        """Give how many came since the last call."""


class Pulse:
    """Counts pulses and gives the register they make.

    Args:
        meter: brings pulses to the unit of the series.
        start: what the meter's own dial showed when counting began, in pulses.
    """

    listens = False

    def __init__(self, source: Source, tally: Tally, meter: Measure, start: int) -> None:
        self._source = source
        self._tally = tally
        self._meter = meter
        self._start = start
        self._pulses = 0
        self._is_counting = False

    def open(self) -> None:
        """Read the count from disk, then begin to count."""
        self._tally.open(self._start)
        self._source.open()
        self._is_counting = True

    def read(self) -> Iterator[Sample]:
        """Give the register, once it is safe on disk."""
        new = self._source.new()
        self._pulses += new
        self._tally.add(new)
        self._tally.save()
        yield Sample(self._meter.path, self._meter.value(Decimal(self._tally.count)))

    def close(self) -> None:
        """End counting, and keep what was counted."""
        if not self._is_counting:
            return
        self._is_counting = False
        self._source.close()
        self._tally.add(self._source.new())
        self._tally.save()

    def counts(self) -> Mapping[str, int]:
        """Count the pulses since the start of the program."""
        return {"pulses": self._pulses}


class Pin:
    """A pin of a Raspberry Pi, through gpiozero.

    Args:
        pull_up: the contact closes to ground; else to 3.3 V, which then means a pulse.
    """

    def __init__(self, number: int, *, pull_up: bool, debounce_ms: int) -> None:
        self._number = number
        self._pull_up = pull_up
        self._debounce_ms = debounce_ms
        self._lock = threading.Lock()
        self._new = 0
        self._button: object = None

    def open(self) -> None:
        """Watch the pin.

        Raises:
            Missing: gpiozero is not installed.
            Unavailable: there are no pins here, or they are not ours.
        """
        try:
            from gpiozero import Button
            from gpiozero.exc import GPIOZeroError
        except ImportError as error:
            raise lacking("gpiozero", "gpio") from error
        try:
            button = Button(
                self._number,
                pull_up=self._pull_up,
                hold_time=self._debounce_ms / 1_000,
            )
        except (GPIOZeroError, OSError, ValueError) as error:
            raise Unavailable(
                "pulse.pin",
                f"pin {self._number} cannot be watched ({type(error).__name__})",
                hint="is this user in the group gpio, and python3-lgpio installed?",
            ) from error
        # Held for the time of the debounce: a spark of the contact is shorter.
        button.when_held = self._count
        self._button = button

    def close(self) -> None:
        """Let go of the pin."""
        close = getattr(self._button, "close", None)
        if close is not None:
            close()
        self._button = None

    def new(self) -> int:
        """Give how many pulses came since the last call."""
        with self._lock:
            new, self._new = self._new, 0
        return new

    def _count(self) -> None:
        with self._lock:
            self._new += 1


class CountFile:
    """A file in which another program keeps a count that only grows, such as a driver's.

    A count that falls began anew at zero, for its program did.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: int | None = None

    def open(self) -> None:
        """Take the count as it is for the beginning."""
        if self._last is None:
            self._last = self._count()

    def close(self) -> None:
        """Nothing is held between reads."""

    def new(self) -> int:
        """Give how far the count went on since the last call."""
        if self._last is None:
            return 0
        count, before = self._count(), self._last
        self._last = count
        return count - before if count >= before else count

    def _count(self) -> int:
        try:
            with self._path.open("rb") as file:
                text = file.read(_LARGEST).decode("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Missing(
                "pulse.file",
                "the file of the count cannot be read",
                where=self._path.name,
                hint="does the program that writes it run?",
            ) from error
        if not text.isdecimal():
            raise Malformed(
                "pulse.count",
                "the file holds no count",
                where=self._path.name,
                hint="it must hold one whole number",
            )
        return int(text)


def make(task: Task) -> Pulse:
    """Make the driver of its options: pin or file, per_pulse, unit, series, start."""
    options = task.options
    meter = measure(options)
    start = options.whole("start", 0)
    path = options.text("file", "")
    # A negative factor or a sign would make the register fall.
    if meter.factor < 0:
        raise options.wrong("scale", "above zero: what one pulse stands for")
    tally = Tally(task.around.folder / f"{task.name}.count")
    if path:
        return Pulse(CountFile(Path(path)), tally, meter, start)
    pin = Pin(
        options.whole("pin"),
        pull_up=not options.flag("active_high"),
        debounce_ms=options.whole("debounce_ms", 10, least=1),
    )
    return Pulse(pin, tally, meter, start)

"""What a driver is: opened, read again and again, closed; and what it may use around it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kevre.collect.option import Options
from kevre.model.errors import Missing
from kevre.model.exact import Exact
from kevre.model.quality import Quality
from kevre.model.reading import Reading


@dataclass(frozen=True, slots=True)
class Sample:
    """One value that a device gave, in the base unit of its series.

    Attributes:
        path: of the series, below the point of the device.
        start_s: the instant that the device itself gives [epoch s]; None for now.
        step_s: length of the interval it stands for [s]; 0 for an instant.
        point: URN of the sensor on a bus of several; empty for the device's own.
    """

    path: str
    value: Exact
    quality: Quality = Quality.MEASURED
    start_s: int | None = None
    step_s: int = 0
    point: str = ""

    def urn(self, point: str) -> str:
        """Give the URN of its series, for a device at a point."""
        return f"{self.point or point}_{self.path}"

    def reading(self, now_s: int) -> Reading:
        """Give the reading, stamped now unless the device gave an instant."""
        start_s = now_s if self.start_s is None else self.start_s
        return Reading(start_s, self.step_s, self.value, self.quality)


class Driver(Protocol):
    """Speaks to one device. One thread alone opens, reads and closes it.

    `read` gives what there is and may raise at its end, when a part could not be read: what
    came before counts. A driver that `listens` waits in `read`, a second at most, for what
    comes by itself; any other is asked once a period and answers within seconds.
    """

    listens: bool

    def open(self) -> None:
        """Take hold of the device; what it needs and is not there is an error."""

    def read(self) -> Iterable[Sample]:
        """Give what the device says."""

    def close(self) -> None:
        """Let go of the device; it may not be open."""

    def counts(self) -> Mapping[str, int]:
        """Give what the driver met since it was made, by name, for the status."""


@dataclass(slots=True)
class Board:
    """The newest value of each series: what a computed device reads."""

    _values: dict[str, tuple[int, Exact]] = field(default_factory=dict)

    def post(self, urn: str, value: Exact, now_s: int) -> None:
        """Put the newest value of a series."""
        self._values[urn] = now_s, value

    def last(self, urn: str) -> tuple[int, Exact] | None:
        """Give when [epoch s] and what a series said last."""
        return self._values.get(urn)


@dataclass(slots=True)
class Surroundings:
    """What drivers of one collector share.

    Attributes:
        folder: where a driver keeps what must outlive a power cut.
        clock: gives the time now [epoch s].
        board: the newest values of all devices.
        lines: one lock for each serial line, which several meters may share.
    """

    folder: Path
    clock: Callable[[], float]
    board: Board = field(default_factory=Board)
    lines: defaultdict[str, threading.Lock] = field(
        default_factory=lambda: defaultdict(threading.Lock)
    )


@dataclass(frozen=True, slots=True)
class Task:
    """What a driver is made of: its device's name, its options, and the surroundings.

    Attributes:
        every_s: how often it will be read [s].
        index_s: how often a register of it is wanted [s].
    """

    name: str
    options: Options
    around: Surroundings
    every_s: int = 10
    index_s: int = 60


def lacking(library: str, extra: str) -> Missing:
    """Make the error of a library that is not installed; it names the extra."""
    return Missing(
        "driver.library",
        f"this driver needs {library}, which is not installed",
        hint=f"pipx install --force 'kevre[{extra}]', or pip install 'kevre[{extra}]'",
    )

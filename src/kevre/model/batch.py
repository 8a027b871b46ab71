"""Readings that arrived together, in columns.

The columns are `array.array` buffers: NumPy and Arrow wrap them without copying
(`numpy.frombuffer(column.start_s, "int64")`). All of a column's values share one exponent.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from kevre.model import exact
from kevre.model.errors import Malformed
from kevre.model.quality import Quality
from kevre.model.reading import Fault, Reading
from kevre.model.series import Kind


@dataclass(frozen=True, slots=True)
class Column:
    """Readings of one series, in strictly increasing time.

    Attributes:
        series: URN of the series (see `identifier`).
        kind: what it measures; values are in `kind.unit`.
        exponent: the values are `value` x 10**exponent.
        start_s: array('q'), shape (n,) [epoch s, UTC].
        step_s: array('i'), shape (n,) [s]; 0 for instants.
        value: array('q'), shape (n,); 0 where the quality is MISSING.
        quality: array('B'), shape (n,), of `Quality`.
        line: array('i'), shape (n,), line or record of each in its source, from 1; empty
            where that is not known. It names faults, and is no part of the readings.
    """

    series: str
    kind: Kind
    exponent: int
    start_s: array[int]
    step_s: array[int]
    value: array[int]
    quality: array[int]
    line: array[int] = field(default_factory=lambda: array("i"), compare=False)

    def __post_init__(self) -> None:
        """Hold equal lengths; order is the builder's duty, checked by its tests."""
        lengths = [len(part) for part in (self.start_s, self.step_s, self.value, self.quality)]
        lengths.append(len(self.line) or len(self))
        if len(set(lengths)) > 1:
            raise ValueError("the columns differ in length")

    def __len__(self) -> int:
        """Count the readings."""
        return len(self.start_s)

    def readings(self) -> Iterator[Reading]:
        """Give the readings one by one, for tests and small answers."""
        for start_s, step_s, value, code in zip(
            self.start_s, self.step_s, self.value, self.quality, strict=True
        ):
            quality = Quality(code)
            exact_value = None if quality is Quality.MISSING else (value, self.exponent)
            yield Reading(start_s, step_s, exact_value, quality)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one origin sent at one time: the good part, and the faults of the rest.

    Attributes:
        origin: who sent it: a key, a connector, a file import; never a person's name.
        key: what makes a repetition recognisable, such as a digest of the source.
        source: where it was read, for people: a file's name, a path of the API.
    """

    origin: str
    key: str
    columns: tuple[Column, ...]
    faults: tuple[Fault, ...] = ()
    source: str = ""

    def __len__(self) -> int:
        """Count the readings of all columns."""
        return sum(len(column) for column in self.columns)


@dataclass(slots=True)
class ColumnBuilder:
    """Collects readings of one series in any order and makes an exact, ordered column.

    Equal repetitions are dropped and counted. Where two readings of one instant differ, the
    later one stands and a fault names its line, so that nothing vanishes in silence.
    """

    series: str
    kind: Kind
    repeated: int = 0
    faults: list[Fault] = field(default_factory=list)
    _readings: dict[int, Reading] = field(default_factory=dict)
    _lines: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Count the readings collected."""
        return len(self._readings)

    def add(self, reading: Reading, *, line: int = 0) -> None:
        """Take one reading, in the base unit of the kind."""
        before = self._readings.get(reading.start_s)
        if before == reading:
            self.repeated += 1
            return
        if before is not None and before.value is not None:
            self.faults.append(
                Fault(
                    "reading.contradicts",
                    "another reading of the same instant has another value",
                    line,
                    hint="the later line was kept",
                )
            )
        self._readings[reading.start_s] = reading
        self._lines[reading.start_s] = line

    def build(self) -> Column:
        """Make the column and start anew.

        A value that does not fit 64 bits beside its finest neighbour becomes a fault.
        """
        ordered = sorted(self._readings.values(), key=lambda reading: reading.start_s)
        lines = self._lines.copy()
        self._readings.clear()
        self._lines.clear()
        exponent = min((r.value[1] for r in ordered if r.value is not None), default=0)
        column = Column(
            self.series, self.kind, exponent, array("q"), array("i"), array("q"), array("B")
        )
        for reading in ordered:
            try:
                value = exact.align(*reading.value, exponent) if reading.value else 0
            except Malformed as error:
                at = reading.start.isoformat()
                raw = f"{at} {reading.value}"
                self.faults.append(Fault.of(error, line=lines[reading.start_s], raw=raw))
                continue
            column.start_s.append(reading.start_s)
            column.step_s.append(reading.step_s)
            column.value.append(value)
            column.quality.append(reading.quality)
            column.line.append(lines[reading.start_s])
        return column

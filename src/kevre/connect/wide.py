"""Reads wide CSV tables: one instant a line, one quantity a column."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from kevre.connect.gathering import Gathering
from kevre.connect.source import Source
from kevre.model import exact, window
from kevre.model.batch import Batch
from kevre.model.errors import Malformed
from kevre.model.quality import Quality
from kevre.model.reading import Reading


@dataclass(frozen=True, slots=True)
class Quantity:
    """What one column holds.

    Attributes:
        path: of its series.
        shift: power of ten from its unit to the base unit.
        times: whole factor from its unit to the base unit, beside the shift.
        step_s: length of its intervals [s].
        is_end: whether its stamps are the ends of the intervals.
    """

    path: str
    step_s: int
    shift: int = 0
    times: int = 1
    is_end: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """How one kind of table is read.

    Attributes:
        time: name of the column of stamps.
        columns: our quantity for each name of a column; others are left out.
        zone: of stamps without an offset.
        point: URN of the point; `point_column` names the column that completes it.
    """

    time: str
    columns: Mapping[str, Quantity]
    zone: ZoneInfo
    point: str
    point_column: str = ""


def header_of(head: bytes) -> list[str]:
    """Give the names of the columns of a table from its first bytes."""
    first = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    return first.decode("utf-8", "replace").strip().split(",")


def parse(source: Source, gathering: Gathering, layout: Layout) -> Iterator[Batch]:
    """Read a table; an empty cell is a missing reading, a bad one a fault."""
    lines = source.lines()
    _, header = next(lines, (1, b""))
    names = header_of(header)
    places = {place: layout.columns[n] for place, n in enumerate(names) if n in layout.columns}
    if layout.time not in names or not places:
        raise Malformed(
            "table.column",
            "the columns are not those of this kind of table",
            where="line 1",
            hint=f"expected {layout.time} and one of {', '.join(layout.columns)}",
        )
    reader = _Reader(layout, names, places, gathering)
    for number, line in lines:
        if line.strip(b", \t"):
            reader.take(number, _cells(line))
            yield from gathering.full()
    yield from gathering.rest(source.torn)


class _Reader:
    """Reads the lines of one table."""

    def __init__(
        self,
        layout: Layout,
        names: Sequence[str],
        places: Mapping[int, Quantity],
        gathering: Gathering,
    ) -> None:
        self._layout = layout
        self._names = names
        self._places = places
        self._gathering = gathering
        self._time = names.index(layout.time)
        self._point = names.index(layout.point_column) if layout.point_column else None

    def take(self, number: int, cells: Sequence[str]) -> None:
        """Read one line."""
        if len(cells) < len(self._names):
            error = Malformed("table.cells", f"{len(cells)} cells instead of {len(self._names)}")
            self._gathering.fault(error, line=number, field="", raw=",".join(cells))
            return
        try:
            at_s = int(window.instant(cells[self._time], self._layout.zone).timestamp())
        except Malformed as error:
            raw = ",".join(cells)
            self._gathering.fault(error, line=number, field=self._layout.time, raw=raw)
            return
        point = self._layout.point + (cells[self._point] if self._point is not None else "")
        for place, quantity in self._places.items():
            try:
                reading = _reading(at_s, cells[place].strip(), quantity)
            except Malformed as error:
                name, raw = self._names[place], cells[place]
                self._gathering.fault(error, line=number, field=name, raw=raw)
                continue
            self._gathering.add(quantity.path, point, reading, number)


def _reading(at_s: int, text: str, quantity: Quantity) -> Reading:
    start_s = at_s - quantity.step_s if quantity.is_end else at_s
    if not text:
        return Reading(start_s, quantity.step_s, None, Quality.MISSING)
    mantissa, exponent = exact.parse(text)
    exponent += quantity.shift
    value = mantissa * quantity.times * 10 ** max(exponent, 0)
    return Reading(start_s, quantity.step_s, (value, min(exponent, 0)))


def _cells(line: bytes) -> list[str]:
    return next(csv.reader([line.decode("utf-8", "replace")]), [])

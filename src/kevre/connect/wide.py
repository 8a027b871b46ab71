"""Reads wide CSV tables: one instant a line, one quantity a column."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from kevre.connect.gathering import Gathering
from kevre.connect.source import Source, cut_line
from kevre.model import exact, identifier, window
from kevre.model.batch import Batch
from kevre.model.errors import Malformed


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
            reader.take(number, line, may_be_cut=source.is_open_ended)
        if gathering.is_full:
            yield gathering.batch()
    yield from gathering.rest(source.fault)


def cells_of(line: bytes) -> list[str]:
    """Cut a line into its cells; strange bytes become the replacement sign.

    Raises:
        Malformed: the line cannot be cut.
    """
    try:
        return next(csv.reader([line.decode("utf-8", "replace")], strict=True), [])
    except csv.Error as error:
        raise Malformed(
            "table.cells", "the line cannot be cut into cells", hint="is there a stray quote?"
        ) from error


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

    def take(self, number: int, line: bytes, *, may_be_cut: bool) -> None:
        """Read one line."""
        raw = line.decode("utf-8", "replace")
        try:
            cells = self._cells(line, may_be_cut=may_be_cut)
        except Malformed as error:
            self._gathering.fault(error, line=number, raw=raw)
            return
        try:
            at_s = int(window.instant(cells[self._time], self._layout.zone).timestamp())
        except Malformed as error:
            self._gathering.fault(error, line=number, field=self._layout.time, raw=raw)
            return
        try:
            point = self._named_point(cells)
        except Malformed as error:
            self._gathering.fault(error, line=number, field=self._layout.point_column, raw=raw)
            return
        for place, quantity in self._places.items():
            self._keep(number, self._names[place], cells[place].strip(), quantity, point, at_s)

    def _cells(self, line: bytes, *, may_be_cut: bool) -> list[str]:
        cells = cells_of(line)
        if len(cells) < len(self._names):
            raise Malformed("table.cells", f"{len(cells)} cells instead of {len(self._names)}")
        if may_be_cut:
            raise cut_line()
        return cells

    def _named_point(self, cells: Sequence[str]) -> str:
        if self._point is None:
            return self._layout.point
        return identifier.point(self._layout.point + cells[self._point].strip())

    def _keep(
        self, number: int, name: str, text: str, quantity: Quantity, point: str, at_s: int
    ) -> None:
        start_s = at_s - quantity.step_s if quantity.is_end else at_s
        try:
            value = _value(text, quantity) if text else None
        except Malformed as error:
            self._gathering.fault(error, line=number, field=name, raw=text)
            return
        self._gathering.add(quantity.path, point, start_s, quantity.step_s, value, line=number)


def _value(text: str, quantity: Quantity) -> exact.Exact:
    mantissa, exponent = exact.parse(text)
    exponent += quantity.shift
    return mantissa * quantity.times * 10 ** max(exponent, 0), min(exponent, 0)

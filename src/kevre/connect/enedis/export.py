"""The workbook that customers of Enedis download: one sheet for each quantity.

A sheet names its metering point above a table of `Date`, `Valeur (en kWh)` by day, or of
`Début`, `Fin`, `Valeur (en kW)` by half hours or hours. Times are local times of Paris. Where
both ends are said, no stamp is to be guessed; `NA` is a missing value.

Source: workbooks of the customer space of 2023 to 2026, as described by several programs that
read them. Other workbooks of Enedis hold the same rows as its CSV files and are read as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from kevre.connect.enedis import names, value
from kevre.connect.enedis.stamp import STEPS_S
from kevre.connect.gathering import Gathering, Hints
from kevre.connect.source import Source, cut_line
from kevre.model import identifier, unit, window
from kevre.model.batch import Batch
from kevre.model.errors import Malformed

_POINT = "point reference mesure"
_UNIT = re.compile(r"valeur \(en ([a-z]{1,4})\)", re.IGNORECASE)
_UNITS = {"kwh": "kWh", "wh": "Wh", "kw": "kW", "w": "W", "kva": "kVA", "va": "VA"}
_DATE = re.compile(r"(\d\d)/(\d\d)/(\d{4})(?:[ T](\d\d:\d\d(?::\d\d)?))?\Z", re.ASCII)
_NONE = frozenset({"na", "n/a", "-"})
_HOUR_S = 3_600
# By unit: path after the direction, of a table by days and of one of intervals.
_DAILY = {"Wh": "energy/active/daily", "VA": "power/apparent/max", "W": "power/active/max"}
_CURVE = {"W": "power/active/raw", "Wh": "energy/active/raw"}


@dataclass(frozen=True, slots=True)
class _Table:
    """Where the columns of a table are, and what its values are.

    Attributes:
        end: place of the end of the interval; None in a table by days.
        shift: power of ten from the unit of the values to the base unit.
    """

    path: str
    start: int
    end: int | None
    value: int
    shift: int


def fits(head: bytes) -> bool:
    """Say whether a sheet begins like one of the customer's workbook."""
    return "Point Référence Mesure".encode() in head


def parse(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read the table of a sheet.

    Raises:
        Malformed: there is no table, or no metering point above it.
    """
    above: list[list[str]] = []
    table: _Table | None = None
    point = ""
    rows = _Rows(gathering)
    for number, line in source.lines():
        cells = [cell.strip() for cell in line.decode("utf-8", "replace").split(";")]
        if not any(cells):
            continue
        if table is None:
            above.append(cells)
            table = _table(above, hints)
            point = _point(above, hints) if table else ""
        elif source.is_open_ended:
            gathering.fault(cut_line(), line=number)
        else:
            rows.take(table, point, number, cells)
        if gathering.is_full:
            yield gathering.batch()
    if table is None and source.fault is None:
        raise Malformed("enedis.no_rows", "there is no table on this sheet")
    yield from gathering.rest(source.fault)


class _Rows:
    """Reads rows, remembering the one before, which tells the hours of October apart."""

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._before: datetime | None = None

    def take(self, table: _Table, point: str, line: int, cells: Sequence[str]) -> None:
        """Read one row; what cannot be read becomes a fault."""
        try:
            start_s, step_s = self._interval(table, cells)
            text = _cell(cells, table.value)
            known = None if text.lower() in _NONE else value.read(text, table.shift)
            self._gathering.add(table.path, point, start_s, step_s, known, line=line)
        except Malformed as error:
            self._gathering.fault(error, line=line, field=error.where, raw=";".join(cells))

    def _interval(self, table: _Table, cells: Sequence[str]) -> tuple[int, int]:
        start = _local(_cell(cells, table.start))
        if table.end is None:
            day = window.civil_day(start.date(), window.PARIS)
            return day.start_s, day.length_s
        step_s = _step_s(start, _local(_cell(cells, table.end)))
        at = window.instant(start.isoformat(), window.PARIS, after=self._before)
        self._before = at
        return int(at.timestamp()), step_s


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


def _local(text: str) -> datetime:
    """Give a local time as it is written, without a zone."""
    found = _DATE.match(text)
    written = f"{found[3]}-{found[2]}-{found[1]}T{found[4] or '00:00'}" if found else text
    try:
        return datetime.fromisoformat(written).replace(tzinfo=None)
    except ValueError as error:
        raise Malformed("time.malformed", f"{text[:40]!r} is not an instant") from error


def _step_s(start: datetime, end: datetime) -> int:
    """Give the length between two local times, between which the clock may have changed."""
    naive_s = int((end - start).total_seconds())
    for step_s in (naive_s, naive_s + _HOUR_S, naive_s - _HOUR_S):
        if step_s in STEPS_S:
            return step_s
    raise Malformed("enedis.step", "the two ends of this row are no step of a curve apart")


def _table(above: Sequence[Sequence[str]], hints: Hints) -> _Table | None:
    """Give the table, if the last row read is its header."""
    named = {names.plain(cell): place for place, cell in enumerate(above[-1]) if cell}
    found = next(((_UNIT.match(name), name) for name in named if _UNIT.match(name)), None)
    start = named.get("debut", named.get("date"))
    if found is None or start is None or found[0] is None:
        return None
    symbol = _UNITS.get((hints.unit or found[0][1]).lower(), "")
    end = named.get("fin")
    paths = _DAILY if end is None else _CURVE
    base = unit.unit(symbol).base if symbol else ""
    if base not in paths:
        raise Malformed("enedis.quantity", f"{found[0][1]!r} is no unit of such a table")
    path = f"{hints.direction or _way(above)}/{paths[base]}"
    return _Table(path, start, end, named[found[1]], unit.shift(symbol, base))


def _way(above: Sequence[Sequence[str]]) -> str:
    """Give the direction that is said above the table; consumption if none is."""
    said = names.plain(" ".join(cell for row in above for cell in row))
    is_production = "production" in said or "injection" in said
    return "production" if is_production and "consommation" not in said else "consumption"


def _point(above: Sequence[Sequence[str]], hints: Hints) -> str:
    if hints.series:
        return identifier.point(hints.series)
    for row in above:
        filled = [cell for cell in row if cell]
        for name, following in pairwise(filled):
            if names.plain(name).startswith(_POINT):
                return identifier.prm_point(hints.prm or following.strip("' "))
    return identifier.prm_point(hints.prm or "")

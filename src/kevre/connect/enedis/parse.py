"""Reads Enedis' CSV files: sections of a header, its values, a table.

A file holds one section or several: a line that begins with `Identifiant PRM` starts the
next. Semicolons, a byte order mark, blank lines and stray semicolons at line ends are normal.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from kevre.connect.enedis import names, value
from kevre.connect.enedis.daily import Daily, dials_of
from kevre.connect.enedis.line import SECTION, Lines
from kevre.connect.enedis.stamp import Interval, Placer, Stamps, Stretch, no_step
from kevre.connect.gathered import Block
from kevre.connect.gathering import Gathering, Hints
from kevre.connect.source import Source, cut_line
from kevre.model import identifier, unit, window
from kevre.model.batch import Batch
from kevre.model.errors import Malformed
from kevre.model.quality import Quality

_BOM = b"\xef\xbb\xbf"
_REGISTER_SHIFTS = {"kWh": 3, "MWh": 6}
_MINUTE_S = 60
_LARGEST = 2**63 - 1
_WHOLE_MINUTES = re.compile(r"[0-9]{1,4}\Z")


def fits(head: bytes) -> bool:
    """Say whether a file begins like one of Enedis'."""
    return head.removeprefix(_BOM).startswith(SECTION.encode())


@dataclass(frozen=True, slots=True)
class _Section:
    """What the two header lines say of the rows that follow."""

    point: str
    kind: str
    quantity: str
    direction: str
    stage: str
    unit: str
    step_s: int | None
    end_s: int | None


def parse(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read every section of a file.

    Raises:
        Malformed: a header cannot be read, so that its rows have no meaning.
    """
    lines = Lines(source)
    stamps = Stamps(hints.zone)
    while (header := lines.next_filled()) is not None:
        section = _section(header[1], lines, hints)
        columns = lines.next_filled()
        if columns is None:
            raise Malformed(
                "enedis.no_rows", "there is a header and nothing below it", where="line 2"
            )
        yield from _rows(section, columns[1], lines, stamps, gathering, hints)
    yield from gathering.rest(source.fault)


def _section(header: Sequence[str], lines: Lines, hints: Hints) -> _Section:
    values = lines.next_filled()
    if values is None:
        raise Malformed("enedis.no_rows", "the file ends after its first line", where="line 1")
    number, cells = values
    named = dict(zip((names.plain(name) for name in header), cells, strict=False))
    needed = ("identifiant prm", "type de donnees", "grandeur physique", "grandeur metier")
    for name in needed:
        if name not in named:
            raise Malformed(
                "enedis.column",
                f"the column {name!r} is missing",
                where=f"line {number - 1}",
                hint="download the file again, without changing its columns",
            )
    return _Section(
        _point(named["identifiant prm"], number, hints),
        names.plain(named["type de donnees"]),
        named["grandeur physique"],
        named["grandeur metier"],
        named.get("etape metier", ""),
        hints.unit or named.get("unite", "").strip(),
        _minutes(named.get("pas en minutes", "")),
        _midnight(named.get("date de fin", "")),
    )


def _point(digits: str, line: int, hints: Hints) -> str:
    if hints.series:
        return identifier.point(hints.series)
    try:
        return identifier.prm_point(hints.prm or digits.strip().strip("'"))
    except Malformed as error:
        raise Malformed(
            error.code,
            error.message,
            where=f"line {line}, field Identifiant PRM",
            hint="spreadsheets drop leading zeros; give the number with --prm",
        ) from error


def _minutes(text: str) -> int | None:
    found = _WHOLE_MINUTES.match(text.strip())
    return int(found[0]) * _MINUTE_S or None if found else None


def _midnight(date: str) -> int | None:
    try:
        day = datetime.strptime(date.strip(), "%d/%m/%Y").date()  # noqa: DTZ007 - a calendar day
        return int(window.midnight(day, window.PARIS).timestamp())
    except (ValueError, OverflowError):
        return None


def _rows(
    section: _Section,
    columns: Sequence[str],
    lines: Lines,
    stamps: Stamps,
    gathering: Gathering,
    hints: Hints,
) -> Iterator[Batch]:
    if names.plain(columns[0]) != "horodate":
        raise Malformed(
            "enedis.column",
            f"the first column is {columns[0][:30]!r}, not Horodate",
            where="line 3",
            hint="download the file again, without changing its columns",
        )
    if section.kind.startswith("index"):
        yield from _registers(section, columns, lines, stamps, gathering)
    elif "maximale" in section.kind or "max" in names.plain(section.quantity):
        yield from _maxima(section, lines, stamps, gathering)
    else:
        yield from _curve(section, lines, stamps, gathering, hints.stamp)


def _curve(
    section: _Section,
    lines: Lines,
    stamps: Stamps,
    gathering: Gathering,
    stamp: Literal["start", "end"] | None,
) -> Iterator[Batch]:
    path, blank_unit = names.curve_path(section.quantity, section.direction, section.stage)
    kind = identifier.KINDS[path]
    shift = unit.shift(section.unit or blank_unit, kind.unit)
    point = section.point
    placer = Placer(stamp, section.step_s)
    keep = _Keeper(gathering, path, point, shift)
    while True:
        run = lines.next_run()
        if run is not None:
            keep.all(placer.take_all(run))
        row = lines.next_row()
        if row is None:
            break
        stamped = _stamped_row(section, row, lines, stamps, gathering)
        if stamped is not None:
            keep.all(placer.take(*stamped))
        if gathering.is_full:
            yield gathering.batch()
    keep.all(placer.last())


class _Keeper:
    """Keeps the intervals of one curve."""

    def __init__(self, gathering: Gathering, path: str, point: str, shift: int) -> None:
        self._gathering = gathering
        self._path = path
        self._point = point
        self._shift = shift

    def all(self, intervals: Iterator[Interval | Stretch]) -> None:
        """Keep intervals, one by one or a stretch at once."""
        for one in intervals:
            if isinstance(one, tuple):
                self._one(*one)
            else:
                self._stretch(one)

    def _one(self, line: int, start_s: int, step_s: int, text: str) -> None:
        if not step_s:
            self._gathering.fault(no_step(), line=line, field="Horodate", raw=text)
            return
        try:
            known = value.read(text, self._shift)
        except Malformed as error:
            self._gathering.fault(error, line=line, field="Valeur", raw=text)
            return
        self._gathering.add(self._path, self._point, start_s, step_s, known, line=line)

    def _stretch(self, one: Stretch) -> None:
        scale = 10 ** max(self._shift, 0)
        if self._shift < 0 or int(one.value.max()) * scale > _LARGEST:
            for n, start_s in enumerate(one.start_s.tolist()):
                text = "" if one.is_missing[n] else str(int(one.value[n]))
                self._one(one.line + n, start_s, one.step_s, text)
            return
        count = len(one.start_s)
        block = Block(
            array("q", one.start_s.tobytes()),
            array("i", [one.step_s]) * count,
            array("q", (one.value * scale).tobytes()),
            array("B", (one.is_missing * int(Quality.MISSING)).astype("uint8").tobytes()),
            array("i", range(one.line, one.line + count)),
        )
        self._gathering.extend(self._path, self._point, block)


def _stamped(
    section: _Section, lines: Lines, stamps: Stamps, gathering: Gathering
) -> Iterator[tuple[int, int, str]]:
    """Give the rows whose stamp can be read."""
    for row in lines.section():
        stamped = _stamped_row(section, row, lines, stamps, gathering)
        if stamped is not None:
            yield stamped


def _stamped_row(
    section: _Section,
    row: tuple[int, list[str]],
    lines: Lines,
    stamps: Stamps,
    gathering: Gathering,
) -> tuple[int, int, str] | None:
    """Give number, stamp [epoch s] and value of a row; None, and a fault, if it has none."""
    number, cells = row
    try:
        stamp_s = stamps.read(cells[0])
    except Malformed as error:
        gathering.fault(error, line=number, field="Horodate", raw=";".join(cells))
        return None
    if len(cells) < 2:  # noqa: PLR2004 - stamp and value
        short = Malformed("enedis.cells", "the value is missing", hint="was the file cut?")
        gathering.fault(short, line=number, field="Valeur", raw=";".join(cells))
        return None
    # Some downloads end without a line end, at the date that their header names.
    if lines.may_be_cut and stamp_s != section.end_s:
        gathering.fault(cut_line(), line=number, field="Valeur", raw=";".join(cells))
        return None
    return number, stamp_s, cells[1].strip()


def _registers(
    section: _Section,
    columns: Sequence[str],
    lines: Lines,
    stamps: Stamps,
    gathering: Gathering,
) -> Iterator[Batch]:
    dials = dials_of(columns, section.direction)
    if not dials:
        raise Malformed("enedis.column", "there is no register such as EAS T", where="line 3")
    # Whatever else this cell says is wrong: registers count energy.
    shift = _REGISTER_SHIFTS.get(section.unit, 0)
    daily = Daily(section.point, dials, shift=shift)
    for number, cells in lines.section():
        try:
            daily.take(number, cells, stamps, width=len(columns), may_be_cut=lines.may_be_cut)
        except Malformed as error:
            gathering.fault(error, line=number, field="Horodate", raw=";".join(cells))
        if daily.is_full:
            yield from _full(daily.give(gathering), gathering)
    yield from _full(daily.give(gathering), gathering)


def _full(steps: Iterator[None], gathering: Gathering) -> Iterator[Batch]:
    for _ in steps:
        if gathering.is_full:
            yield gathering.batch()


def _maxima(
    section: _Section, lines: Lines, stamps: Stamps, gathering: Gathering
) -> Iterator[Batch]:
    """Read daily maxima: stamped at the instant of the peak, in VA whatever the cell says."""
    path = f"{names.direction(section.direction)}/power/apparent/max"
    for line, stamp_s, text in _stamped(section, lines, stamps, gathering):
        known = "" if text == names.MAX_POWER_NONE else text
        try:
            gathering.add(path, section.point, stamp_s, 0, value.read(known), line=line)
        except Malformed as error:
            gathering.fault(error, line=line, field="Valeur", raw=text)
        if gathering.is_full:
            yield gathering.batch()

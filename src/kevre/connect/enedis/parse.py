"""Reads Enedis' CSV files: sections of a header, its values, a table.

A file holds one section or several: a line that begins with `Identifiant PRM` starts the
next. Semicolons, a byte order mark, blank lines and stray semicolons at line ends are normal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kevre.connect.enedis import names
from kevre.connect.enedis.stamp import Row, Stamps, intervals, nearest_midnight
from kevre.connect.gathering import Gathering, Hints
from kevre.connect.source import Source
from kevre.model import exact, identifier, unit
from kevre.model.batch import Batch
from kevre.model.errors import Malformed
from kevre.model.quality import Quality
from kevre.model.reading import Reading
from kevre.model.window import PARIS

_BOM = b"\xef\xbb\xbf"
_START = b"Identifiant PRM"
_MINUTE_S = 60
_EXACT_DIGITS = 15


def fits(head: bytes) -> bool:
    """Say whether a file begins like one of Enedis'."""
    return head.removeprefix(_BOM).lstrip(b'"').startswith(_START)


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


def parse(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read every section of a file.

    Raises:
        Malformed: a header cannot be read, so that its rows have no meaning.
    """
    lines = _Lines(source)
    stamps = Stamps(hints.zone)
    while (header := lines.next_filled()) is not None:
        section = _section(header[1], lines, hints)
        columns = lines.next_filled()
        if columns is None:
            raise Malformed(
                "enedis.no_rows", "there is a header and nothing below it", where="line 2"
            )
        yield from _rows(section, columns[1], lines, stamps, gathering, hints)
    yield from gathering.rest(source.torn)


class _Lines:
    """The lines of a file, cut at semicolons; stops before each new section."""

    def __init__(self, source: Source) -> None:
        self._lines = source.lines()
        self._held: tuple[int, list[str]] | None = None

    def next_filled(self) -> tuple[int, list[str]] | None:
        """Give the next line that holds something."""
        if self._held is not None:
            held, self._held = self._held, None
            return held
        for number, line in self._lines:
            cells = _cells(line)
            if any(cells):
                return number, cells
        return None

    def section(self) -> Iterator[tuple[int, list[str]]]:
        """Give the filled lines up to the next section."""
        while (found := self.next_filled()) is not None:
            if found[1][0].startswith(_START.decode()):
                self._held = found
                return
            yield found


def _cells(line: bytes) -> list[str]:
    try:
        text = line.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError:
        text = line.decode("cp1252", "replace")
    return text.split(";")


def _section(header: Sequence[str], lines: _Lines, hints: Hints) -> _Section:
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
    return int(text) * _MINUTE_S if text.strip().isdecimal() and int(text) else None


def _rows(
    section: _Section,
    columns: Sequence[str],
    lines: _Lines,
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
    lines: _Lines,
    stamps: Stamps,
    gathering: Gathering,
    stamp: Literal["start", "end"] | None,
) -> Iterator[Batch]:
    path, blank_unit = names.curve_path(section.quantity, section.direction, section.stage)
    kind = identifier.KINDS[path]
    shift = unit.shift(section.unit or blank_unit, kind.unit)
    for placed in intervals(_stamped(lines, stamps, gathering), stamp, section.step_s):
        row = placed.row
        try:
            reading = _reading(placed.start_s, placed.step_s, row.text, shift)
        except Malformed as error:
            gathering.fault(error, line=row.line, field="Valeur", raw=row.text)
            continue
        gathering.add(path, section.point, reading, row.line)
        yield from gathering.full()


def _reading(start_s: int, step_s: int, text: str, shift: int) -> Reading:
    if not text:
        return Reading(start_s, step_s, None, Quality.MISSING)
    if text.isascii() and text.isdecimal() and len(text) <= _EXACT_DIGITS:
        value = (int(text) * 10**shift, 0) if shift >= 0 else (int(text), shift)
        return Reading(start_s, step_s, value)
    mantissa, exponent = exact.parse(text.replace(",", "."))
    if exponent + shift > 0:
        mantissa, exponent = mantissa * 10 ** (exponent + shift), -shift
    return Reading(start_s, step_s, (mantissa, exponent + shift))


def _stamped(lines: _Lines, stamps: Stamps, gathering: Gathering) -> Iterator[Row]:
    """Give the rows whose stamp can be read."""
    for number, cells in lines.section():
        try:
            stamp_s = stamps.read(cells[0])
        except Malformed as error:
            gathering.fault(error, line=number, field="Horodate", raw=";".join(cells))
            continue
        if len(cells) < 2:  # noqa: PLR2004 - stamp and value
            short = Malformed("enedis.cells", "the value is missing", hint="was the file cut?")
            gathering.fault(short, line=number, field="Valeur", raw=";".join(cells))
            continue
        yield Row(number, stamp_s, cells[1].strip())


def _registers(
    section: _Section,
    columns: Sequence[str],
    lines: _Lines,
    stamps: Stamps,
    gathering: Gathering,
) -> Iterator[Batch]:
    paths = {
        place: path
        for place, name in enumerate(columns)
        if (path := names.register_path(name, section.direction)) is not None
    }
    if not paths:
        raise Malformed("enedis.column", "there is no register such as EAS T", where="line 3")
    for number, cells in lines.section():
        try:
            start_s = nearest_midnight(stamps.read(cells[0]), PARIS)
        except Malformed as error:
            gathering.fault(error, line=number, field="Horodate", raw=";".join(cells))
            continue
        for place, path in paths.items():
            text = cells[place].strip() if place < len(cells) else ""
            if not text:
                continue
            try:
                gathering.add(path, section.point, _reading(start_s, 0, text, 0), number)
            except Malformed as error:
                gathering.fault(error, line=number, field=columns[place], raw=text)
        yield from gathering.full()


def _maxima(
    section: _Section, lines: _Lines, stamps: Stamps, gathering: Gathering
) -> Iterator[Batch]:
    """Read daily maxima: stamped at the instant of the peak, in VA whatever the cell says."""
    path = f"{names.direction(section.direction)}/power/apparent/max"
    for row in _stamped(lines, stamps, gathering):
        text = "" if row.text == str(names.MAX_POWER_NONE) else row.text
        try:
            gathering.add(path, section.point, _reading(row.stamp_s, 0, text, 0), row.line)
        except Malformed as error:
            gathering.fault(error, line=row.line, field="Valeur", raw=row.text)
        yield from gathering.full()

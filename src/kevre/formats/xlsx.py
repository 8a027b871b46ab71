"""Workbooks (XLSX) as lines of text: each row of a sheet one line, its cells cut by semicolons.

Numbers stay as they are written, so that they can be read exactly; dates become ISO 8601
without an offset. Of what XML and workbooks can do besides, nothing is followed: no formulas,
no links, no entities, no document types.

Source: ECMA-376, Office Open XML File Formats, part 1, sections 18.3 (sheets), 18.4 (shared
strings), 18.8.30 (number formats).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from kevre.formats.element import Element, elements, name_of
from kevre.model.errors import Malformed

WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_STRINGS = "xl/sharedStrings.xml"
_STYLES = "xl/styles.xml"
# Texts of a workbook are kept while its sheets are read; those of readings are few.
_MOST_TEXT = 32_000_000
_MOST_COLUMNS = 256
_MOST_ROWS = 1_048_576
_MOST_STYLES = 65_536
_LETTERS = re.compile(r"([A-Z]{1,3})[0-9]*\Z", re.ASCII)
# Built-in formats of dates and times, and letters that only those of one's own have.
_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
_DATE_LETTERS = frozenset("ymdhs")
_BREAKS = str.maketrans(";\r\n\0", ",   ")
# Spreadsheets take 1900 for a leap year, so that day 0 of later dates is this one.
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - sheets know no zones
_DAY_ZERO_1904 = datetime(1904, 1, 1)  # noqa: DTZ001 - sheets know no zones
_LATEST = 2_958_466
_DAY_S = 86_400

# Gives the pieces of one part of the workbook, nothing where there is no such part.
Read = Callable[[str], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name, and the part that holds it."""

    name: str
    part: str


class Workbook:
    """What the sheets of a workbook share: texts, and which formats are dates."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._zero = _DAY_ZERO
        self.sheets = tuple(self._sheets())
        self._texts = self._shared()
        self._dates = self._date_styles()

    def lines(self, sheet: Sheet) -> Iterator[bytes]:
        """Give the rows of a sheet as lines; one that is empty or left out is an empty line.

        Raises:
            Malformed: it is no sheet.
        """
        last = 0
        for row in elements(self._read(sheet.part), "row"):
            number = _whole(row.get("r"), last + 1)
            yield b"\n" * max(0, min(number, _MOST_ROWS) - last - 1)
            last = max(last + 1, min(number, _MOST_ROWS))
            yield self._line(row)

    def _line(self, row: Element) -> bytes:
        cells: list[str] = []
        for place, cell in enumerate(row.iterchildren("{*}c")):
            column = _column(cell.get("r", ""), max(place, len(cells)))
            if column >= _MOST_COLUMNS:
                break
            cells.extend("" for _ in range(column - len(cells)))
            cells[column:] = [self._text(cell).translate(_BREAKS).strip()]
        return ";".join(cells).encode("utf-8", "replace") + b"\n"

    def _text(self, cell: Element) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _said(cell)
        written = (cell.findtext("{*}v") or "").strip()
        if kind == "s":
            place = _whole(written, -1)
            return self._texts[place] if 0 <= place < len(self._texts) else ""
        if kind == "e":
            return ""
        if kind == "n" and written and _whole(cell.get("s"), 0) in self._dates:
            return _date(written, self._zero)
        return written

    def _sheets(self) -> Iterator[Sheet]:
        parts = {
            one.get("Id", ""): one.get("Target", "")
            for one in elements(self._read(_RELATIONS), "Relationship")
        }
        for element in elements(self._read(WORKBOOK), "sheet", "workbookPr"):
            if name_of(element) == "workbookPr":
                is_1904 = element.get("date1904", "0") in {"1", "true"}
                self._zero = _DAY_ZERO_1904 if is_1904 else _DAY_ZERO
                continue
            related = next((str(v) for k, v in element.items() if str(k).endswith("}id")), "")
            target = parts.get(related, "")
            if target:
                yield Sheet(element.get("name", ""), posixpath.join("/xl", target).lstrip("/"))

    def _shared(self) -> list[str]:
        texts: list[str] = []
        size = 0
        for element in elements(self._read(_STRINGS), "si"):
            texts.append(_said(element))
            size += len(texts[-1]) + 64
            if size > _MOST_TEXT:
                raise Malformed(
                    "file.too_large",
                    f"more than {_MOST_TEXT // 1_000_000} MB in one piece",
                    hint="split the file",
                )
        return texts

    def _date_styles(self) -> frozenset[int]:
        """Give the numbers of the styles that show a date or a time."""
        dates = set(_DATE_FORMATS)
        styles: set[int] = set()
        for element in elements(self._read(_STYLES), "numFmt", "cellXfs"):
            if name_of(element) == "numFmt":
                shown = _QUOTED.sub("", element.get("formatCode", "")).lower()
                if _DATE_LETTERS.intersection(shown):
                    dates.add(_whole(element.get("numFmtId"), 0))
                continue
            formats = (_whole(one.get("numFmtId"), 0) for one in element.iterchildren("{*}xf"))
            styles.update(place for place, one in enumerate(formats) if one in dates)
            if len(styles) > _MOST_STYLES:
                raise Malformed("file.xml", "the workbook has too many styles")
        return frozenset(styles)


def _said(element: Element) -> str:
    """Give a text that may stand in several runs."""
    return "".join(one.text or "" for one in element.iter("{*}t"))


def _whole(text: str | None, otherwise: int) -> int:
    known = text is not None and len(text) <= 10 and text.isascii() and text.isdecimal()  # noqa: PLR2004 - digits of 32 bits
    return int(text) if known and text is not None else otherwise


def _column(reference: str, otherwise: int) -> int:
    """Give the place of a column from a reference such as `AB7`."""
    found = _LETTERS.match(reference)
    if found is None:
        return otherwise
    place = 0
    for letter in found[1]:
        place = place * 26 + ord(letter) - ord("A") + 1
    return max(place - 1, otherwise)


def _date(written: str, zero: datetime) -> str:
    """Give the date of a serial number; a number that is none stays as it is."""
    try:
        serial = Decimal(written)
    except InvalidOperation:
        return written
    if not serial.is_finite() or not 0 <= serial < _LATEST:
        return written
    return (zero + timedelta(seconds=int((serial * _DAY_S).to_integral_value()))).isoformat(" ")

"""What customers download from GRDF: a workbook, or the answer that their own page shows.

A row names a gas day, a week (`Du 10/05/2019 au 16/05/2019`) or a month (`Mai 2019`), and is
the amount of the gas days so named: see docs/decisions/gas-day.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from kevre.connect.gathering import Gathering, Hints
from kevre.connect.grdf import names
from kevre.connect.grdf.consumption import (
    KILO,
    Consumption,
    Keeper,
    Register,
    day_of,
    gas_day,
    number,
    point,
)
from kevre.connect.source import Source, cut_line
from kevre.model.batch import Batch
from kevre.model.errors import Malformed

LARGEST = 64_000_000
_DATE = "date de releve"
# The beginnings of the names of columns, without accents, and what we call them.
_COLUMNS = {
    _DATE: "period",
    "index de debut": "first",
    "index de fin": "last",
    "volume": "volume",
    "energie": "energy",
    "coefficient": "factor",
    "qualification": "quality",
}
_DAY = re.compile(r"(?:Du )?(\d\d/\d\d/\d{4})(?: au (\d\d/\d\d/\d{4}))?\Z", re.ASCII)
_MONTH = re.compile(r"(\D{3,9}) (\d{4})\Z", re.ASCII)
_MONTHS = (
    "janvier", "fevrier", "mars", "avril", "mai", "juin", "juillet", "aout", "septembre",
    "octobre", "novembre", "decembre",
)  # fmt: skip


def fits(head: bytes) -> bool:
    """Say whether a file begins like the customer's export."""
    return "Date de relevé".encode() in head and b"PCE" in head


def fits_answer(head: bytes) -> bool:
    """Say whether a file begins like the answer that the customer's page shows."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"{") and b'"idPce"' in head and b'"releves"' in head


def parse(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read the rows of an export, its cells cut by semicolons.

    Raises:
        Malformed: there is no table, or no metering point.
    """
    keeper = Keeper(gathering)
    pce = ""
    places: dict[str, int] = {}
    for number_of_line, line in source.lines():
        cells = [cell.strip() for cell in line.decode("utf-8", "replace").split(";")]
        if not places:
            pce = pce or _pce(cells)
            places = _places(cells)
            continue
        said = {name: cells[place] for name, place in places.items() if place < len(cells)}
        if any(said.values()):
            if source.is_open_ended:
                gathering.fault(cut_line(), line=number_of_line)
            else:
                _keep(keeper, said, point(pce, hints), number_of_line)
        if gathering.is_full:
            yield gathering.batch()
    if not places and source.fault is None:
        raise Malformed("grdf.no_consumption", "there is no table that begins with Date de relevé")
    yield from gathering.rest(source.fault)


def parse_answer(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read an answer: for each metering point its `releves`.

    Raises:
        Malformed: it is no JSON.
    """
    keeper = Keeper(gathering)
    count = 0
    for of_point in _loaded(source.whole(LARGEST)).values():
        if not isinstance(of_point, dict):
            continue
        releves = of_point.get("releves")
        for one in releves if isinstance(releves, list) else ():
            count += 1
            urn = point(str(of_point.get("idPce") or ""), hints)
            _keep(keeper, _renamed(one if isinstance(one, dict) else {}), urn, count)
            if gathering.is_full:
                yield gathering.batch()
    yield from gathering.rest(source.fault)


def _loaded(content: bytes) -> dict[str, object]:
    try:
        loaded = json.loads(content.removeprefix(b"\xef\xbb\xbf"), parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        where = f"line {getattr(error, 'lineno', 1)}"
        raise Malformed("grdf.json", "this is not JSON", where=where) from error
    return loaded if isinstance(loaded, dict) else {}


def _renamed(one: Mapping[str, object]) -> dict[str, object]:
    """Give a reading of the page under the names of the export's columns.

    Its instants say 06:00 with the offset of UTC and mean local time, so only their days count.
    """
    first = str(one.get("dateDebutReleve") or one.get("journeeGaziere") or "")
    last = one.get("dateFinReleve")
    day = day_of(first) if first else None
    return {
        "day": day,
        "end": day_of(str(last)) if last else day and day + timedelta(days=1),
        "first": one.get("indexDebut"),
        "last": one.get("indexFin"),
        "volume": one.get("volumeBrutConsomme"),
        "energy": one.get("energieConsomme"),
        "factor": one.get("coeffConversion"),
        "quality": one.get("qualificationReleve"),
        "kind": one.get("natureReleve"),
    }


def _pce(cells: Sequence[str]) -> str:
    """Give the metering point that a row names, if it does: the cell after its name."""
    filled = [cell for cell in cells if cell]
    for name, value in pairwise(filled):
        if "PCE" in name:
            return value
    return ""


def _places(cells: Sequence[str]) -> dict[str, int]:
    """Give the places of the columns, if this row names them."""
    plain = [names.plain(cell) for cell in cells]
    if not any(cell.startswith(_DATE) for cell in plain):
        return {}
    return {
        name: place
        for place, cell in enumerate(plain)
        for start, name in _COLUMNS.items()
        if cell.startswith(start)
    }


def _keep(keeper: Keeper, said: Mapping[str, object], urn: str, line: int) -> None:
    try:
        keeper.keep(_consumption(said, urn), line)
    except Malformed as error:
        raw = ";".join(str(one) for one in said.values())
        keeper.gathering.fault(error, line=line, field=error.where, raw=raw)


def _consumption(said: Mapping[str, object], urn: str) -> Consumption:
    first, end = _days(said)
    start_s, end_s = gas_day(first)[0], gas_day(end)[0]
    if end_s <= start_s:
        raise Malformed("grdf.period", "the period ends before it starts")
    quality = names.quality(str(said.get("quality") or ""))
    ends = (start_s, number(said.get("first"))), (end_s, number(said.get("last")))
    return Consumption(
        urn,
        "consumption",
        names.form(str(said.get("kind") or ""), end_s - start_s),
        start_s,
        end_s - start_s,
        quality,
        energy=number(said.get("energy"), KILO),
        volume=number(said.get("volume")),
        factor=number(said.get("factor"), KILO),
        registers=tuple(
            Register("index", at_s, value, quality) for at_s, value in ends if value is not None
        ),
    )


def _days(said: Mapping[str, object]) -> tuple[date, date]:
    """Give the first gas day and the one after the last."""
    day, end = said.get("day"), said.get("end")
    if isinstance(day, date) and isinstance(end, date):
        return day, end
    text = str(said.get("period") or "").strip()
    if found := _DAY.match(text):
        return _read_day(found[1]), _read_day(found[2] or found[1]) + timedelta(days=1)
    month = _MONTH.match(names.plain(text))
    if month is not None and month[1] in _MONTHS:
        of_year = _MONTHS.index(month[1]) + 1
        year = int(month[2])
        return date(year, of_year, 1), date(year + of_year // 12, of_year % 12 + 1, 1)
    return day_of(text), day_of(text) + timedelta(days=1)


def _read_day(text: str) -> date:
    try:
        return datetime.strptime(text, "%d/%m/%Y").date()  # noqa: DTZ007 - a calendar day
    except ValueError as error:
        raise Malformed("grdf.period", f"{text!r} is no day") from error

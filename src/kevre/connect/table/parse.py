"""Reads a table of one series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from kevre.connect.gathering import Gathering, Hints
from kevre.connect.source import Source, cut_line
from kevre.connect.table import names
from kevre.connect.wide import cells_of, header_of
from kevre.model import exact, identifier, unit, window
from kevre.model.batch import Batch
from kevre.model.errors import KevreError, Malformed
from kevre.model.quality import Quality
from kevre.model.series import Statistic
from kevre.model.step import seconds

_INTERVALS = frozenset({Statistic.MEAN, Statistic.SUM})
# Which column an error of the model is about, by the first word of its code.
_FIELDS = {"unit": names.UNIT, "step": names.STEP}


def fits(head: bytes) -> bool:
    """Say whether a table has starts and values."""
    found = header_of(head)
    return names.START in found and names.VALUE in found


@dataclass(frozen=True, slots=True)
class _Cells:
    line: int
    named: dict[str, str]
    start_s: int


def parse(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read a table.

    Raises:
        Malformed: the series is not named, or its path is not known.
    """
    name = _name(hints)
    kind = identifier.KINDS.get(name.path) or identifier.kind_of(name.path)
    if kind is None:
        raise Malformed("identifier.kind", "the path of this series is not known", where="--series")
    lines = source.lines()
    columns = header_of(next(lines, (1, b""))[1])
    held: _Cells | None = None
    step_s: int | None = None if kind.statistic in _INTERVALS else 0
    for cells in _rows(source, lines, columns, hints.zone, gathering):
        if step_s is None and held is not None and cells.start_s > held.start_s:
            step_s = cells.start_s - held.start_s
        if held is not None:
            _keep(held, name, hints, step_s, gathering)
            if gathering.is_full:
                yield gathering.batch()
        held = cells
    if held is not None:
        _keep(held, name, hints, step_s, gathering)
    yield from gathering.rest(source.fault)


def _name(hints: Hints) -> identifier.SeriesName:
    if not hints.series:
        raise Malformed(
            "table.series",
            "the table does not say which series it holds",
            hint="name it: --series urn:dev:…_consumption/power/active/raw",
        )
    return identifier.parse(hints.series)


def _rows(
    source: Source,
    lines: Iterator[tuple[int, bytes]],
    columns: list[str],
    zone: ZoneInfo | None,
    gathering: Gathering,
) -> Iterator[_Cells]:
    after = None
    for number, line in lines:
        if not line.strip(b", \t"):
            continue
        raw = line.decode("utf-8", "replace")
        try:
            named = _named(line, columns, may_be_cut=source.is_open_ended)
        except Malformed as error:
            gathering.fault(error, line=number, raw=raw)
            continue
        try:
            after = window.instant(named[names.START], zone, after=after)
        except Malformed as error:
            gathering.fault(error, line=number, field=names.START, raw=raw)
            continue
        yield _Cells(number, named, int(after.timestamp()))


def _named(line: bytes, columns: list[str], *, may_be_cut: bool) -> dict[str, str]:
    cells = cells_of(line)
    if len(cells) < len(columns):
        raise Malformed("table.cells", f"{len(cells)} cells instead of {len(columns)}")
    if may_be_cut:
        raise cut_line()
    return dict(zip(columns, cells, strict=False))


def _keep(
    cells: _Cells,
    name: identifier.SeriesName,
    hints: Hints,
    usual_s: int | None,
    gathering: Gathering,
) -> None:
    try:
        step_s = _step_s(cells, usual_s)
        start_s = cells.start_s - (step_s if hints.stamp == "end" else 0)
        text = cells.named.get(names.VALUE, "").strip()
        quality = _quality(cells.named.get(names.QUALITY, ""), text)
        value = None if quality is Quality.MISSING else _value(text, cells, name, hints)
    except KevreError as error:
        raw = ",".join(cells.named.values())
        field = error.where or _FIELDS.get(error.code.partition(".")[0], names.VALUE)
        gathering.fault(error, line=cells.line, field=field, raw=raw)
        return
    gathering.add(name.path, name.point, start_s, step_s, value, quality=quality, line=cells.line)


def _step_s(cells: _Cells, usual_s: int | None) -> int:
    text = cells.named.get(names.STEP, "").strip()
    if text:
        return seconds(text)
    if usual_s is None:
        raise Malformed("table.step", "the step is not known", where="step", hint="add the column")
    return usual_s


def _quality(word: str, text: str) -> Quality:
    if not text:
        return Quality.MISSING
    found = names.QUALITIES.get(word.strip().lower() or "measured")
    if found is None or found is Quality.MISSING:
        raise Malformed("table.quality", f"{word[:20]!r} is no quality of a value", where="quality")
    return found


def _value(text: str, cells: _Cells, name: identifier.SeriesName, hints: Hints) -> exact.Exact:
    kind = name.kind
    base = kind.unit if kind else ""
    symbol = cells.named.get(names.UNIT, "").strip() or hints.unit or base
    mantissa, exponent = exact.parse(text)
    exponent += unit.shift(symbol, base)
    return mantissa * 10 ** max(exponent, 0), min(exponent, 0)

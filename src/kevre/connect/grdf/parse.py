"""Answers of GRDF's API ADICT: informative and published consumptions of gas, JSON.

An answer holds one consumption, a list of them, or one on each line. A gas day begins at
06:00 in France, so that of the two nights on which the clock changes has 23 and 25 hours.
Energies are kWh, volumes m3; numbers may have a decimal comma.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from kevre.connect.gathering import Gathering, Hints
from kevre.connect.grdf import names
from kevre.connect.source import Source
from kevre.model import exact, identifier, window
from kevre.model.batch import Batch
from kevre.model.errors import Malformed
from kevre.model.quality import Quality

LARGEST = 64_000_000
_MARK = b'"id_pce"'
_HEAD = 65_536
_GAS_DAY = time(6)
_KILO = 3
_DATE_LENGTH = len("2026-01-31")
_SENTINELS = frozenset({"", "null", "none"})

Parts = dict[str, object]


def fits(head: bytes) -> bool:
    """Say whether a file begins like an answer of ADICT."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["} and _MARK in head


def batches(content: bytes, hints: Hints, *, origin: str, key: str, source: str) -> Iterator[Batch]:
    """Read the body of one answer of ADICT, as a connector fetches it.

    Args:
        content: JSON: one consumption, a list of them, or one on each line.
        hints: `series` names the point where the answer masks it.
        origin: who fetched it.
        key: what makes a repetition recognisable.
        source: where it was read, for people (see `model.batch.Batch`).

    Raises:
        Malformed: it is no JSON, so that nothing can be read. A single consumption that
            cannot be read, or that GRDF refused (`grdf.refused`), is a fault of the batch.
    """
    gathering = Gathering(origin, key, source)
    reader = _Reader(gathering, hints)
    for number, text in _documents(content):
        reader.take(number, text)
        if gathering.is_full:
            yield gathering.batch()
    yield from gathering.rest()


def parse(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read a file of answers; of one consumption a line, one is in memory at a time."""
    reader = _Reader(gathering, hints)
    for number, text in _of_file(source):
        reader.take(number, text)
        if gathering.is_full:
            yield gathering.batch()
    yield from gathering.rest(source.fault)


def _of_file(source: Source) -> Iterator[tuple[int, object]]:
    head = source.head(_HEAD).removeprefix(b"\xef\xbb\xbf")
    if not _is_whole(head.split(b"\n", 1)[0]):
        yield from _documents(source.whole(LARGEST))
        return
    for number, line in source.lines():
        yield number, line.removeprefix(b"\xef\xbb\xbf")


def _is_whole(line: bytes) -> bool:
    """Say whether a first line is one consumption by itself."""
    try:
        return isinstance(_loaded(line), dict)
    except Malformed:
        return False


def _documents(content: bytes) -> Iterator[tuple[int, object]]:
    content = content.removeprefix(b"\xef\xbb\xbf").strip()
    lines = content.splitlines()
    if lines and _is_whole(lines[0]):
        yield from enumerate(lines, start=1)
        return
    loaded = _loaded(content)
    yield from enumerate(loaded if isinstance(loaded, list) else [loaded], start=1)


def _loaded(content: bytes) -> object:
    try:
        return json.loads(content, parse_float=Decimal, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        where = f"line {getattr(error, 'lineno', 1)}"
        raise Malformed("grdf.json", "this is not JSON", where=where) from error


def _refused(word: str) -> object:
    raise ValueError(f"{word} is no number")


@dataclass(frozen=True, slots=True)
class Consumption:
    """One consumption of gas, its words read but not yet its numbers.

    Attributes:
        point: URN of the metering point.
        way: consumption or production.
        form: last word of the paths, see `names.form`.
        start_s: start of its time [epoch s].
        step_s: its length [s].
        quality: of its energy, volume and conversion.
    """

    point: str
    way: str
    form: str
    start_s: int
    step_s: int
    quality: Quality


@dataclass(slots=True)
class Registers:
    """Keeps registers, each once: one period ends where the next begins."""

    gathering: Gathering
    _last: dict[tuple[str, str], tuple[int, exact.Exact]] = field(default_factory=dict)

    def take(
        self, path: str, point: str, at_s: int, value: exact.Exact, *, line: int, quality: Quality
    ) -> None:
        """Keep one register, unless the period before has just given the same."""
        if self._last.get((path, point)) == (at_s, value):
            return
        self._last[path, point] = at_s, value
        self.gathering.add(path, point, at_s, 0, value, line=line, quality=quality)


class _Reader:
    """Reads consumptions one by one."""

    def __init__(self, gathering: Gathering, hints: Hints) -> None:
        self._gathering = gathering
        self._hints = hints
        self._registers = Registers(gathering)

    def take(self, line: int, document: object) -> None:
        """Read one consumption; what cannot be read becomes a fault."""
        try:
            one = _loaded(document) if isinstance(document, bytes) else document
            self._consumption(line, one if isinstance(one, dict) else {})
        except Malformed as error:
            self._gathering.fault(error, line=line, field=error.where)

    def _consumption(self, line: int, one: Parts) -> None:
        amounts = _parts(one, "consommation")
        if not amounts:
            raise _without(one)
        consumption = _read(one, amounts, self._hints)
        self._amounts(line, consumption, amounts)
        for end in ("debut", "fin"):
            self._register(line, consumption, _parts(one, f"releve_{end}"), end)

    def _amounts(self, line: int, one: Consumption, amounts: Parts) -> None:
        energy = number(amounts.get("energie"), _KILO)
        volume = number(amounts.get("volume_brut"))
        converted = number(amounts.get("volume_converti"))
        factor = number(_parts(amounts, "coeff_calcul").get("coeff_conversion"), _KILO)
        self._add(f"{one.way}/energy/gas/{one.form}", one, energy, line)
        self._add(f"{one.way}/volume/gas/{one.form}", one, volume, line)
        # Meters without a converter say 0 here.
        if converted is not None and converted[0]:
            self._add(f"{one.way}/volume/gas/{one.form}/converted", one, converted, line)
        if factor is not None:
            self._add(f"conversion/gas/{one.form}", one, factor, line)

    def _add(self, path: str, one: Consumption, value: exact.Exact | None, line: int) -> None:
        known = None if one.quality is Quality.MISSING else value
        self._gathering.add(
            path, one.point, one.start_s, one.step_s, known, line=line, quality=one.quality
        )

    def _register(self, line: int, one: Consumption, reading: Parts, end: str) -> None:
        said = _text(reading, "qualite_releve")
        quality = names.quality(said) if said else one.quality
        for name, path in (("brut", "index"), ("converti", "index/converted")):
            register = _parts(reading, f"index_{name}_{end}")
            value = number(register.get("valeur_index"))
            at = _text(register, "horodate_Index") or _text(reading, "date_releve")
            if value is None or not at or quality is Quality.MISSING:
                continue
            self._registers.take(
                f"{one.way}/volume/gas/{path}",
                one.point,
                _epoch_s(at, f"index_{name}_{end}"),
                value,
                line=line,
                quality=quality,
            )


def _read(one: Parts, amounts: Parts, hints: Hints) -> Consumption:
    start_s, end_s = _period(amounts)
    step_s = end_s - start_s
    if step_s <= 0:
        raise Malformed("grdf.period", "the period ends before it starts")
    return Consumption(
        _point(_text(_parts(one, "pce"), "id_pce"), hints),
        names.direction(_text(amounts, "sens_flux_gaz")),
        names.form(_text(amounts, "type_conso"), step_s),
        start_s,
        step_s,
        names.quality(_text(amounts, "type_qualif_conso")),
    )


def _point(pce: str, hints: Hints) -> str:
    return identifier.point(hints.series) if hints.series else identifier.pce_point(pce)


def _period(amounts: Parts) -> tuple[int, int]:
    """Give start and end: those that are said, or else those of the gas day that is named."""
    first, last = (_text(amounts, f"date_{end}_consommation") for end in ("debut", "fin"))
    if first and last:
        return _epoch_s(first, "date_debut_consommation"), _epoch_s(last, "date_fin_consommation")
    day = _text(amounts, "journee_gaziere")
    if not day:
        raise Malformed("grdf.period", "neither a period nor a gas day is named")
    return gas_day(_day(day))


def gas_day(day: date) -> tuple[int, int]:
    """Give the start and the end of a gas day: 06:00 in France [epoch s].

    >>> start_s, end_s = gas_day(date(2026, 3, 28))
    >>> (end_s - start_s) / 3600
    23.0
    """
    start, end = (
        int(datetime.combine(one, _GAS_DAY, window.PARIS).timestamp())
        for one in (day, day + timedelta(days=1))
    )
    return start, end


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:_DATE_LENGTH])
    except ValueError as error:
        raise Malformed("grdf.period", f"{text[:30]!r} is no day") from error


def _epoch_s(text: str, where: str) -> int:
    """Give an instant; a day without a time begins as a gas day does."""
    if len(text) == _DATE_LENGTH:
        return gas_day(_day(text))[0]
    try:
        return int(window.instant(text, window.PARIS).timestamp())
    except Malformed as error:
        error.where = where
        raise


def number(written: object, shift: int = 0) -> exact.Exact | None:
    """Give a number in the base unit, `shift` powers of ten below its own; None for nothing.

    >>> number("14,50169", 3), number(8, 3), number(None)
    ((1450169, -2), (8000, 0), None)

    Raises:
        Malformed: not a number.
    """
    if written is None or (isinstance(written, str) and written.strip().lower() in _SENTINELS):
        return None
    if isinstance(written, bool) or not isinstance(written, int | Decimal | str):
        raise Malformed("value.not_a_number", "this is no number", hint="use digits")
    mantissa, exponent = exact.parse(str(written).replace(",", "."))
    exponent += shift
    return mantissa * 10 ** max(exponent, 0), min(exponent, 0)


def _without(one: Parts) -> Malformed:
    said = _parts(one, "statut_restitution")
    if said:
        code = _text(said, "code")[:20]
        return Malformed("grdf.refused", f"GRDF gives no consumption here, with the code {code!r}")
    return Malformed("grdf.no_consumption", "this document holds no consumption")


def _parts(one: Parts, name: str) -> Parts:
    found = one.get(name)
    return found if isinstance(found, dict) else {}


def _text(one: Parts, name: str) -> str:
    found = one.get(name)
    return "" if found is None or isinstance(found, dict | list) else str(found)

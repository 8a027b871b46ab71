"""Answers of GRDF's API ADICT: informative and published consumptions of gas, JSON.

An answer holds one consumption, a list of them, or one on each line. A gas day begins at
06:00 in France, so that of the two nights on which the clock changes has 23 and 25 hours.
Energies are kWh, volumes m3; numbers may have a decimal comma.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain

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
from kevre.connect.source import Source
from kevre.model import window
from kevre.model.batch import Batch
from kevre.model.errors import Malformed
from kevre.model.quality import Quality

LARGEST = 64_000_000
_MARK = b'"id_pce"'
_HEAD = 65_536
_DATE_LENGTH = len("2026-01-31")

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
    for place, text in _documents(content):
        reader.take(place, text)
        if gathering.is_full:
            yield gathering.batch()
    yield from gathering.rest()


def parse(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read a file of answers; of one consumption a line, one is in memory at a time."""
    reader = _Reader(gathering, hints)
    for place, text in _of_file(source):
        reader.take(place, text)
        if gathering.is_full:
            yield gathering.batch()
    yield from gathering.rest(source.fault)


def _of_file(source: Source) -> Iterator[tuple[int, object]]:
    head = source.head(_HEAD).removeprefix(b"\xef\xbb\xbf")
    if not _is_whole(head.split(b"\n", 1)[0]):
        yield from _documents(source.whole(LARGEST))
        return
    for place, line in source.lines():
        yield place, line.removeprefix(b"\xef\xbb\xbf")


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


class _Reader:
    """Reads consumptions one by one."""

    def __init__(self, gathering: Gathering, hints: Hints) -> None:
        self._gathering = gathering
        self._hints = hints
        self._keeper = Keeper(gathering)

    def take(self, line: int, document: object) -> None:
        """Read one consumption; what cannot be read becomes a fault."""
        try:
            one = _loaded(document) if isinstance(document, bytes) else document
            self._keeper.keep(_read(one if isinstance(one, dict) else {}, self._hints), line)
        except Malformed as error:
            self._gathering.fault(error, line=line, field=error.where)


def _read(one: Parts, hints: Hints) -> Consumption:
    amounts = _parts(one, "consommation")
    if not amounts:
        raise _without(one)
    start_s, end_s = _period(amounts)
    step_s = end_s - start_s
    if step_s <= 0:
        raise Malformed("grdf.period", "the period ends before it starts")
    quality = names.quality(_text(amounts, "type_qualif_conso"))
    ends = (_registers(_parts(one, f"releve_{end}"), end, quality) for end in ("debut", "fin"))
    return Consumption(
        point(_text(_parts(one, "pce"), "id_pce"), hints),
        names.direction(_text(amounts, "sens_flux_gaz")),
        names.form(_text(amounts, "type_conso"), step_s),
        start_s,
        step_s,
        quality,
        energy=number(amounts.get("energie"), KILO),
        volume=number(amounts.get("volume_brut")),
        factor=number(_parts(amounts, "coeff_calcul").get("coeff_conversion"), KILO),
        converted=number(amounts.get("volume_converti")),
        registers=tuple(chain.from_iterable(ends)),
    )


def _registers(reading: Parts, end: str, otherwise: Quality) -> Iterator[Register]:
    said = _text(reading, "qualite_releve")
    quality = names.quality(said) if said else otherwise
    for name, path in (("brut", "index"), ("converti", "index/converted")):
        register = _parts(reading, f"index_{name}_{end}")
        value = number(register.get("valeur_index"))
        at = _text(register, "horodate_Index") or _text(reading, "date_releve")
        if value is not None and at:
            yield Register(path, _epoch_s(at, f"index_{name}_{end}"), value, quality)


def _period(amounts: Parts) -> tuple[int, int]:
    """Give start and end: those that are said, or else those of the gas day that is named."""
    first, last = (_text(amounts, f"date_{end}_consommation") for end in ("debut", "fin"))
    if first and last:
        return _epoch_s(first, "date_debut_consommation"), _epoch_s(last, "date_fin_consommation")
    day = _text(amounts, "journee_gaziere")
    if not day:
        raise Malformed("grdf.period", "neither a period nor a gas day is named")
    return gas_day(day_of(day))


def _epoch_s(text: str, where: str) -> int:
    """Give an instant; a day without a time begins as a gas day does."""
    if len(text) == _DATE_LENGTH:
        return gas_day(day_of(text))[0]
    try:
        return int(window.instant(text, window.PARIS).timestamp())
    except Malformed as error:
        error.where = where
        raise


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

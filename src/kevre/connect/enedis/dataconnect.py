"""Answers of Enedis Data Connect and files R6x in JSON.

Three forms: that of September 2026 (`idPrm`, `grandeur`, `points`: the words of the files
R63 to R66), a file R6x, which wraps many of those in `mesures`, and that of API v4 and v5
before it (`meter_reading`, `interval_reading`). All stamps are local times of Paris without
an offset; those of curves are the end of their interval, for Data Connect knows no other
meters than Linky.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

from kevre.connect.enedis import names, point
from kevre.connect.enedis.jsonfile import documents
from kevre.connect.enedis.point import Points
from kevre.connect.enedis.register import Grids, Parts, parts_of, text_of
from kevre.connect.gathering import Gathering, Hints
from kevre.connect.source import Source
from kevre.model import identifier, step, unit
from kevre.model.batch import Batch
from kevre.model.errors import Malformed

_MARKS = (b'"idPrm"', b'"meter_reading"', b'"codeFlux"')
_OLDER_FORMS = {
    ("power", "maximum"): (point.Form.PEAK, "power/apparent/max"),
    ("power", "average"): (point.Form.CURVE, "power/active/raw"),
    ("energy", "sum"): (point.Form.DAILY, "energy/active/daily"),
}


def fits(head: bytes) -> bool:
    """Say whether a file begins like an answer of Data Connect or a file R6x."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start[:1] in {b"{", b"["} and any(mark in head for mark in _MARKS)


def batches(content: bytes, hints: Hints, *, origin: str, key: str, source: str) -> Iterator[Batch]:
    """Read one answer of Data Connect, as a connector fetches it.

    Args:
        content: the body of the answer, JSON.
        hints: `direction` says which way energy flows where the answer does not (v4 and v5
            name it in the path of the request only); `series` the point, if it is masked.
        origin: who fetched it.
        key: what makes a repetition recognisable.
        source: where it was read, for people (see `model.batch.Batch`).

    Raises:
        Malformed: it is no such answer, so that nothing can be read.
    """
    gathering = Gathering(origin, key, source)
    yield from _read(iter([_loaded(content)]), gathering, hints)
    yield from gathering.rest()


def parse(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read a file: one answer, or a file R6x, of which one point is in memory at a time."""
    yield from _read((_loaded(one) for one in documents(source)), gathering, hints)
    yield from gathering.rest(source.fault)


def _loaded(content: bytes) -> dict[str, object]:
    try:
        read = json.loads(content, parse_float=Decimal, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        where = f"line {getattr(error, 'lineno', 1)}"
        raise Malformed("enedis.json", "this is not JSON", where=where) from error
    if isinstance(read, dict):
        return read
    raise Malformed("enedis.json", "this is no answer of Data Connect", where="line 1")


def _refused(word: str) -> object:
    raise ValueError(f"{word} is no number")


def _read(parts: Iterator[Parts], gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read answers, each of one point; one that cannot be read becomes a fault if others can."""
    reader = _Reader(gathering, hints)
    for one in parts:
        yield from reader.answer(one)


class _Reader:
    """Reads answers, counting the points of measurement of all of them."""

    def __init__(self, gathering: Gathering, hints: Hints) -> None:
        self._gathering = gathering
        self._hints = hints
        self._points = Points(gathering, hints, "end")
        self._grids = Grids(gathering, 0)
        self._count = 0

    def answer(self, one: Parts) -> Iterator[Batch]:
        """Read one answer.

        Raises:
            Malformed: nothing of it can be read.
        """
        if "meter_reading" in one:
            for reading in parts_of(one["meter_reading"]):
                yield from self._older(reading)
            return
        if "idPrm" not in one:
            raise Malformed(
                "enedis.json",
                "there is neither idPrm nor meter_reading",
                hint="an answer that only says why there is none holds no readings",
            )
        urn = point.point_of(text_of(one, "idPrm"), self._hints)
        for context in (one, *parts_of(one.get("contexte"))):
            for quantity in parts_of(context.get("grandeur")):
                yield from self._quantity(urn, {**one, **context}, quantity)

    def _quantity(self, urn: str, context: Parts, quantity: Parts) -> Iterator[Batch]:
        try:
            if quantity.get("points"):
                yield from self._curve(urn, context, quantity)
            if quantity.get("calendrier"):
                self._grids.count = self._count
                self._grids.read(urn, quantity, fallback=self._hints.direction or "")
                self._count = self._grids.count
        except Malformed as error:
            self._gathering.fault(error, line=self._count, field="grandeur")
        if self._gathering.is_full:
            yield self._gathering.batch()

    def _curve(self, urn: str, context: Parts, quantity: Parts) -> Iterator[Batch]:
        at = point.heading(
            urn,
            text_of(quantity, "grandeurPhysique"),
            text_of(quantity, "grandeurMetier") or self._hints.direction or "",
            stage=text_of(context, "etapeMetier"),
            symbol=text_of(quantity, "unite"),
            step_text=text_of(context, "pas"),
        )
        self._points.restart()
        for one in parts_of(quantity.get("points")):
            self._count += 1
            self._points.take(
                at,
                self._count,
                text_of(one, "d"),
                text_of(one, "v"),
                step_text=text_of(one, "p"),
                quality=names.quality(text_of(one, "n"), text_of(one, "iv")),
            )
            if self._gathering.is_full:
                yield self._gathering.batch()

    def _older(self, reading: Parts) -> Iterator[Batch]:
        kind = next(parts_of(reading.get("reading_type")), {})
        said = text_of(kind, "measurement_kind"), text_of(kind, "aggregate")
        if said not in _OLDER_FORMS:
            raise Malformed("enedis.quantity", f"{' '.join(said)[:40]!r} is not known here")
        form, path = _OLDER_FORMS[said]
        path = f"{self._hints.direction or 'consumption'}/{path}"
        base = identifier.KINDS[path].unit
        at = point.Heading(
            point.point_of(text_of(reading, "usage_point_id"), self._hints),
            path,
            form,
            unit.shift(text_of(kind, "unit") or base, base),
            _fixed_s(text_of(kind, "interval_length")),
        )
        self._points.restart()
        for one in parts_of(reading.get("interval_reading")):
            self._count += 1
            self._points.take(
                at,
                self._count,
                text_of(one, "date"),
                text_of(one, "value"),
                step_text=text_of(one, "interval_length"),
                quality=names.quality(text_of(one, "measure_type")),
            )
            if self._gathering.is_full:
                yield self._gathering.batch()


def _fixed_s(text: str) -> int:
    return step.seconds(text) if text else 0

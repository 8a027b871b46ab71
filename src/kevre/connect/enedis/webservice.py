"""Answers of Enedis' SGE web services: detailed measurements v2 and v3, and ConsultationMesures.

Sources: answers of the services as observed on real samples. Curves of larger meters
(C1 to C4, steps of 5 and 10 minutes) stamp the start of the interval, those of Linky the end.
Version 3 leaves the offset out: stamps are then of Paris, told apart by their order where
October repeats an hour.
"""

from __future__ import annotations

from collections.abc import Iterator

from kevre.connect.enedis import names, point
from kevre.connect.enedis.element import Element, Texts, elements, name_of, parts, text
from kevre.connect.enedis.point import Points, Rows
from kevre.connect.enedis.register import DISTRIBUTOR, PROVIDER, Grids, Registers, named, span_of
from kevre.connect.gathering import Gathering, Hints
from kevre.connect.source import Source
from kevre.model import unit
from kevre.model.batch import Batch
from kevre.model.errors import Malformed

_PERIODS = frozenset({"serie"})
_POINTS = frozenset({"pointId", "idPrm"})
_STAGES = frozenset({"mesuresCorrigees", "etapeMetier"})
_TAGS = _POINTS | _STAGES | {"grandeur", "serie"}
_FIELDS = ("d", "v", "p", "n", "iv")
_TURPE = "seriesMesuresDateesGrilleTurpe"


def parse(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read an answer, as it came, in its envelope or without.

    Raises:
        Malformed: it is not XML, or names no metering point.
    """
    reader = _Reader(gathering, hints)
    for element in elements(source, _TAGS):
        reader.take(element)
        if gathering.is_full:
            yield gathering.batch()
    reader.close()
    yield from gathering.rest(source.fault)


class _Reader:
    """Reads elements as they end; what stands above the points is kept in mind."""

    def __init__(self, gathering: Gathering, hints: Hints) -> None:
        self._gathering = gathering
        self._hints = hints
        self._points = Points(gathering, hints)
        self._grids = Grids(gathering, 0)
        # Version 2 names its rows `mesure`, version 3 `points`.
        self._texts = [Texts(row, _FIELDS) for row in ("mesure", "points")]
        self._urn = ""
        self._stage = ""
        self._billed: Registers | None = None

    def take(self, element: Element) -> None:
        """Read one element; what cannot be read of it becomes a fault."""
        name = name_of(element)
        if name in _POINTS:
            self._urn = point.point_of(element.text or "", self._hints)
        elif name in _STAGES:
            self._stage = (element.text or "").strip()
        else:
            if not self._urn:
                raise Malformed(
                    "enedis.xml", "the answer names no metering point before its values"
                )
            try:
                self._series(element) if name in _PERIODS else self._quantity(element)
            except Malformed as error:
                self._gathering.fault(error, line=self._grids.count + 1, field=name)

    def close(self) -> None:
        """Give the totals of what was billed."""
        if self._billed is not None:
            self._billed.close()

    def _quantity(self, element: Element) -> None:
        fallback = self._hints.direction or ""
        for texts in self._texts:
            stamps, *columns = texts.columns(element)
            if stamps:
                self._curve(element, fallback, Rows(stamps, *columns))
        if element.find("calendrier") is not None:
            self._grids.read(self._urn, parts(element), fallback=fallback)

    def _curve(self, element: Element, fallback: str, rows: Rows) -> None:
        at = point.heading(
            self._urn,
            text(element, "grandeurPhysique"),
            text(element, "grandeurMetier") or fallback,
            stage=self._stage,
            symbol=text(element, "unite"),
        )
        self._points.take_all(at, self._grids.count + 1, rows)
        self._grids.count += len(rows.stamps)

    def _series(self, element: Element) -> None:
        """Read what was billed of one tariff class, period by period."""
        quantity = _code(element, "grandeurPhysique")
        if quantity != "EA":
            raise Malformed("enedis.quantity", f"{quantity[:40]!r} is no quantity known here")
        above = element.getparent()
        is_turpe = above is not None and name_of(above) == _TURPE
        owner = DISTRIBUTOR if is_turpe else PROVIDER
        name = named(_code(element, "classeTemporelle"), "", owner)
        shift = unit.shift(text(element, "unite") or "kWh", "Wh")
        if self._billed is None:
            way = names.direction(self._hints.direction or "")
            path = f"{way}/energy/active/billed"
            self._billed = Registers(self._gathering, self._urn, path)
        for row in element.iter("mesure"):
            self._grids.count += 1
            self._period(self._billed, owner, name, row, shift)

    def _period(self, billed: Registers, owner: str, name: str, row: Element, shift: int) -> None:
        first, last = text(row, "dateDebut"), text(row, "dateFin")
        line = self._grids.count
        try:
            span = span_of(first, last)
        except Malformed as error:
            self._gathering.fault(error, line=line, field="dateDebut", raw=f"{first};{last}")
            return
        quality = names.quality(_code(row, "nature"), "", _code(row, "statut"))
        billed.take(owner, name, span, text(row, "valeur"), shift=shift, quality=quality, line=line)


def _code(element: Element, name: str) -> str:
    child = element.find(name)
    return "" if child is None else str(child.get("code") or "").strip()

"""Stream files of Enedis in XML: R50, R4x, R151, R171, R15 and the registers of C15.

Sources: files of subscriptions as observed on real samples. One file holds many metering
points. Curves of Linky (R50) stamp the end of the interval, those of larger meters (R4H, R4M,
R4Q) the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kevre.connect.enedis import names, point
from kevre.connect.enedis.dial import Dials
from kevre.connect.enedis.element import Element, Texts, elements, text
from kevre.connect.enedis.point import Form, Heading, Points, Rows
from kevre.connect.enedis.register import Registers, named, owner_of
from kevre.connect.enedis.stamp import Stamps
from kevre.connect.gathering import Gathering, Hints
from kevre.connect.source import Source
from kevre.model import identifier, unit, window
from kevre.model.batch import Batch
from kevre.model.errors import Malformed

_MINUTE_S = 60
_DEFAULT_MIN = "30"


def parse(source: Source, gathering: Gathering, hints: Hints, *, root: str) -> Iterator[Batch]:
    """Read a stream file; `root` is the name of its outermost element.

    Raises:
        Malformed: it is not XML.
    """
    reader, tags = _READERS[root]
    taker = reader(gathering, hints)
    for element in elements(source, tags):
        try:
            taker.take(element)
        except Malformed as error:
            gathering.fault(error, line=taker.count, field=str(element.tag))
        if gathering.is_full:
            yield gathering.batch()
    taker.close()
    yield from gathering.rest(source.fault)


class _Taker:
    """Takes the elements of one kind of file.

    Attributes:
        count: values read so far.
    """

    def __init__(self, gathering: Gathering, hints: Hints) -> None:
        self.gathering = gathering
        self.hints = hints
        self.count = 0

    def take(self, element: Element) -> None:
        """Read one element.

        Raises:
            Malformed: nothing of it can be read.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Give what can be given only when all was read."""


class _LinkyCurve(_Taker):
    """R50: half-hours of Linky meters."""

    _minutes = _DEFAULT_MIN

    def __init__(self, gathering: Gathering, hints: Hints) -> None:
        super().__init__(gathering, hints)
        self._points = Points(gathering, hints, "end")
        self._texts = Texts("PDC", ("H", "V", "IV"))

    def take(self, element: Element) -> None:
        """Read the day of one point; the header says the step."""
        if element.tag == "Pas_Publication":
            self._minutes = (element.text or "").strip()
            return
        if element.tag != "Donnees_Releve":
            return
        urn = point.point_of(text(element.getparent(), "Id_PRM"), self.hints)
        way = names.direction(self.hints.direction or "")
        at = Heading(urn, f"{way}/power/active/raw", Form.CURVE, 0, _minutes_s(self._minutes))
        stamps, texts, doubts = self._texts.columns(element)
        self._points.take_all(at, self.count + 1, Rows(stamps, texts, doubts=doubts))
        self.count += len(stamps)


class _LargeCurve(_Taker):
    """R4x: curves of C1 to C4 meters, in whole kW or kvar."""

    def __init__(self, gathering: Gathering, hints: Hints) -> None:
        super().__init__(gathering, hints)
        self._points = Points(gathering, hints, "start")
        self._stage = ""
        fields = ("Horodatage", "Valeur_Point", "Statut_Point")
        self._texts = Texts("Donnees_Point_Mesure", fields, are_attributes=True)

    def take(self, element: Element) -> None:
        """Read one quantity of one point."""
        if element.tag == "Nature_De_Courbe_Demandee":
            self._stage = (element.text or "").strip()
            return
        if element.tag != "Donnees_Courbe":
            return
        urn = point.point_of(text(element.getparent(), "Identifiant_PRM"), self.hints)
        way = text(element, "Grandeur_Metier") or self.hints.direction or ""
        path = names.coded_curve(text(element, "Grandeur_Physique"), way, self._stage)
        base = identifier.KINDS[path].unit
        shift = unit.shift(self.hints.unit or text(element, "Unite_Mesure") or base, base)
        at = Heading(urn, path, Form.CURVE, shift, _minutes_s(text(element, "Granularite")))
        stamps, texts, natures = self._texts.columns(element)
        self._points.take_all(at, self.count + 1, Rows(stamps, texts, natures=natures))
        self.count += len(stamps)


class _LargeRegisters(_Taker):
    """R171: daily registers and maxima of C2 to C4 meters, a series for each class."""

    def __init__(self, gathering: Gathering, hints: Hints) -> None:
        super().__init__(gathering, hints)
        self._stamps = Stamps(hints.zone or window.PARIS)
        self._open: dict[tuple[str, str], Registers] = {}

    def take(self, element: Element) -> None:
        """Read one class of one quantity of one point."""
        urn = point.point_of(text(element, "prmId"), self.hints)
        if any(urn != before for before, _ in self._open):
            self.close()
        symbol = text(element, "unite")
        way = text(element, "grandeurMetier") or self.hints.direction or ""
        path = names.coded_register(text(element, "grandeurPhysique"), way, symbol)
        base = identifier.KINDS[path].unit
        shift = unit.shift(symbol or base, base)
        owner = owner_of({"codeGrille": text(element, "typeCalendrier")})
        name = named(text(element, "codeClasseTemporelle"), "", owner)
        registers = self._open.setdefault((urn, path), Registers(self.gathering, urn, path))
        for row in element.iter("mesureDatee"):
            self.count += 1
            stamp = text(row, "dateFin")
            try:
                span = self._stamps.read(stamp), 0
            except Malformed as error:
                self.gathering.fault(error, line=self.count, field="dateFin", raw=stamp)
                continue
            value = text(row, "valeur")
            registers.take(owner, name, span, value, shift=shift, quality=0, line=self.count)

    def close(self) -> None:
        """Give the totals of the points read."""
        for registers in self._open.values():
            registers.close()
        self._open.clear()


class _Releve(_Taker):
    """R151, R15 and C15: registers read together, in `Donnees_Releve`."""

    def __init__(self, gathering: Gathering, hints: Hints) -> None:
        super().__init__(gathering, hints)
        self._dials = Dials(gathering, hints)

    def take(self, element: Element) -> None:
        """Read the registers of one reading of a meter."""
        if element.tag == "Unite_Mesure_Index":
            self._dials.symbol = (element.text or "").strip()
        elif element.tag == "Unite_Mesure_Puissance":
            self._dials.power_symbol = (element.text or "").strip()
        elif element.tag == "Donnees_Releve":
            prm = next(element.iterancestors("PRM"), None)
            urn = point.point_of(text(prm, "Id_PRM"), self.hints)
            self._dials.read(urn, element)
            self.count = self._dials.count


def _minutes_s(minutes: str) -> int:
    return int(minutes) * _MINUTE_S if minutes.isascii() and minutes.isdecimal() else 0


_RELEVE = frozenset({"Donnees_Releve", "PRM", "Unite_Mesure_Index", "Unite_Mesure_Puissance"})
_READERS: dict[str, tuple[Callable[[Gathering, Hints], _Taker], frozenset[str]]] = {
    "R50": (_LinkyCurve, frozenset({"Donnees_Releve", "PRM", "Pas_Publication"})),
    "Courbe": (
        _LargeCurve,
        frozenset({"Donnees_Courbe", "Corps", "Nature_De_Courbe_Demandee"}),
    ),
    "R171": (_LargeRegisters, frozenset({"serieMesuresDatees"})),
    "R151": (_Releve, _RELEVE),
    "R15": (_Releve, _RELEVE),
    "C15": (_Releve, _RELEVE),
}

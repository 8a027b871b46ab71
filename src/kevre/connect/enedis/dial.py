"""Registers as they stand together in one `Donnees_Releve` of R151, R15 and C15.

R151 counts whole Wh at the end of the day that it names: of a real meter it is the register
of the history file at the beginning of that day and the energy of the curve on it. R15 and C15
count whole kWh at the instant of an event of the contract; being no more exact, they have series
of their own (`.../index/contract/...`), and the energies between them are those that are billed.
"""

from __future__ import annotations

from kevre.connect.enedis import names, value
from kevre.connect.enedis.element import Element, text
from kevre.connect.enedis.register import DISTRIBUTOR, PROVIDER, Registers, Span, named, span_of
from kevre.connect.enedis.stamp import Stamps, day_of
from kevre.connect.gathering import Gathering, Hints
from kevre.model import unit, window
from kevre.model.errors import Malformed

_GRIDS = {"Classe_Temporelle_Distributeur": DISTRIBUTOR, "Classe_Temporelle": PROVIDER}
_INDEX, _ENERGY = "1", "2"
_INJECTED = "1"
_DATE_LENGTH = 10


class Dials:
    """Reads the registers of one reading of a meter after another.

    Attributes:
        symbol: unit of registers that do not say their own.
        power_symbol: unit of the maximum power.
        count: values read so far.
    """

    def __init__(self, gathering: Gathering, hints: Hints) -> None:
        self.symbol = "Wh"
        self.power_symbol = "VA"
        self.count = 0
        self._gathering = gathering
        self._hints = hints
        self._stamps = Stamps(hints.zone or window.PARIS)

    def read(self, urn: str, element: Element) -> None:
        """Read one `Donnees_Releve`.

        Raises:
            Malformed: its date cannot be read.
        """
        reading = _Reading(urn, element, self._stamps)
        open_: dict[str, Registers] = {}
        for dial in element:
            owner = _GRIDS.get(str(dial.tag))
            if owner is None:
                continue
            self.count += 1
            try:
                self._dial(reading, owner, dial, open_)
            except Malformed as error:
                self._gathering.fault(error, line=self.count, field=str(dial.tag))
        for registers in open_.values():
            registers.close()
        self._maximum(reading)

    def _dial(
        self, reading: _Reading, owner: str, dial: Element, open_: dict[str, Registers]
    ) -> None:
        measure = text(dial, "Classe_Mesure")
        if measure not in {"", _INDEX, _ENERGY}:
            raise Malformed(
                "enedis.class",
                "a class of measure other than register and consumption is not known here",
                hint="the shares of collective self-consumption are left out",
            )
        sense = text(dial, "Sens_Mesure")
        way = "PROD" if sense == _INJECTED else "" if sense else self._hints.direction or ""
        name = named(text(dial, "Id_Classe_Temporelle"), "", owner, rank=text(dial, "Rang_Cadran"))
        shift = unit.shift(text(dial, "Unite_Mesure") or self.symbol, "Wh")
        base = f"{names.direction(way)}/energy/active"
        is_billed = measure == _ENERGY
        path = (
            f"{base}/billed"
            if is_billed
            else f"{base}/index/contract"
            if measure
            else f"{base}/index"
        )
        registers = open_.setdefault(path, Registers(self._gathering, reading.urn, path))
        registers.take(
            owner,
            name,
            reading.billed_span() if is_billed else reading.span,
            text(dial, "Valeur"),
            shift=shift,
            quality=reading.quality(dial, is_billed=is_billed),
            line=self.count,
        )

    def _maximum(self, reading: _Reading) -> None:
        """Keep the greatest power of the day; its instant is not told, so it has the whole day."""
        found = reading.element.find("Puissance_Maximale")
        if found is None:
            return
        self.count += 1
        way, symbol = self._hints.direction or "", self.power_symbol
        path = names.maximum(way, symbol)
        try:
            known = value.read(text(found, "Valeur"), unit.shift(symbol, unit.unit(symbol).base))
        except Malformed as error:
            self._gathering.fault(error, line=self.count, field="Puissance_Maximale")
            return
        self._gathering.add(path, reading.urn, *reading.day, known, line=self.count)


class _Reading:
    """One reading of a meter: whose, when, and how it came about."""

    def __init__(self, urn: str, element: Element, stamps: Stamps) -> None:
        self.urn = urn
        self.element = element
        stamp = text(element, "Date_Releve")
        self.day: Span = day_of(stamp)
        is_day = len(stamp) == _DATE_LENGTH
        self.span: Span = (sum(self.day) if is_day else stamps.read(stamp), 0)

    def billed_span(self) -> Span:
        """Give the days since the reading before.

        Raises:
            Malformed: it is not told, or not before.
        """
        return span_of(
            text(self.element, "Date_Releve_Precedent"), text(self.element, "Date_Releve")
        )

    def quality(self, dial: Element, *, is_billed: bool) -> int:
        """Give the quality of one register."""
        nature = text(self.element, "Nature_Consommation" if is_billed else "Nature_Index")
        doubt = text(dial, "Indice_Vraisemblance")
        return int(names.quality(nature, doubt, text(self.element, "Statut_Releve")))

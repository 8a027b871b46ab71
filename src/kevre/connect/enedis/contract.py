"""Points and periods in Enedis' contract files: situations of C15, charged periods of F15.

Sources: files as observed on samples. Of names, addresses, telephone numbers and amounts of
money in these files nothing is read. They hold no readings but the registers of C15, which
`stream.py` reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kevre.connect.enedis import value
from kevre.connect.enedis.element import Element, elements, name_of, text
from kevre.connect.enedis.stamp import Stamps, day_of
from kevre.connect.source import Source
from kevre.model import exact, identifier, window
from kevre.model.errors import Malformed

_CHARGED = frozenset({"Id_PRM", "Element_Valorise", "Donnees_Valorisation"})


@dataclass(frozen=True, slots=True)
class Situation:
    """What holds of a metering point from an event on.

    Attributes:
        point: URN of the metering point.
        segment: C1 to C5, P1 to P4.
        event: code of what happened, such as MCT, a change of the contract's terms.
        event_s: when [epoch s].
        state: of the contract, such as EN SERVICE.
        since_s: first day of these terms [epoch s]; None if it is not told.
        tariff: formula of the network's tariff.
        power_va: subscribed power; None if it is not told.
        calendars: of the distributor and of the supplier, as far as they are told.
    """

    point: str
    segment: str
    event: str
    event_s: int
    state: str
    since_s: int | None
    tariff: str
    power_va: exact.Exact | None
    calendars: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Charge:
    """One period that was charged for a point.

    Attributes:
        point: URN of the metering point.
        code: of what was charged.
        start_s: start of its first day [epoch s].
        end_s: end of its last day [epoch s].
        quantity: how much; None if it is not told.
        unit: of the quantity, as written.
    """

    point: str
    code: str
    start_s: int
    end_s: int
    quantity: exact.Exact | None
    unit: str


def situations(source: Source) -> Iterator[Situation]:
    """Give the situations of a C15, one for each point and event.

    Raises:
        Malformed: it is not XML, or a point or a date cannot be read.
    """
    stamps = Stamps(window.PARIS)
    for element in elements(source, frozenset({"PRM"})):
        for event in element.iterchildren("Evenement_Declencheur"):
            yield _situation(element, event, stamps)


def _situation(element: Element, event: Element, stamps: Stamps) -> Situation:
    terms = element.find("Situation_Contractuelle")
    tariff = terms.find("Structure_Tarifaire") if terms is not None else None
    since = text(terms, "Date_Debut_Num_Sequence") or text(terms, "Date_Mise_En_Service")
    calendars = (text(tariff, "Id_Calendrier_Distributeur"), text(tariff, "Id_Calendrier"))
    return Situation(
        identifier.prm_point(text(element, "Id_PRM")),
        text(element, "Segment_Clientele"),
        text(event, "Nature_Evenement"),
        stamps.read(text(event, "Date_Evenement")),
        text(terms, "Etat_Contractuel"),
        day_of(since)[0] if since else None,
        text(tariff, "Formule_Tarifaire_Acheminement"),
        _power_va(tariff),
        tuple(one for one in calendars if one),
    )


def _power_va(tariff: Element | None) -> exact.Exact | None:
    symbol = text(tariff, "Unite_Puissance_Souscrite")
    if symbol not in {"", "kVA", "kW", "VA"}:
        raise Malformed("unit.unknown", f"unit {symbol[:20]!r} is not known")
    return value.read(text(tariff, "Puissance_Souscrite"), 0 if symbol == "VA" else 3)


def charges(source: Source) -> Iterator[Charge]:
    """Give the charged periods of an F15; both of their days are charged.

    Raises:
        Malformed: it is not XML, or a point, a date or a quantity cannot be read.
    """
    point = ""
    for element in elements(source, _CHARGED):
        name = name_of(element)
        if name == "Id_PRM":
            point = identifier.prm_point((element.text or "").strip())
        elif name == "Element_Valorise" and point:
            yield Charge(
                point,
                text(element, "Id_EV"),
                day_of(text(element, "Date_Debut"))[0],
                sum(day_of(text(element, "Date_Fin"))),
                value.read(text(element, "Quantite")),
                text(element, "Unite_Quantite"),
            )

"""Green Button feeds: readings in the Energy Services Provider Interface (ESPI), as Atom.

A feed has entries that point at each other by links: usage points, meter readings, reading
types, and blocks of intervals. What a block's numbers mean is said by the reading type of its
meter reading, which comes before it. Entries stream; one is in memory at a time.

Source: NAESB REQ.21, Energy Services Provider Interface (espi.xsd).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from kevre.formats.element import Element, elements
from kevre.model.errors import Malformed

_LONGEST_NUMBER = 19


@dataclass(frozen=True, slots=True)
class ReadingType:
    """What the numbers of a meter reading are, in ESPI's own codes; 0 is not said."""

    uom: int = 0
    multiplier: int = 0
    direction: int = 0
    accumulation: int = 0
    commodity: int = 0
    qualifier: int = 0
    kind: int = 0
    length_s: int = 0
    quality: int | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """One interval reading; `value` in units of its type, None where it is not said."""

    start_s: int
    step_s: int
    value: int | None
    quality: int | None


@dataclass(frozen=True, slots=True)
class Block:
    """Readings that stand together.

    Attributes:
        usage_point: what identifies the usage point, empty where the feed names none.
        service: kind of service of the usage point: 0 electricity, 1 gas, 2 water.
    """

    usage_point: str
    service: int
    type: ReadingType
    intervals: tuple[Interval, ...]


@dataclass(slots=True)
class Feed:
    """Reads the entries of a feed, remembering what blocks will need."""

    _points: dict[str, tuple[str, int]] = field(default_factory=dict)
    _types: dict[str, ReadingType] = field(default_factory=dict)
    _of_reading: dict[str, str] = field(default_factory=dict)

    def blocks(self, pieces: Iterator[bytes]) -> Iterator[Block | Malformed]:
        """Give the blocks of intervals; in place of one that cannot be read, why.

        Raises:
            Malformed: it is no XML.
        """
        for entry in elements(pieces, "entry"):
            links = _links(entry)
            self._point(entry, links)
            self._type(entry, links)
            for block in entry.iterfind("{*}content/{*}IntervalBlock"):
                try:
                    yield self._block(block, links)
                except Malformed as error:
                    yield error

    def _point(self, entry: Element, links: dict[str, list[str]]) -> None:
        found = entry.find("{*}content/{*}UsagePoint")
        if found is not None:
            named = (entry.findtext("{*}id") or "").rpartition(":")[2].strip()
            service = _number(found, "ServiceCategory/{*}kind")
            for own in links.get("self", ()):
                self._points[own] = named, service

    def _type(self, entry: Element, links: dict[str, list[str]]) -> None:
        own = links.get("self", [])
        for found in entry.iterfind("{*}content//{*}ReadingType"):
            self._types.update(dict.fromkeys(own, _type_of(found)))
        if entry.find("{*}content/{*}MeterReading") is not None:
            types = [one for one in links.get("related", ()) if "/ReadingType/" in one]
            self._of_reading.update(dict.fromkeys(own, (types or own)[0]))

    def _block(self, block: Element, links: dict[str, list[str]]) -> Block:
        up = links.get("up", [""])[0].removesuffix("/IntervalBlock")
        known = self._types.get(self._of_reading.get(up, up))
        if known is None and len(self._types) == 1:
            known = next(iter(self._types.values()))
        if known is None:
            raise Malformed(
                "greenbutton.feed",
                "a block of readings without a reading type",
                hint="download the whole feed",
            )
        named, service = self._point_of(up)
        intervals = (_interval(one, known) for one in block.iterfind("{*}IntervalReading"))
        return Block(named, service, known, tuple(intervals))

    def _point_of(self, href: str) -> tuple[str, int]:
        for own, point in self._points.items():
            if href.startswith(own + "/"):
                return point
        return next(iter(self._points.values())) if len(self._points) == 1 else ("", 0)


def _links(entry: Element) -> dict[str, list[str]]:
    links: dict[str, list[str]] = {}
    for link in entry.iterfind("{*}link"):
        links.setdefault(link.get("rel", ""), []).append(link.get("href", "").rstrip("/"))
    return links


def _type_of(element: Element) -> ReadingType:
    return ReadingType(
        _number(element, "uom"),
        _number(element, "powerOfTenMultiplier"),
        _number(element, "flowDirection"),
        _number(element, "accumulationBehaviour"),
        _number(element, "commodity"),
        _number(element, "dataQualifier"),
        _number(element, "kind"),
        _number(element, "intervalLength"),
        _maybe(element, "defaultQuality"),
    )


def _interval(element: Element, known: ReadingType) -> Interval:
    start_s = _maybe(element, "timePeriod/{*}start")
    if start_s is None:
        raise Malformed("greenbutton.number", "an interval without a start")
    step_s = _maybe(element, "timePeriod/{*}duration") or known.length_s
    quality = _maybe(element, "ReadingQuality/{*}quality")
    return Interval(
        start_s, step_s, _maybe(element, "value"), known.quality if quality is None else quality
    )


def _number(element: Element, name: str) -> int:
    return _maybe(element, name) or 0


def _maybe(element: Element, name: str) -> int | None:
    text = (element.findtext(f"{{*}}{name}") or "").strip()
    if not text:
        return None
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < _LONGEST_NUMBER):
        raise Malformed("greenbutton.number", f"{text[:20]!r} is no whole number")
    return int(text)

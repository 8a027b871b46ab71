"""Registers and billed quantities by tariff class, and what they come to together.

The total of a register is the one the source gives or else the sum of the distributor's
classes; a maximum takes the greatest. Where one class lacks, there is no total.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kevre.connect.enedis import names, value
from kevre.connect.enedis.stamp import Stamps, day_of
from kevre.connect.gathering import Gathering
from kevre.model import exact, identifier, unit, window
from kevre.model.errors import Malformed
from kevre.model.series import Statistic

DISTRIBUTOR, PROVIDER = "distributor", "provider"
_DATE_LENGTH = 10
# When a value holds: its start [epoch s] and length [s], which is 0 for a register.
Span = tuple[int, int]
Parts = Mapping[str, object]


@dataclass(slots=True)
class _Total:
    """What the classes of one grid come to in one span."""

    value: exact.Exact | None
    quality: int
    line: int


@dataclass(slots=True)
class Registers:
    """Takes the registers of one quantity of one point, and gives their totals at the end.

    Attributes:
        point: URN of the metering point.
        path: of the total; classes stand below it.
    """

    gathering: Gathering
    point: str
    path: str
    _totals: dict[Span, _Total] = field(default_factory=dict)
    _provided: dict[Span, _Total] = field(default_factory=dict)
    _given: set[Span] = field(default_factory=set)

    def take(
        self, owner: str, name: str, span: Span, text: str, *, shift: int, quality: int, line: int
    ) -> None:
        """Take one value of one class; `owner` and `name` are empty for a total."""
        try:
            known = value.read(text, shift)
        except Malformed as error:
            self.gathering.fault(error, line=line, field=name or "total", raw=text)
            return
        path = f"{self.path}/{owner}/{name}" if owner else self.path
        self.gathering.add(path, self.point, *span, known, line=line, quality=quality)
        if not owner:
            self._given.add(span)
        elif owner == DISTRIBUTOR:
            self._add(self._totals, span, _Total(known, quality, line))
        else:
            self._add(self._provided, span, _Total(known, quality, line))

    def close(self) -> None:
        """Give the totals that were not given.

        What was billed before the distributor's grid begins is the supplier's.
        """
        sums = dict(self._totals)
        if self.path == _billed(self.path):
            begins_s = min((start_s for start_s, _ in sums), default=None)
            sums |= {
                span: total
                for span, total in self._provided.items()
                if begins_s is None or sum(span) <= begins_s
            }
        for span, total in sums.items():
            if span not in self._given and total.value is not None:
                self.gathering.add(
                    self.path,
                    self.point,
                    *span,
                    total.value,
                    line=total.line,
                    quality=total.quality,
                )

    def _add(self, sums: dict[Span, _Total], span: Span, one: _Total) -> None:
        before = sums.get(span)
        if before is None:
            sums[span] = one
            return
        before.quality = max(before.quality, one.quality)
        if before.value is None or one.value is None:
            before.value = None
            return
        before.value = self._joined(before.value, one.value)

    def _joined(self, one: exact.Exact, other: exact.Exact) -> exact.Exact:
        kind = identifier.kind_of(self.path)
        exponent = min(one[1], other[1])
        left, right = (a * 10 ** (b - exponent) for a, b in (one, other))
        is_max = kind is not None and kind.statistic is Statistic.MAX
        return (max(left, right) if is_max else left + right), exponent


def _billed(path: str) -> str:
    return f"{path.partition('/')[0]}/energy/active/billed"


def named(code: str, dial: str, owner: str, rank: str = "") -> str:
    """Name a class by its code, or by its dial (`IDX_EAS_F1`, or its rank) where that is unknown.

    Raises:
        Malformed: neither says anything.
    """
    known = names.tariff_class(code)
    if known:
        return known
    by_dial = dial.rpartition("_")[2] or (owner[0].replace("p", "f") + rank)
    return names.tariff_class(by_dial) or "unknown"


def owner_of(calendar: Parts) -> str:
    """Tell whose grid a calendar is, by its words or by how its code begins.

    Raises:
        Malformed: it says neither.
    """
    said = [str(calendar.get(key) or "") for key in ("codeGrille", "libelleGrille")]
    said += [str(calendar.get(key) or "") for key in ("idCalendrier", "codeCalendrier")]
    for word in said:
        if word.startswith("D"):
            return DISTRIBUTOR
        if word.startswith("F"):
            return PROVIDER
    raise Malformed("enedis.class", "the calendar is neither the distributor's nor the supplier's")


class Grids:
    """Reads registers and billed quantities in Enedis' coded words: calendars of classes."""

    def __init__(self, gathering: Gathering, count: int) -> None:
        self.count = count
        self._gathering = gathering
        self._stamps = Stamps(window.PARIS)

    def read(self, point: str, quantity: Parts, *, fallback: str) -> None:
        """Read one `grandeur` with its calendars and its total.

        Raises:
            Malformed: quantity, direction, unit or calendar are not known.
        """
        code, way = text_of(quantity, "grandeurPhysique"), text_of(quantity, "grandeurMetier")
        symbol = text_of(quantity, "unite")
        path = names.coded_register(code, way or fallback, symbol)
        base = identifier.KINDS[path].unit
        shift = unit.shift(symbol or base, base)
        registers = Registers(self._gathering, point, path)
        billed = Registers(self._gathering, point, _billed(path))
        for calendar in parts_of(quantity.get("calendrier")):
            owner = owner_of(calendar)
            for tier in parts_of(calendar.get("classeTemporelle")):
                code, dial = text_of(tier, "idClasseTemporelle"), text_of(tier, "codeCadran")
                name = named(code, dial, owner)
                self._values(registers, owner, name, tier, shift)
                self._quantities(billed, owner, name, tier, shift)
        for total in parts_of(quantity.get("cadranTotalisateur")):
            self._values(registers, "", "", total, shift)
        registers.close()
        billed.close()

    def _values(self, registers: Registers, owner: str, name: str, tier: Parts, shift: int) -> None:
        for one in parts_of(tier.get("valeur")):
            self.count += 1
            stamp = text_of(one, "d")
            try:
                span = self._instant_s(stamp), 0
            except Malformed as error:
                self._gathering.fault(error, line=self.count, field="d", raw=stamp)
                continue
            quality = names.quality("", text_of(one, "iv"))
            registers.take(
                owner, name, span, text_of(one, "v"), shift=shift, quality=quality, line=self.count
            )

    def _quantities(
        self, billed: Registers, owner: str, name: str, tier: Parts, shift: int
    ) -> None:
        for one in parts_of(tier.get("quantite")):
            self.count += 1
            first, last = text_of(one, "dbtMesure"), text_of(one, "finMesure")
            try:
                span = span_of(first, last)
            except Malformed as error:
                self._gathering.fault(
                    error, line=self.count, field="dbtMesure", raw=f"{first};{last}"
                )
                continue
            quality = names.quality(text_of(one, "codeNature"), "", text_of(one, "codeStatut"))
            billed.take(
                owner,
                name,
                span,
                text_of(one, "quantite"),
                shift=shift,
                quality=quality,
                line=self.count,
            )

    def _instant_s(self, stamp: str) -> int:
        return day_of(stamp)[0] if len(stamp) == _DATE_LENGTH else self._stamps.read(stamp)


def span_of(first: str, last: str) -> Span:
    """Give the span from one day to another, which is the first of the next period.

    Raises:
        Malformed: a day cannot be read, or the last is before the first.
    """
    start_s, end_s = day_of(first)[0], day_of(last)[0]
    if end_s <= start_s:
        raise Malformed("window.backwards", "the window ends before it starts")
    return start_s, end_s - start_s


def parts_of(value: object) -> Iterator[Parts]:
    """Give the objects of a list, or of one alone."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield one


def text_of(parts: Parts, name: str) -> str:
    """Give a field as a text; null, which stands for nothing measured, as an empty one."""
    found = parts.get(name)
    return "" if found is None or isinstance(found, bool | dict | list) else str(found).strip()

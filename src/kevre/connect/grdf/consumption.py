"""One consumption of gas, whoever wrote it down, and the readings that it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from kevre.connect.gathering import Gathering, Hints
from kevre.model import exact, identifier, window
from kevre.model.errors import Malformed
from kevre.model.quality import Quality

KILO = 3
_GAS_DAY = time(6)
_NOTHING = frozenset({"", "null", "none", "na"})


@dataclass(frozen=True, slots=True)
class Register:
    """What the meter showed at one end of a consumption [m3].

    Attributes:
        path: last words of its path, `index` or `index/converted`.
    """

    path: str
    at_s: int
    value: exact.Exact
    quality: Quality


@dataclass(frozen=True, slots=True)
class Consumption:
    """One consumption of gas.

    Attributes:
        point: URN of the metering point.
        way: consumption or production.
        form: last word of the paths, see `names.form`.
        start_s: start of its time [epoch s].
        step_s: its length [s].
        quality: of its amounts.
        energy: [Wh].
        volume: as the meter counts it [m3].
        converted: at normal conditions [m3], of meters with a converter.
        factor: energy in a volume [Wh/m3].
        registers: at its two ends.
    """

    point: str
    way: str
    form: str
    start_s: int
    step_s: int
    quality: Quality
    energy: exact.Exact | None
    volume: exact.Exact | None
    factor: exact.Exact | None = None
    converted: exact.Exact | None = None
    registers: tuple[Register, ...] = ()


@dataclass(slots=True)
class Keeper:
    """Keeps the readings of consumptions; registers once: one period ends where the next begins."""

    gathering: Gathering
    _last: dict[tuple[str, str], tuple[int, exact.Exact]] = field(default_factory=dict)

    def keep(self, one: Consumption, line: int) -> None:
        """Keep what one consumption says; what it does not say of its amounts is missing."""
        self._add(f"{one.way}/energy/gas/{one.form}", one, one.energy, line)
        self._add(f"{one.way}/volume/gas/{one.form}", one, one.volume, line)
        # Meters without a converter say 0 here.
        if one.converted is not None and one.converted[0]:
            self._add(f"{one.way}/volume/gas/{one.form}/converted", one, one.converted, line)
        if one.factor is not None:
            self._add(f"conversion/gas/{one.form}", one, one.factor, line)
        for register in one.registers:
            self._register(f"{one.way}/volume/gas/{register.path}", one.point, register, line)

    def _add(self, path: str, one: Consumption, value: exact.Exact | None, line: int) -> None:
        known = None if one.quality is Quality.MISSING else value
        self.gathering.add(
            path, one.point, one.start_s, one.step_s, known, line=line, quality=one.quality
        )

    def _register(self, path: str, point: str, register: Register, line: int) -> None:
        said = register.at_s, register.value
        if register.quality is Quality.MISSING or self._last.get((path, point)) == said:
            return
        self._last[path, point] = said
        self.gathering.add(
            path, point, register.at_s, 0, register.value, line=line, quality=register.quality
        )


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


def number(written: object, shift: int = 0) -> exact.Exact | None:
    """Give a number in the base unit, `shift` powers of ten below its own; None for nothing.

    >>> number("14,50169", 3), number(8, 3), number(None)
    ((1450169, -2), (8000, 0), None)

    Raises:
        Malformed: not a number.
    """
    if written is None or (isinstance(written, str) and written.strip().lower() in _NOTHING):
        return None
    if isinstance(written, bool) or not isinstance(written, int | Decimal | str):
        raise Malformed("value.not_a_number", "this is no number", hint="use digits")
    mantissa, exponent = exact.parse(str(written).replace(",", "."))
    exponent += shift
    return mantissa * 10 ** max(exponent, 0), min(exponent, 0)


def point(pce: str, hints: Hints) -> str:
    """Give the URN of a point: the one that a person names, or else that of its PCE.

    Raises:
        Malformed: it is no PCE.
    """
    return identifier.point(hints.series) if hints.series else identifier.pce_point(pce)


def day_of(text: str) -> date:
    """Read the day of an ISO 8601 stamp.

    Raises:
        Malformed: there is none.
    """
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError as error:
        raise Malformed("grdf.period", f"{text[:30]!r} is no day") from error

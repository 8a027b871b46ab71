"""Daily registers in CSV, and the tariff calendar below them, which names their classes.

A line of the calendar says from when to when the dials F1 to F10 and D1 to D4 count which
classes. It stands after the registers, so these wait; of a file with more days than any meter
has lived, and of one without a calendar, series are named by the dials.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kevre.connect.enedis import names
from kevre.connect.enedis.register import DISTRIBUTOR, PROVIDER, Registers, named
from kevre.connect.enedis.stamp import Stamps, day_of
from kevre.connect.gathering import Gathering
from kevre.connect.source import cut_line
from kevre.model.errors import Malformed

CALENDAR = "Periode"
_MOST_WAITING = 20_000
_DAILY = "quotidien"
_PERIOD = re.compile(r"Du (\S+) au ?(\S*)\Z", re.ASCII)
# An hour early in winter, an hour late in summer: a midnight is meant.
_NEAR_MIDNIGHT = frozenset({"00:00:00", "01:00:00", "23:00:00"})
_GRIDS = {"F": PROVIDER, "D": DISTRIBUTOR}
_TOTAL = "T"
_DATE_LENGTH, _CLOCK = 10, slice(11, 19)
_FOREVER = 2**62


@dataclass(frozen=True, slots=True)
class Dial:
    """One column of registers: the path of its total, and its sign (`F1`, `D4`, `T`)."""

    path: str
    sign: str


def dials_of(columns: Sequence[str], way: str) -> dict[int, Dial]:
    """Give the register columns by their place.

    Raises:
        Malformed: the direction is not known.
    """
    found = {}
    for place, column in enumerate(columns):
        grid, _, sign = column.strip().partition(" ")
        if grid not in {"EAS", "EAI"} or not (sign == _TOTAL or sign[:1] in _GRIDS):
            continue
        of = "production" if grid == "EAI" else names.direction(way)
        found[place] = Dial(f"{of}/energy/active/index", sign)
    return found


@dataclass(slots=True)
class Calendar:
    """Which class each dial counts, and when."""

    _periods: list[tuple[int, int, dict[str, str]]] = field(default_factory=list)

    def take(self, cells: Sequence[str]) -> None:
        """Read one line.

        Raises:
            Malformed: its period cannot be read.
        """
        found = _PERIOD.match(cells[0].strip())
        if found is None:
            raise Malformed("enedis.calendar", "this is no period of a tariff calendar")
        end_s = day_of(found[2])[0] if found[2] else _FOREVER
        classes = {}
        # A class stands two cells before the dial that counts it: code, label, dial.
        for code, dial in zip(cells, cells[2:], strict=False):
            grid, _, sign = dial.strip().partition(" ")
            if grid in {"EAS", "EAI"} and sign:
                classes[sign] = code.strip()
        self._periods.append((day_of(found[1])[0], end_s, classes))

    def named(self, sign: str, at_s: int) -> str:
        """Name the class that a dial counts at a time; by the dial where that is not known."""
        for start_s, end_s, classes in self._periods:
            if start_s <= at_s < end_s:
                return named(classes.get(sign, ""), sign, "")
        return named("", sign, "")


class Daily:
    """Reads the register lines of one section, and gives them when their calendar is known."""

    def __init__(self, point: str, dials: dict[int, Dial], *, shift: int) -> None:
        self._point = point
        self._dials = dials
        self._shift = shift
        self._calendar = Calendar()
        self._waiting: list[tuple[int, int, Sequence[str]]] = []
        self._is_calendar = False

    def take(
        self, number: int, cells: Sequence[str], stamps: Stamps, *, width: int, may_be_cut: bool
    ) -> None:
        """Read one line, of registers or of the calendar.

        Raises:
            Malformed: it cannot be read.
        """
        if cells[0] == CALENDAR:
            self._is_calendar = True
        elif self._is_calendar:
            self._calendar.take(cells)
        else:
            at_s = _at_s(cells, stamps)
            if len(cells) < width or may_be_cut:
                raise cut_line()
            self._waiting.append((number, at_s, cells))

    @property
    def is_full(self) -> bool:
        """Say whether so many lines wait that no calendar can be waited for."""
        return len(self._waiting) >= _MOST_WAITING

    def give(self, gathering: Gathering) -> Iterator[None]:
        """Give what waits, pausing after each line."""
        for number, at_s, cells in self._waiting:
            self._line(gathering, number, at_s, cells)
            yield
        self._waiting.clear()

    def _line(self, gathering: Gathering, number: int, at_s: int, cells: Sequence[str]) -> None:
        totals: dict[str, Registers] = {}
        for place, dial in self._dials.items():
            text = cells[place].strip()
            # An empty cell is a class that the contract does not have.
            if not text:
                continue
            registers = totals.setdefault(dial.path, Registers(gathering, self._point, dial.path))
            owner = _GRIDS.get(dial.sign[0], "")
            try:
                name = self._calendar.named(dial.sign, at_s) if owner else ""
            except Malformed as error:
                gathering.fault(error, line=number, field=dial.sign)
                continue
            registers.take(owner, name, (at_s, 0), text, shift=self._shift, quality=0, line=number)
        for registers in totals.values():
            registers.close()


def _at_s(cells: Sequence[str], stamps: Stamps) -> int:
    """Give when a line of registers was read [epoch s]."""
    stamp = cells[0].strip()
    at_s = stamps.read(stamp)
    reason = names.plain(cells[1]) if len(cells) > 1 else ""
    # Readings for another reason, such as a change of contract, are of the time they say; so
    # are those of larger meters, which are read in the small hours.
    is_daily = not reason or _DAILY in reason
    is_midnight = len(stamp) == _DATE_LENGTH or stamp[_CLOCK] in _NEAR_MIDNIGHT
    return day_of(stamp)[0] if is_daily and is_midnight else at_s

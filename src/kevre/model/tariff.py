"""Tariffs: which class each instant has, by the clock and the calendar at the meter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from kevre.model.errors import Malformed
from kevre.model.window import Window, days, local_day, midnight

EVERY_DAY = frozenset(range(7))
EVERY_MONTH = frozenset(range(1, 13))
SATURDAY, SUNDAY = 5, 6
HIGH_SEASON = frozenset({11, 12, 1, 2, 3})
_MIDNIGHT = time()
_LONGEST_NAME = 40
_LONGEST_TEXT = 200
# 22:00-06:00, and as French contracts write it: 22H00-6H00, 22h-6h.
_CLOCK = r"\s*([0-9]{1,2})(?:[:hH]([0-9]{2})|[hH])\s*"
_RANGE = re.compile(f"{_CLOCK}-{_CLOCK}\\Z")
_LABELLED = re.compile(r"\s*HC\s*\((.*)\)\s*\Z", re.IGNORECASE)

Range = tuple[time, time]
Span = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Rule:
    """Hours of one class.

    Attributes:
        name: of the class, such as HC.
        start, end: local times of day, `start <= t < end`; past midnight if `end` is
            earlier; the whole day if both are midnight.
        weekdays: 0 is Monday; of the day on which an instant lies, not that on which its
            hours began.
        months: 1 to 12, in the same way.
    """

    name: str
    start: time = _MIDNIGHT
    end: time = _MIDNIGHT
    weekdays: frozenset[int] = EVERY_DAY
    months: frozenset[int] = EVERY_MONTH

    def __post_init__(self) -> None:
        """Refuse what holds never or could be read in two ways."""
        _check_name(self.name)
        for at in (self.start, self.end):
            if at.tzinfo is not None or at.second or at.microsecond:
                raise _not_hours(f"{at.isoformat()} is not a local time in whole minutes")
        if self.start == self.end != _MIDNIGHT:
            raise _not_hours(f"hours from {self.start:%H:%M} to {self.end:%H:%M} have no length")
        if not self.weekdays or not self.weekdays <= EVERY_DAY:
            raise Malformed(
                "tariff.days",
                f"{sorted(self.weekdays)} are not days of the week",
                hint="use some of 0 (Monday) to 6 (Sunday)",
            )
        if not self.months or not self.months <= EVERY_MONTH:
            raise Malformed(
                "tariff.months",
                f"{sorted(self.months)} are not months",
                hint="use some of 1 to 12",
            )

    def holds(self, local: datetime) -> bool:
        """Say whether an instant, given as local time, has this class."""
        if local.weekday() not in self.weekdays or local.month not in self.months:
            return False
        at = local.time()
        if self.start < self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


@dataclass(frozen=True, slots=True)
class Tariff:
    """Classes by rules; the first rule that holds decides, the default where none does.

    The clock on the wall decides, as in a contract: hours that the clock repeats in autumn
    count twice, those that it skips in spring not at all.
    """

    name: str
    rules: tuple[Rule, ...]
    default: str

    def __post_init__(self) -> None:
        """Hold that every instant has a class with a name."""
        _check_name(self.name)
        _check_name(self.default)

    @property
    def classes(self) -> tuple[str, ...]:
        """Give the names of the classes, each once, the default last."""
        names = dict.fromkeys(rule.name for rule in self.rules if rule.name != self.default)
        return (*names, self.default)

    def class_at(self, instant: datetime, zone: ZoneInfo) -> str:
        """Give the class of one instant where the meter stands."""
        local = instant.astimezone(zone)
        return next((rule.name for rule in self.rules if rule.holds(local)), self.default)

    def spans(self, window: Window, zone: ZoneInfo) -> list[Span]:
        """Cut a window into (start, end, class) [epoch s]; neighbours differ in class."""
        if not window.length_s:
            return []
        found: list[Span] = []
        for start_s, end_s in pairwise(self._borders(window, zone)):
            name = self.class_at(datetime.fromtimestamp(start_s, UTC), zone)
            if found and found[-1][2] == name:
                found[-1] = found[-1][0], end_s, name
            else:
                found.append((start_s, end_s, name))
        return found

    def _borders(self, window: Window, zone: ZoneInfo) -> list[int]:
        edges = {_MIDNIGHT} | {at for rule in self.rules for at in (rule.start, rule.end)}
        borders = {window.start_s, window.end_s}
        for day in days(local_day(window.start, zone), local_day(window.end, zone)):
            borders.update(_instants(day, edges, zone))
        return sorted(at_s for at_s in borders if window.start_s <= at_s <= window.end_s)


def hours(text: str) -> tuple[Range, ...]:
    """Read hours of the day, as people or French contracts write them.

    >>> [f"{start:%H:%M} {end:%H:%M}" for start, end in hours("HC (1H30-7H30;13H00-14H30)")]
    ['01:30 07:30', '13:00 14:30']

    Raises:
        Malformed: not such hours, or hours that overlap.
    """
    if len(text) > _LONGEST_TEXT:
        raise _not_hours(f"hours of the day are not told in {len(text)} characters")
    labelled = _LABELLED.match(text)
    inner = labelled.group(1) if labelled else text
    ranges = tuple(_range(part) for part in re.split("[;,]", inner))
    pieces = sorted(piece for one in ranges for piece in _within_a_day(*one))
    if any(after[0] < before[1] for before, after in pairwise(pieces)):
        raise _not_hours(f"the hours {text[:40]!r} overlap")
    return ranges


def base() -> Tariff:
    """Give the tariff with one class."""
    return Tariff("Base", (), "BASE")


def off_peak(text: str) -> Tariff:
    """Give HP and HC of a contract whose off-peak hours are these (see `hours`)."""
    rules = tuple(Rule("HC", start, end) for start, end in hours(text))
    return Tariff("HP/HC", rules, "HP")


def weekend() -> Tariff:
    """Give the days of the week-end (WE) and of the week (SEM), from midnight to midnight."""
    rule = Rule("WE", weekdays=frozenset({SATURDAY, SUNDAY}))
    return Tariff("Week-end", (rule,), "SEM")


def two_seasons(text: str) -> Tariff:
    """Give HPH and HCH from November to March, HPB and HCB from April to October.

    The off-peak hours are those of the contract (see `hours`).

    Source: tariffs of the French public grid (TURPE 5 HTA-BT and later), connections of at
    most 36 kVA with four classes,
    https://reseaux.photovoltaique.info/fr/decrypter-le-jeu-dacteurs/financement-des-reseaux-publics/tarifs-dutilisation-des-reseaux-publics-delectricite
    """
    ranges = hours(text)
    high = tuple(Rule("HCH", start, end, months=HIGH_SEASON) for start, end in ranges)
    low = tuple(Rule("HCB", start, end) for start, end in ranges)
    return Tariff("Two seasons", (*high, Rule("HPH", months=HIGH_SEASON), *low), "HPB")


def _check_name(name: str) -> None:
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise Malformed(
            "tariff.name",
            f"a tariff and its classes have names of 1 to {_LONGEST_NAME} characters",
            hint="such as HP and HC",
        )


def _range(text: str) -> Range:
    found = _RANGE.match(text)
    if found is None:
        raise _not_hours(f"{text[:40]!r} are not hours of the day")
    first, first_minute, last, last_minute = (int(part or 0) for part in found.groups())
    if (last, last_minute) == (24, 0):
        last = 0
    try:
        start, end = time(first, first_minute), time(last, last_minute)
    except ValueError as error:
        raise _not_hours(f"{text[:40]!r} are not hours of the day") from error
    if start == end != _MIDNIGHT:
        raise _not_hours(f"the hours {text[:40]!r} have no length")
    return start, end


def _within_a_day(start: time, end: time) -> Iterator[tuple[int, int]]:
    """Give the minutes of the day that hours take, in one piece or on both sides of midnight."""
    first, last = start.hour * 60 + start.minute, end.hour * 60 + end.minute
    if first < last:
        yield first, last
        return
    yield first, 24 * 60
    yield 0, last


def _instants(day: date, edges: set[time], zone: ZoneInfo) -> Iterator[int]:
    """Give the instants [epoch s] of a local day at which the clock shows an edge, or jumps."""
    start = midnight(day, zone)
    end = midnight(day + timedelta(days=1), zone)
    for edge in edges:
        yield int(datetime.combine(day, edge, zone).timestamp())
    if start.astimezone(zone).utcoffset() == end.astimezone(zone).utcoffset():
        return
    for edge in edges:
        yield int(datetime.combine(day, edge.replace(fold=1), zone).timestamp())
    yield _jump(int(start.timestamp()), int(end.timestamp()), zone)


def _jump(start_s: int, end_s: int, zone: ZoneInfo) -> int:
    """Give the first instant between two with the clock of the second."""

    def offset(at_s: int) -> timedelta | None:
        return datetime.fromtimestamp(at_s, zone).utcoffset()

    while end_s - start_s > 1:
        middle_s = (start_s + end_s) // 2
        if offset(middle_s) == offset(end_s):
            end_s = middle_s
        else:
            start_s = middle_s
    return end_s


def _not_hours(message: str) -> Malformed:
    return Malformed("tariff.hours", message, hint="use 22:00-06:00 or 01:30-07:30;13:00-14:30")

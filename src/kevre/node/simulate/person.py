"""The ten people of Enedis' sandbox, with invented meters: each has one difficulty of real life.

Source: the sandbox of Data Connect as its clients describe it (persons 0 to 9).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

_LONG_AGO = date(2014, 1, 22)


@dataclass(frozen=True, slots=True)
class Point:
    """One metering point.

    Attributes:
        since: when the meter was commissioned; asking for days before is refused.
        has_curve: whether the load curve is activated.
        has_holes: whether Tuesdays and Wednesdays lack values.
        gives_w: nominal power of its solar plant; 0 for none.
        takes: whether it consumes.
    """

    prm: str
    since: date = _LONG_AGO
    has_curve: bool = True
    has_holes: bool = False
    gives_w: int = 0
    takes: bool = True
    uses_own: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """One person of the sandbox."""

    number: int
    sentence: str
    points: tuple[Point, ...]
    refuses: bool = False
    revokes: bool = False


def _prm(number: int, place: int = 0) -> str:
    return f"9999999{number}00000{place}"


PEOPLE = (
    Person(0, "a meter without any difficulty", (Point(_prm(0)),)),
    Person(1, "commissioned on 27 August 2019", (Point(_prm(1), since=date(2019, 8, 27)),)),
    Person(2, "the load curve is not activated", (Point(_prm(2), has_curve=False),)),
    Person(3, "consumption and production", (Point(_prm(3), gives_w=3_000),)),
    Person(4, "holes on Tuesdays and Wednesdays", (Point(_prm(4), has_holes=True),)),
    Person(5, "production only", (Point(_prm(5), gives_w=9_000, takes=False),)),
    Person(6, "self-consumption", (Point(_prm(6), gives_w=3_000, uses_own=True),)),
    Person(7, "three metering points", tuple(Point(_prm(7, place)) for place in range(3))),
    Person(8, "agrees, then revokes", (Point(_prm(8)),), revokes=True),
    Person(9, "refuses", (Point(_prm(9)),), refuses=True),
)


def of_point(prm: str) -> tuple[Person, Point] | None:
    """Find whose metering point it is."""
    for person in PEOPLE:
        for point in person.points:
            if point.prm == prm:
                return person, point
    return None

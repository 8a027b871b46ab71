"""Months of UTC: how files of readings are cut, whatever calendar their meters follow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from kevre.model.errors import Malformed
from kevre.model.window import Window

_WRITTEN = re.compile(r"(\d{4})-?(0[1-9]|1[0-2])\Z")
_MONTHS = 12


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """One month of UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, instant_s: int) -> Self:
        """Give the month that holds an instant [epoch s]."""
        at = datetime.fromtimestamp(instant_s, UTC)
        return cls(at.year, at.month)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 2026-01 or 202601.

        Raises:
            Malformed: it is neither.
        """
        found = _WRITTEN.match(text)
        if found is None or not int(found[1]):
            raise Malformed("month.malformed", f"{text[:20]!r} is not a month", hint="as 2026-01")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.year:04}{self.month:02}"

    @property
    def following(self) -> Month:
        """Give the month after this one."""
        return Month(self.year + self.month // _MONTHS, self.month % _MONTHS + 1)

    @property
    def previous(self) -> Month:
        """Give the month before this one."""
        index = self.year * _MONTHS + self.month - 2
        return Month(index // _MONTHS, index % _MONTHS + 1)

    @property
    def window(self) -> Window:
        """Give its instants."""
        after = self.following
        return Window(
            datetime(self.year, self.month, 1, tzinfo=UTC),
            datetime(after.year, after.month, 1, tzinfo=UTC),
        )


def months(first: Month, last: Month) -> Iterator[Month]:
    """Give every month from `first` to `last`, both included."""
    one = first
    while one <= last:
        yield one
        one = one.following


def runs(some: set[Month]) -> Iterator[tuple[Month, Month]]:
    """Give the first and last month of each unbroken run, in order."""
    for first in sorted(one for one in some if one.previous not in some):
        last = first
        while last.following in some:
            last = last.following
        yield first, last

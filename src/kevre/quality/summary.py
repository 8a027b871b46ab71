"""What a file holds of one series, in one line: how many, from when to when, how much, how good."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from kevre.model import exact
from kevre.model.batch import Column
from kevre.model.quality import Quality


@dataclass(slots=True)
class Summary:
    """Sums up the pieces of one series, whose readings follow each other in time.

    Attributes:
        count: readings, with the missing ones.
        first_s: start of the first [epoch s].
        last_s: start of the last [epoch s].
        steps_s: how many readings have which step [s].
        qualities: how many readings have which quality.
        gaps: places where time passes between the end of one interval and the next.
        gap_s: how long all of them last together [s].
    """

    unit: str
    count: int = 0
    first_s: int = 0
    last_s: int = 0
    gaps: int = 0
    gap_s: int = 0
    steps_s: Counter[int] = field(default_factory=Counter)
    qualities: Counter[Quality] = field(default_factory=Counter)
    _sum: exact.Exact = (0, 0)
    _end_s: int = 0

    @property
    def total(self) -> str:
        """Give the plain sum of all values, exact."""
        return exact.to_text(*self._sum)

    def take(self, column: Column) -> None:
        """Take one piece."""
        if not len(column):
            return
        if not self.count:
            self.first_s = self._end_s = column.start_s[0]
        self.count += len(column)
        self.first_s = min(self.first_s, column.start_s[0])
        self.last_s = max(self.last_s, column.start_s[-1])
        self.steps_s.update(column.step_s)
        self.qualities.update(Quality(code) for code in column.quality)
        mantissa, exponent = self._sum
        least = min(exponent, column.exponent)
        added = sum(column.value) * 10 ** (column.exponent - least)
        self._sum = mantissa * 10 ** (exponent - least) + added, least
        for start_s, step_s in zip(column.start_s, column.step_s, strict=True):
            if step_s:
                self._interval(start_s, start_s + step_s)

    def _interval(self, start_s: int, end_s: int) -> None:
        if start_s > self._end_s:
            self.gaps += 1
            self.gap_s += start_s - self._end_s
        self._end_s = max(self._end_s, end_s)

"""How pages ask the door: all at once, and series by series where a part is refused.

A grant may open some series of a site and not others, or only days and no finer. A page then
shows what is open and leaves out the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

import numpy as np

from kevre.analyse.day import Days, gather
from kevre.flow import way
from kevre.flow.read import Curve, DayTotals, Latest
from kevre.model.errors import Refused
from kevre.model.step import Resolution
from kevre.model.window import Window
from kevre.places.series import Series
from kevre.web.visit import Visit

PURPOSE = "page"
_Answer = TypeVar("_Answer")
# The key under which the door gives the sum of several series.
_TOGETHER = 0
_COLUMNS = (
    ("series", np.int64),
    ("day", "datetime64[D]"),
    ("total", np.float64),
    ("coverage", np.float32),
    ("estimated", np.float32),
)


def latest(visit: Visit, wanted: Sequence[Series], purpose: str = PURPOSE) -> dict[int, Latest]:
    """Give the newest reading of each series that is open."""
    door = way.current().door

    def ask(some: Sequence[Series]) -> dict[int, Latest]:
        return door.latest(visit.reader, some, purpose=purpose, now=visit.now)

    return _merged(ask, wanted)


def curves(
    visit: Visit, wanted: Sequence[Series], window: Window, resolution: Resolution
) -> dict[int, Curve]:
    """Give the curve of each series that is open so finely."""
    door = way.current().door

    def ask(some: Sequence[Series]) -> dict[int, Curve]:
        return door.curves(visit.reader, some, window, resolution, purpose=PURPOSE, now=visit.now)

    return _merged(ask, wanted)


class Daily:
    """Daily totals of several series over some days, to be added up in groups."""

    def __init__(self, answers: Sequence[DayTotals], first: date, last: date) -> None:
        self._columns = tuple(
            np.concatenate([getattr(one, name) for one in answers])
            if answers
            else np.empty(0, kind)
            for name, kind in _COLUMNS
        )
        self.first = first
        self.last = last

    def of(self, group: Sequence[Series]) -> Days:
        """Add up the days of some of the series."""
        return self.of_keys([one.pk for one in group])

    def of_keys(self, keys: Sequence[int]) -> Days:
        """Add up the days of the series with these keys."""
        series, day, total, coverage, estimated = self._columns
        return gather((series, day, total, coverage, estimated), keys, self.first, self.last)


def daily(visit: Visit, wanted: Sequence[Series], first: date, last: date) -> Daily:
    """Give the daily totals of each series whose days are open."""
    door = way.current().door

    def ask(some: Sequence[Series]) -> dict[int, DayTotals]:
        totals = door.daily(visit.reader, some, first, last, purpose=PURPOSE, now=visit.now)
        return {some[0].pk: totals}

    return Daily(list(_merged(ask, wanted).values()), first, last)


def daily_total(
    visit: Visit, wanted: Sequence[Series], first: date, last: date
) -> tuple[Days, int] | None:
    """Give the days of all that may be counted together, and how many sites that is.

    None where nothing may be counted.
    """
    if not wanted:
        return None
    try:
        totals = way.current().door.daily_total(
            visit.reader, wanted, first, last, purpose=PURPOSE, now=visit.now
        )
    except Refused:
        return None
    return Daily([totals.days], first, last).of_keys([_TOGETHER]), len(totals.sites)


def _merged(
    ask: Callable[[Sequence[Series]], dict[int, _Answer]], wanted: Sequence[Series]
) -> dict[int, _Answer]:
    if not wanted:
        return {}
    try:
        return ask(wanted)
    except Refused:
        if len(wanted) == 1:
            return {}
    return {key: found for one in wanted for key, found in _merged(ask, [one]).items()}

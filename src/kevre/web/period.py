"""The period a page shows: a day, week, month or year of the site's calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_interval
from django.utils.translation import gettext_noop

from kevre.model.errors import Malformed
from kevre.model.step import Resolution
from kevre.model.window import Window, civil_days, first_day, local_day, next_first_day

EARLIEST = date(1990, 1, 1)
LATEST = date(2099, 12, 31)


class Span(StrEnum):
    """How long a period is; the words stand in the address of the page."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"

    @property
    def resolution(self) -> Resolution:
        """Give the calendar unit that a period of this span is."""
        return _UNIT[self]


_UNIT = {
    Span.DAY: Resolution.DAY,
    Span.WEEK: Resolution.WEEK,
    Span.MONTH: Resolution.MONTH,
    Span.YEAR: Resolution.YEAR,
}


@dataclass(frozen=True, slots=True)
class Period:
    """One day, week, month or year, by its first day."""

    span: Span
    first: date
    zone: ZoneInfo

    @property
    def last(self) -> date:
        """Give the last day, included."""
        return next_first_day(self.first, self.span.resolution) - timedelta(days=1)

    @property
    def window(self) -> Window:
        """Give its instants."""
        return civil_days(self.first, self.last, self.zone)

    @property
    def query(self) -> str:
        """Give what stands after `?` in its address."""
        return f"from={self.first.isoformat()}&span={self.span}"

    @property
    def previous(self) -> Period | None:
        """Give the period before, or None where the calendar of meters begins."""
        if self.first <= EARLIEST:
            return None
        return of_day(self.first - timedelta(days=1), self.span, self.zone)

    @property
    def next(self) -> Period | None:
        """Give the period after, or None where the calendar of meters ends."""
        if self.last >= LATEST:
            return None
        return of_day(self.last + timedelta(days=1), self.span, self.zone)

    def within(self, span: Span, newest: date) -> Period:
        """Give the period of another span around what is shown, no later than `newest`."""
        return of_day(max(self.first, min(self.last, newest)), span, self.zone)

    def label(self, locale: str) -> str:
        """Name the period for people.

        >>> Period(Span.MONTH, date(2026, 11, 1), ZoneInfo("Europe/Paris")).label("en_GB")
        'November 2026'
        """
        if self.span is Span.DAY:
            return str(format_date(self.first, "full", locale=locale))
        if self.span is Span.WEEK:
            return str(format_interval(self.first, self.last, "yMMMd", locale=locale))
        pattern = "LLLL y" if self.span is Span.MONTH else "y"
        return str(format_date(self.first, pattern, locale=locale))


def of_day(day: date, span: Span, zone: ZoneInfo) -> Period:
    """Give the period of a span that holds a day."""
    return Period(span, first_day(day, span.resolution), zone)


def asked(query: Mapping[str, str], zone: ZoneInfo, newest: Window) -> Period:
    """Read the period that an address asks for; without one, the day of the newest reading.

    Raises:
        Malformed: the span or the day cannot be read.
    """
    span = _span(query.get("span", Span.DAY))
    text = query.get("from", "")
    day = _day(text) if text else local_day(newest.end - timedelta(seconds=1), zone)
    return of_day(day, span, zone)


def _span(text: str) -> Span:
    try:
        return Span(text)
    except ValueError as error:
        raise Malformed(
            "period.span",
            gettext_noop("The page knows days, weeks, months and years."),
            where="span",
            hint=gettext_noop("Use span=day, span=week, span=month or span=year."),
        ) from error


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise _not_a_day() from error
    # Room for the neighbours: the first week of 1990 begins in 1989.
    if not EARLIEST <= day <= LATEST:
        raise _not_a_day()
    return day


def _not_a_day() -> Malformed:
    return Malformed(
        "period.day",
        gettext_noop("The day in the address is not one from 1990 to 2099."),
        where="from",
        hint=gettext_noop("Write it as 2026-11-23: year, month, day."),
    )

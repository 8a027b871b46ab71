"""Instants, windows and the calendar of a meter.

UTC inside; a calendar (an IANA zone) appears only here and at the edges. A day is what the
people at the meter call a day: 46, 48 or 50 half-hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kevre.model.errors import Malformed
from kevre.model.step import Resolution

PARIS = ZoneInfo("Europe/Paris")
_MONTHS = 12
# No meter of ours is older; no clock that is right is further ahead.
EARLIEST_S = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp())
LATEST_S = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class Window:
    """The instants `start <= t < end`, both in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse naive instants and windows that run backwards."""
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs instants with a zone")
        if self.end < self.start:
            raise Malformed("window.backwards", "the window ends before it starts")

    @classmethod
    def of_seconds(cls, start_s: int, end_s: int) -> Window:
        """Build a window from two epoch seconds."""
        return cls(datetime.fromtimestamp(start_s, UTC), datetime.fromtimestamp(end_s, UTC))

    @property
    def start_s(self) -> int:
        """Give the start as whole epoch seconds."""
        return int(self.start.timestamp())

    @property
    def end_s(self) -> int:
        """Give the end as whole epoch seconds."""
        return int(self.end.timestamp())

    @property
    def length_s(self) -> int:
        """Give the length [s]; never assume 86,400 for a day."""
        return self.end_s - self.start_s

    def clip(self, other: Window) -> Window | None:
        """Give what both windows share, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Window(start, end) if start < end else None

    def covers(self, other: Window) -> bool:
        """Say whether `other` lies wholly inside."""
        return self.start <= other.start and other.end <= self.end


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Give the instant at which a calendar day begins, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def civil_day(day: date, zone: ZoneInfo) -> Window:
    """Give the instants of one calendar day where the meter stands.

    >>> spring = civil_day(date(2026, 3, 29), PARIS)
    >>> (spring.end - spring.start) / timedelta(minutes=30)
    46.0
    """
    return Window(midnight(day, zone), midnight(day + timedelta(days=1), zone))


def civil_days(first: date, last: date, zone: ZoneInfo) -> Window:
    """Give the instants from the start of day `first` to the end of day `last`."""
    return Window(midnight(first, zone), midnight(last + timedelta(days=1), zone))


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Give the calendar day of an instant where the meter stands."""
    return instant.astimezone(zone).date()


def days(first: date, last: date) -> Iterator[date]:
    """Give every calendar day from `first` to `last`, both included."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)


def first_day(day: date, resolution: Resolution) -> date:
    """Give the first day of the week (Monday), month or year that holds `day`."""
    if resolution is Resolution.WEEK:
        return day - timedelta(days=day.weekday())
    if resolution is Resolution.MONTH:
        return day.replace(day=1)
    if resolution is Resolution.YEAR:
        return day.replace(month=1, day=1)
    return day


def next_first_day(day: date, resolution: Resolution) -> date:
    """Give the first day of the period after the one that holds `day`."""
    first = first_day(day, resolution)
    if resolution is Resolution.WEEK:
        return first + timedelta(days=7)
    if resolution is Resolution.MONTH:
        return first.replace(
            year=first.year + first.month // _MONTHS, month=first.month % _MONTHS + 1
        )
    if resolution is Resolution.YEAR:
        return first.replace(year=first.year + 1)
    return first + timedelta(days=1)


def civil_period(day: date, resolution: Resolution, zone: ZoneInfo) -> Window:
    """Give the instants of the day, week, month or year that holds `day`."""
    first = first_day(day, resolution)
    return Window(midnight(first, zone), midnight(next_first_day(day, resolution), zone))


def instant(text: str, zone: ZoneInfo | None = None, *, after: datetime | None = None) -> datetime:
    """Read an ISO 8601 instant; a naive one is read in `zone`, if one is given.

    Where the clock goes back, a naive time happens twice: the second one is meant when the
    first would not come after `after`, the instant of the row before.

    Raises:
        Malformed: not an instant, naive without a zone, in the hour that is skipped in
            spring, or outside 1990-2100.
    """
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Malformed(
            "time.malformed",
            f"{text[:40]!r} is not an instant",
            hint="use ISO 8601 such as 2026-01-31T12:30:00+01:00",
        ) from error
    if read.year in {MINYEAR, MAXYEAR}:  # no zone can be applied at the ends of the calendar
        raise _out_of_range(read)
    aware = read if read.tzinfo is not None else _placed(read, zone, after)
    if not EARLIEST_S <= aware.timestamp() < LATEST_S:
        raise _out_of_range(aware)
    return aware.astimezone(UTC)


def _out_of_range(read: datetime) -> Malformed:
    return Malformed(
        "time.out_of_range",
        f"the year {read.year} is outside 1990 to 2099",
        hint="check the order of day, month and year",
    )


def _placed(naive: datetime, zone: ZoneInfo | None, after: datetime | None) -> datetime:
    if zone is None:
        raise Malformed(
            "time.naive",
            f"{naive.isoformat()} has no offset",
            hint="add one, such as +01:00, or name the zone",
        )
    first = naive.replace(tzinfo=zone)
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
        raise Malformed(
            "time.skipped",
            f"{naive.isoformat()} does not exist in {zone.key}: the clock skips it",
            hint="the source may stamp in winter time; name its zone",
        )
    if after is not None and first.astimezone(UTC) <= after:
        return first.replace(fold=1)
    return first

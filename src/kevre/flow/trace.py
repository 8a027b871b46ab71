"""Trace: the life of one reading, from the batch that brought it to who read it.

Looking is the operator's, at the node's own command line, and stands in the access log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kevre.flow.arrival import Arrival
from kevre.flow.outbox import Parcel
from kevre.flow.read import Door, Passage
from kevre.flow.subscription import Subscription
from kevre.model.errors import Missing
from kevre.model.quality import Quality
from kevre.model.window import Window
from kevre.places.series import Series
from kevre.rights.access import AccessRecord
from kevre.store import RETENTION, Change, Curve, Store

# The longest interval that a reading may be of, here: one that holds an instant began no earlier.
_REACH = timedelta(days=40)
_MOST_READERS = 20


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a reading, or stands about it."""

    at: datetime | None
    what: str


@dataclass(frozen=True, slots=True)
class Life:
    """A reading and its steps.

    Attributes:
        start: of its interval.
        window: of the passage, for whoever looks further.
    """

    series: Series
    start: datetime
    steps: tuple[Step, ...]


def life(store: Store, door: Door, series: Series, at: datetime, *, now: datetime) -> Life:
    """Tell the life of the reading whose interval holds an instant.

    Raises:
        Missing: there is none, and never was one.
        Refused: the instant is not past.
    """
    window = Window(at - _REACH, at + timedelta(seconds=1))
    passage = door.passage([series.pk], window, now=now)
    start_s = _start_s(passage, series, int(at.timestamp()))
    changes = store.landed(series.pk, start_s)
    if not changes and _said(passage, series, start_s) is None:
        raise Missing("trace.none", "there is no reading that holds this instant")
    steps = [*_landed(passage, series, start_s, changes), *_lent(series, start_s)]
    return Life(series, datetime.fromtimestamp(start_s, UTC), (*steps, *_read(series, start_s)))


def raw(door: Door, series: Series, window: Window, *, now: datetime) -> Curve:
    """Give what is held of a past window, for whoever checks a seal over it.

    Raises:
        Refused: the window is not past.
    """
    return door.passage([series.pk], window, now=now).raw(series.pk, window)


def _start_s(passage: Passage, series: Series, at_s: int) -> int:
    """Give the start of the reading that holds an instant, or the instant itself."""
    found = at_s
    for block in passage.blocks(series.pk, passage.window):
        for start_s, step_s in zip(block.start_s.tolist(), block.step_s.tolist(), strict=True):
            if start_s <= at_s < start_s + max(step_s, 1):
                found = start_s
    return found


def _landed(
    passage: Passage, series: Series, start_s: int, changes: Sequence[Change]
) -> Iterator[Step]:
    """Tell what each batch that touched it left there."""
    for change in changes:
        at = datetime.fromtimestamp(change.at_s, UTC)
        said = _said(passage, series, start_s, as_of_s=change.at_s)
        yield Step(at, f"{_origin(change)}: {said or 'no reading'}")
    yield Step(None, f"today: {_said(passage, series, start_s) or 'no reading'}")


def _origin(change: Change) -> str:
    if change.batch == RETENTION:
        return f"line {change.seq}, by our own rules of age"
    if not change.batch:
        return f"line {change.seq}, an erasure"
    arrival = _arrival(change.batch)
    if arrival is None:
        return f"line {change.seq}, batch {change.batch}"
    source = f" {arrival.source}" if arrival.source else ""
    return f"line {change.seq}, from {arrival.origin}{source} (batch {arrival.key})"


def _arrival(batch: str) -> Arrival | None:
    """Find a batch by its name in the change log: origin and key, both of which may hold `:`."""
    parts = batch.split(":")
    for place in range(1, len(parts)):
        origin, key = ":".join(parts[:place]), ":".join(parts[place:])
        found = Arrival.objects.filter(origin=origin, key=key).first()
        if found is not None:
            return found
    return None


def _said(
    passage: Passage, series: Series, start_s: int, *, as_of_s: int | None = None
) -> str | None:
    """Tell the reading as it was known at a time, or None."""
    curve = passage.raw(series.pk, Window.of_seconds(start_s, start_s + 1), as_of_s=as_of_s)
    if not len(curve):
        return None
    return _text(curve, series)


def _text(curve: Curve, series: Series) -> str:
    quality = Quality(int(curve.quality[0]))
    step_s = int(curve.step_s[0])
    if quality is Quality.MISSING:
        return "missing"
    value = int(curve.value[0]) * 10.0**curve.exponent
    over = f" over {step_s} s" if step_s else ""
    return f"{value:g} {series.unit}{over}, {quality.name.lower()}"


def _lent(series: Series, start_s: int) -> Iterator[Step]:
    for one in Subscription.objects.select_related("party").filter(ended_at__isnull=True):
        if str(series.pk) not in one.reach:
            continue
        waits = Parcel.objects.filter(
            subscription=one, series_id=series.pk, first_s__lte=start_s, end_s__gt=start_s
        ).exists()
        how = "is not acknowledged yet" if waits else "was committed there"
        yield Step(one.heard_at, f"lent to {one.party.name}: {how}")


def _read(series: Series, start_s: int) -> Iterator[Step]:
    """Tell who read it, newest first."""
    start = datetime.fromtimestamp(start_s, UTC)
    lines = AccessRecord.objects.select_related("account", "party").filter(
        series_id=series.pk, start__lte=start, end__gt=start
    )
    for one in lines.order_by("-pk")[:_MOST_READERS]:
        who = one.account or one.party or "a guest"
        yield Step(one.at, f"read by {who} for {one.purpose}, {one.resolution}, by {one.basis}")

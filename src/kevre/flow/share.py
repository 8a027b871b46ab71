"""Share: a follower of the change log that tells the outbox of each subscription what changed.

Progress and promise lie in one database and commit together: a crash repeats nothing and
forgets nothing. A new subscription first gets everything that is known, month by month, so
that its receiver fills up from the oldest on and joins what is live without a seam.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import transaction

from kevre.flow import outbox
from kevre.flow.cursor import Cursor
from kevre.flow.outbox import Due
from kevre.flow.subscription import Subscription, selected, selects
from kevre.model.month import Month
from kevre.places.series import Series
from kevre.store import RETENTION, Change, Store

FOLLOWER = "share"
DAY_CLOSER = "share-day"
_AT_ONCE = 1_000
_DAY_S = 86_400
# What is older than this is gathered by months, what is younger by days, both of UTC.
_RECENT_S = 35 * _DAY_S


def follow(store: Store, now: datetime) -> int:
    """Open what is new and deal with the changes since the cursor; count these."""
    cursor, _ = Cursor.objects.get_or_create(follower=FOLLOWER)
    changes = store.changes(cursor.position, _AT_ONCE)
    living = list(Subscription.objects.filter(ended_at__isnull=True))
    opened = [one for one in living if one.opened_at is not None]
    with transaction.atomic():
        for subscription in living:
            if subscription.opened_at is None:
                # It finds the changes at hand in what the store holds by now.
                _open(store, subscription, now)
        for key, due in _due(changes, opened, int(now.timestamp())).items():
            outbox.put(key, due)
        if changes:
            cursor.position = changes[-1].seq
            cursor.save(update_fields=["position"])
    return len(changes)


def catch_up(store: Store, now: datetime) -> int:
    """Follow until nothing is left; count the changes."""
    total = 0
    while done := follow(store, now):
        total += done
    return total


def close_day(now: datetime) -> int:
    """Tell again, once, of the day of UTC that ended, so that it travels whole; count the parcels.

    What was sent piece by piece while it was measured is sent once more as one, which costs a
    fraction, is sealed for good, and heals what may be amiss.
    """
    end_s = int(now.timestamp()) // _DAY_S * _DAY_S
    first_s = end_s - _DAY_S
    cursor, _ = Cursor.objects.get_or_create(
        follower=DAY_CLOSER, defaults={"position": end_s // _DAY_S}
    )
    if cursor.position >= end_s // _DAY_S:
        return 0
    count = 0
    for subscription in Subscription.objects.filter(ended_at__isnull=True, opened_at__isnull=False):
        series = selected(subscription.selector)
        due = (Due(one.pk, one.urn, first_s, end_s, first_s, end_s) for one in series.iterator())
        count += outbox.put(subscription.pk, due)
    cursor.position = end_s // _DAY_S
    cursor.save(update_fields=["position"])
    return count


def buckets(first_s: int, end_s: int, now_s: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut a window at the borders of its buckets, in order.

    Returns:
        Start and end of each bucket, start and end of the part in it [epoch s].
    """
    recent_s = (now_s - _RECENT_S) // _DAY_S * _DAY_S
    at_s = first_s
    while at_s < end_s:
        month = Month.of(at_s)
        start_s, next_s = month.window.start_s, month.window.end_s
        if next_s > recent_s:
            start_s = at_s // _DAY_S * _DAY_S
            next_s = start_s + _DAY_S
        yield start_s, next_s, at_s, min(next_s, end_s)
        at_s = next_s


def _open(store: Store, subscription: Subscription, now: datetime) -> None:
    now_s = int(now.timestamp())
    everything: dict[int, list[Due]] = defaultdict(list)
    for series in selected(subscription.selector):
        span_s = store.span_s(series.pk)
        if span_s is None:
            continue
        for part in buckets(*span_s, now_s):
            everything[part[0]].append(Due(series.pk, series.urn, *part))
    outbox.put(subscription.pk, (one for at_s in sorted(everything) for one in everything[at_s]))
    Subscription.objects.filter(pk=subscription.pk).update(opened_at=now)


def _due(
    changes: Sequence[Change], living: Sequence[Subscription], now_s: int
) -> dict[int, list[Due]]:
    """Give, per subscription, what its receiver has to hear of."""
    # What our own rules let go stays with those who have rules of their own.
    told = [change for change in changes if change.batch != RETENTION]
    names = dict(
        Series.objects.filter(pk__in={change.series for change in told}).values_list("pk", "urn")
    )
    due: dict[int, list[Due]] = defaultdict(list)
    for change in told:
        urn = names.get(change.series)
        if urn is None:
            continue
        takers = [one.pk for one in living if selects(one.selector, urn)]
        if not takers:
            continue
        cut = [
            Due(change.series, urn, *part, is_exact=not change.batch)
            for part in buckets(change.first_s, change.last_s, now_s)
        ]
        for taker in takers:
            due[taker].extend(cut)
    return due

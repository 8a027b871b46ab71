"""Share: a follower of the change log that tells the outbox of each subscription what changed.

Progress and promise lie in one database and commit together: a crash repeats nothing and
forgets nothing. What becomes readable, by a new subscription or a new grant, is first entered
with everything that is known, month by month, so that its receiver fills up from the oldest on
and joins what is live without a seam. What may not be read is not entered: not even its name
may leave.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Max, Q, Sum

from kevre.flow import notice, outbox
from kevre.flow.cursor import Cursor
from kevre.flow.notice import Lent
from kevre.flow.outbox import Due
from kevre.flow.subscription import Subscription, selected
from kevre.model.month import Month
from kevre.model.terms import Word
from kevre.places.point import MeteringPoint
from kevre.places.series import Series
from kevre.rights import gate
from kevre.rights.gate import Reader
from kevre.rights.grant import Grant
from kevre.rights.terms import HeldTerms
from kevre.store import RETENTION, Change, Store

FOLLOWER = "share"
DAY_CLOSER = "share-day"
_AT_ONCE = 1_000
_DAY_S = 86_400
# What is older than this is gathered by months, what is younger by days, both of UTC.
_RECENT_S = 35 * _DAY_S


def follow(store: Store, now: datetime) -> int:
    """Enter what became readable and what changed since the cursor; count the changes."""
    cursor, _ = Cursor.objects.get_or_create(follower=FOLLOWER)
    changes = store.changes(cursor.position, _AT_ONCE)
    living = Subscription.objects.select_related("party").filter(ended_at__isnull=True)
    with transaction.atomic():
        known = {one.pk: (one, dict(one.reach)) for one in living}
        for subscription, _ in known.values():
            _extend(store, subscription, now)
        # What became readable just now was entered with all that the store holds by now.
        reaches = {key: reach for key, (_, reach) in known.items()}
        for key, due in _due(changes, reaches, int(now.timestamp())).items():
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
    for subscription in Subscription.objects.filter(ended_at__isnull=True):
        series = Series.objects.filter(pk__in=map(int, subscription.reach)).order_by("pk")
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


def _extend(store: Store, subscription: Subscription, now: datetime) -> None:
    """Enter all that is known of the series that another grant covers since the last time."""
    reader = Reader(None, subscription.party)
    mark = _mark(reader, now)
    if mark == subscription.reach_mark:
        return
    series = selected(subscription.selector)
    reach, terms = gate.reach(reader, series, now), gate.terms(reader, series, now)
    before = subscription.reach
    fresh = [key for key, rights in reach.items() if set(rights) - set(before.get(str(key), ()))]
    outbox.put(subscription.pk, _history(store, fresh, int(now.timestamp())))
    lent = {
        one.pk: Lent(one.urn, terms[one.pk])
        for one in Series.objects.filter(pk__in=reach)
        if one.pk in terms
    }
    notice.tell(subscription, lent, _ended(before, reach), now)
    Subscription.objects.filter(pk=subscription.pk).update(
        reach={str(key): rights for key, rights in reach.items()}, reach_mark=mark
    )


def _ended(before: Mapping[str, Sequence[str]], reach: Mapping[int, object]) -> dict[int, Word]:
    """Tell of the series that are lent no more why."""
    lost = {int(key): rights for key, rights in before.items() if int(key) not in reach}
    there = set(Series.objects.filter(pk__in=lost).values_list("pk", flat=True))
    grants = {int(right.partition(" ")[0]) for rights in lost.values() for right in rights}
    withdrawn = Grant.objects.filter(pk__in=grants, withdrawn_at__isnull=False)
    taken_back = set(withdrawn.values_list("pk", flat=True))
    ended = {}
    for key, rights in lost.items():
        by = {int(right.partition(" ")[0]) for right in rights}
        word = Word.WITHDRAWN if by & taken_back else Word.EXPIRED
        ended[key] = word if key in there else Word.ERASED
    return ended


def _mark(reader: Reader, now: datetime) -> str:
    """Sum up all that reach depends on: the grants in force, and which series there are."""
    grants = gate.grants_in_force(reader, now).order_by("pk")
    series = Series.objects.aggregate(Count("pk"), Max("pk"))
    placed = MeteringPoint.objects.filter(site__isnull=False).count()
    bounds = HeldTerms.objects.aggregate(
        onward=Count("pk", filter=Q(onward=True)),
        open=Count("pk", filter=Q(is_open=True)),
        ended=Count("pk", filter=Q(ended_at__isnull=False)),
        until=Sum("until_s"),
        kept=Sum("retention_s"),
    )
    facts = (*sorted(series.items()), placed, *sorted(bounds.items()))
    written = repr((list(grants.values_list()), facts))
    return hashlib.sha256(written.encode()).hexdigest()


def _history(store: Store, keys: Sequence[int], now_s: int) -> Iterator[Due]:
    """Give all that is known of some series, oldest first."""
    everything: dict[int, list[Due]] = defaultdict(list)
    for series in Series.objects.filter(pk__in=keys).order_by("pk"):
        span_s = store.span_s(series.pk)
        if span_s is None:
            continue
        for part in buckets(*span_s, now_s):
            everything[part[0]].append(Due(series.pk, series.urn, *part))
    for at_s in sorted(everything):
        yield from everything[at_s]


def _due(
    changes: Sequence[Change], reaches: Mapping[int, Mapping[str, object]], now_s: int
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
        takers = [key for key, reach in reaches.items() if str(change.series) in reach]
        if urn is None or not takers:
            continue
        cut = [
            Due(change.series, urn, *part, is_exact=not change.batch)
            for part in buckets(change.first_s, change.last_s, now_s)
        ]
        for taker in takers:
            due[taker].extend(cut)
    return due

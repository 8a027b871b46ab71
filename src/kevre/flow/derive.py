"""Derive: a follower of the change log that keeps the daily totals true.

Only days that changed are computed again. The cursor moves after the totals are written:
a crash between the two repeats a computation whose result is the same.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from kevre.flow.cursor import Cursor
from kevre.model.window import local_day
from kevre.places.series import Series
from kevre.places.site import Site
from kevre.store import Change, Store

FOLLOWER = "derive"
_AT_ONCE = 1_000


def follow(store: Store) -> int:
    """Deal with the changes since the cursor; give how many there were."""
    cursor, _ = Cursor.objects.get_or_create(follower=FOLLOWER)
    changes = store.changes(cursor.position, _AT_ONCE)
    if not changes:
        return 0
    store.refresh_many(_dirty_days(changes))
    cursor.position = changes[-1].seq
    cursor.save(update_fields=["position"])
    return len(changes)


def catch_up(store: Store) -> int:
    """Follow until nothing is left; give how many changes there were."""
    total = 0
    while done := follow(store):
        total += done
    return total


def _dirty_days(changes: list[Change]) -> dict[int, tuple[date, date]]:
    """Give, per series, the local days that what changed may have touched.

    The store adds the days that follow from these, such as those between two registers.
    """
    zones = {
        series.pk: (series.point.site or Site()).zone
        for series in Series.objects.select_related("point__site").filter(
            pk__in={change.series for change in changes}
        )
    }
    spans: dict[int, tuple[date, date]] = {}
    for change in changes:
        zone = zones.get(change.series)
        if zone is None:  # the series was erased from the registry meanwhile
            continue
        first = local_day(datetime.fromtimestamp(change.first_s, UTC), zone)
        last = local_day(datetime.fromtimestamp(change.last_s, UTC), zone)
        known = spans.get(change.series, (first, last))
        spans[change.series] = (min(known[0], first), max(known[1], last))
    return spans

"""Keeping what was lent no longer than its terms allow.

What the lender told binds us: see `rights.terms`. Bytes go with the store's own housekeeping.
"""

from __future__ import annotations

from datetime import datetime

from kevre.flow.way import Way
from kevre.model.window import EARLIEST_S, Window
from kevre.places.series import Series
from kevre.rights.terms import HeldTerms


def tend(way: Way, now: datetime) -> int:
    """Erase what may be kept no longer; count the readings."""
    held = HeldTerms.objects.filter(is_open=False)
    return sum(
        forget(way, one, now)
        for one in held.iterator()
        if one.retention_s is not None or one.is_ended
    )


def forget(way: Way, held: HeldTerms, now: datetime) -> int:
    """Erase of one series what its terms do not let us keep; count the readings."""
    now_s = int(now.timestamp())
    before_s = _before_s(held, now_s)
    series = Series.objects.filter(urn=held.urn, source=held.source_id).first()
    span_s = way.store.span_s(series.pk) if series else None
    if series is None or span_s is None or before_s is None or span_s[0] >= before_s:
        return 0
    window = Window.of_seconds(EARLIEST_S, min(before_s, span_s[1]))
    return way.store.erase(series.pk, window, now_s=now_s)


def _before_s(held: HeldTerms, now_s: int) -> int | None:
    """Give the instant before which nothing may be kept, or None [epoch s]."""
    if held.retention_s is None:
        return now_s + 366 * 86_400 if held.is_ended else None
    if now_s < held.since.timestamp() + held.retention_s:
        return None
    return now_s - held.retention_s

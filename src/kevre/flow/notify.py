"""Notify: a follower that enters into the outbox of each application what it may hear of.

Of readings: which series changed over which time, among those that its grants cover. Of grants:
which came into force, and which ended, for whatever reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from kevre.flow.cursor import Cursor
from kevre.places.series import Series
from kevre.rights import gate, hook
from kevre.rights.application import Application
from kevre.rights.gate import Reader
from kevre.rights.grant import Grant
from kevre.rights.hook import EventKind
from kevre.store import RETENTION, Change, Store

FOLLOWER = "notify"
_AT_ONCE = 1_000


class Known(models.Model):
    """The grants of an application that were in force when it was last looked at."""

    application = models.OneToOneField(Application, on_delete=models.CASCADE, related_name="+")
    grants = models.JSONField(default=list)

    class Meta:
        verbose_name = _("grants that an application was told of")
        verbose_name_plural = _("grants that applications were told of")

    def __str__(self) -> str:
        return f"{self.application_id} · {len(self.grants)}"


def catch_up(store: Store, now: datetime) -> int:
    """Enter all that happened since the last time; count the changes of readings."""
    applications = _listening()
    for application in applications:
        _grants(application, now)
    total = 0
    while done := _readings(store, applications, now):
        total += done
    return total


def _listening() -> tuple[Application, ...]:
    found = Application.objects.filter(blocked_at=None).exclude(hook_url="")
    return tuple(found.select_related("party"))


def _grants(application: Application, now: datetime) -> None:
    """Compare the grants in force with those of the last time."""
    reader = Reader(None, application.party)
    living = gate.grants_in_force(reader, now).filter(party=application.party)
    present = sorted(living.values_list("pk", flat=True))
    with transaction.atomic():
        known, _fresh = Known.objects.get_or_create(application=application)
        if known.grants == present:
            return
        before = set(known.grants)
        hook.put(application, EventKind.GRANTED, hook.keys(set(present) - before), now)
        hook.put(application, EventKind.ENDED, hook.keys(before - set(present)), now)
        known.grants = present
        known.save(update_fields=["grants"])


def _readings(store: Store, applications: Sequence[Application], now: datetime) -> int:
    """Enter the next changes; progress and promise commit together."""
    cursor, _fresh = Cursor.objects.get_or_create(follower=FOLLOWER)
    changes = store.changes(cursor.position, _AT_ONCE)
    if not changes:
        return 0
    windows = _windows(changes)
    with transaction.atomic():
        for application in applications:
            about = {str(one): windows[one] for one in _reach(application, windows, now)}
            hook.put(application, EventKind.CHANGED, about, now)
        cursor.position = changes[-1].seq
        cursor.save(update_fields=["position"])
    return len(changes)


def _reach(application: Application, keys: Iterable[int], now: datetime) -> Iterator[int]:
    """Give those of some series that a grant to the application covers, not one to everyone."""
    own = Grant.objects.filter(party=application.party, withdrawn_at=None)
    reader = Reader(None, application.party, only=frozenset(own.values_list("pk", flat=True)))
    series = Series.objects.filter(pk__in=list(keys))
    for key, rights in gate.reach(reader, series, now).items():
        # A right begins with the key of its grant.
        if reader.only and any(int(right.split()[0]) in reader.only for right in rights):
            yield key


def _windows(changes: Sequence[Change]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for change in changes:
        if change.batch == RETENTION:
            continue
        old = found[change.series] or [change.first_s, change.last_s]
        found[change.series] = [min(old[0], change.first_s), max(old[1], change.last_s)]
    return dict(found)

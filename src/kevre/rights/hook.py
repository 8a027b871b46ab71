"""Hooks: what applications are told, in an outbox that outlives a crash; never a value.

One event of a kind waits for an application at most: what happens meanwhile is added to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kevre.rights.application import Application

# Pauses before each try after the first; then the event is given up.
PAUSES = tuple(
    timedelta(seconds=one) for one in (10, 60, 300, 1_800, 7_200, 21_600, 43_200, 86_400, 86_400)
)
# While one worker sends, no other does.
_LEASE = timedelta(minutes=2)
_MOST_NAMED = 1_000
_KEPT = timedelta(days=30)


class EventKind(models.TextChoices):
    """What an application is told of."""

    GRANTED = "grant.granted", _("granted")
    ENDED = "grant.ended", _("ended")
    CHANGED = "readings.changed", _("readings changed")
    TEST = "test", _("a test")


class HookEvent(models.Model):
    """One message; `about` holds keys of grants or windows of series, merged as they come."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    about = models.JSONField(default=dict)
    at = models.DateTimeField()
    due_at = models.DateTimeField(db_index=True)
    tries = models.PositiveSmallIntegerField(default=0)
    answer = models.CharField(max_length=80, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("message to an application")
        verbose_name_plural = _("messages to applications")
        ordering = ("-at",)
        constraints = (
            models.UniqueConstraint(
                fields=("application", "kind"),
                condition=Q(tries=0, done_at=None, dropped_at=None),
                name="hook_waits_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.application_id} · {self.kind} · {self.at:%Y-%m-%d %H:%M}"


def put(
    application: Application, kind: EventKind, about: dict[str, list[int]], now: datetime
) -> None:
    """Tell an application, with what waits already; one that has no address hears nothing.

    Args:
        application: who is told.
        kind: of what.
        about: by key of a series the first and last second that changed, or of a grant nothing.
        now: when it happened.
    """
    if not application.hook_url or not about:
        return
    with transaction.atomic():
        waiting = HookEvent.objects.select_for_update().filter(
            application=application, kind=kind, tries=0, done_at=None, dropped_at=None
        )
        event = waiting.first() or HookEvent(application=application, kind=kind, at=now, due_at=now)
        event.about = _merged(event.about, about)
        event.save()


def claim(now: datetime, most: int = 20) -> tuple[HookEvent, ...]:
    """Take what is due; a worker that dies leaves it to the next after a while."""
    due = HookEvent.objects.filter(
        due_at__lte=now, done_at=None, dropped_at=None, application__blocked_at=None
    )
    taken = []
    for event in due.select_related("application__party").order_by("due_at")[:most]:
        held = HookEvent.objects.filter(pk=event.pk, due_at=event.due_at, tries=event.tries)
        if held.update(due_at=now + _LEASE, tries=event.tries + 1):
            event.tries += 1
            taken.append(event)
    return tuple(taken)


def delivered(event: HookEvent, now: datetime) -> None:
    """Mark a message that was taken."""
    HookEvent.objects.filter(pk=event.pk).update(done_at=now, answer="")


def failed(event: HookEvent, answer: str, now: datetime) -> None:
    """Mark a message that was not taken: try again later, or give it up."""
    left = PAUSES[event.tries - 1 :]
    change = {"due_at": now + left[0]} if left else {"dropped_at": now}
    HookEvent.objects.filter(pk=event.pk).update(answer=answer[:80], **change)


def forget(now: datetime) -> int:
    """Let messages go that were taken or given up long ago; count them."""
    old = HookEvent.objects.filter(at__lt=now - _KEPT).exclude(done_at=None, dropped_at=None)
    gone: int
    gone, _each = old.delete()
    return gone


def _merged(known: dict[str, list[int]], more: dict[str, list[int]]) -> dict[str, list[int]]:
    """Widen windows; beyond what one message names, it says only that there is more."""
    merged = dict(known)
    for key, window in more.items():
        old = merged.get(key)
        if old is None and len(merged) >= _MOST_NAMED:
            merged["more"] = []
        elif old and window:
            merged[key] = [min(old[0], window[0]), max(old[1], window[1])]
        else:
            merged[key] = list(window)
    return merged


def keys(found: Iterable[int]) -> dict[str, list[int]]:
    """Write keys of grants as `put` takes them."""
    return {str(one): [] for one in found}

"""Arrivals: one line per batch that entered, so that its way can be told later."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

# How long it can be told when and from where a batch came.
KEPT = timedelta(days=180)


class Arrival(models.Model):
    """One batch, counted. A batch that comes again updates its line."""

    origin = models.CharField(max_length=80)
    key = models.CharField(max_length=80)
    source = models.CharField(max_length=300, blank=True)
    received_at = models.DateTimeField(db_index=True)
    kept = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    quarantined = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("arrival")
        verbose_name_plural = _("arrivals")
        ordering = ("-received_at",)
        constraints = (models.UniqueConstraint(fields=("origin", "key"), name="arrival_once"),)

    def __str__(self) -> str:
        return f"{self.origin} · {self.source}"


def forget(now: datetime) -> int:
    """Let lines go that are older than KEPT, and count them: they must not grow with the years.

    The readings say themselves what they are; the change log names the batch.
    """
    count, _each = Arrival.objects.filter(received_at__lt=now - KEPT).delete()
    return count


@dataclass(slots=True)
class _Noted:
    """A line that waits to be written, and what became of it."""

    line: Arrival
    is_done: bool = False
    error: Exception | None = None


class Arrivals:
    """Writes the lines of requests that come together in one commit.

    A commit of the registry is a write to disk: without this, many small batches at once would
    wait for as many of them, one after the other.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: list[_Noted] = []

    def note(self, line: Arrival) -> None:
        """Write a line, with those of others that wait; on disk when it returns."""
        noted = _Noted(line)
        with self._lock:
            self._waiting.append(noted)
        with self._turn:
            if not noted.is_done:
                with self._lock:
                    group, self._waiting = self._waiting, []
                _write(group)
        if noted.error is not None:
            raise noted.error


def _write(group: Sequence[_Noted]) -> None:
    """Write lines in one statement; of one batch that came twice the later stands."""
    lines = {(one.line.origin, one.line.key): one.line for one in group}
    error = None
    try:
        Arrival.objects.bulk_create(
            lines.values(),
            update_conflicts=True,
            unique_fields=("origin", "key"),
            update_fields=("source", "received_at", "kept", "changed", "quarantined"),
        )
    except Exception as raised:  # noqa: BLE001 - told to each whose line it was
        error = raised
    for one in group:
        one.is_done, one.error = True, error

"""Arrivals: one line per batch that entered, so that its way can be told later."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


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

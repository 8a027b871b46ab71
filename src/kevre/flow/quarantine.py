"""Quarantine: what could not be kept, with its reason, for a person to mend."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Quarantined(models.Model):
    """One fault of one batch. The same fault of the same batch is kept once."""

    origin = models.CharField(max_length=80)
    batch_key = models.CharField(max_length=80)
    source = models.CharField(max_length=300, blank=True)
    line = models.BigIntegerField(default=0)
    code = models.CharField(max_length=60)
    field = models.CharField(max_length=80, blank=True)
    message = models.CharField(max_length=300)
    hint = models.CharField(max_length=300, blank=True)
    raw = models.CharField(max_length=200, blank=True)
    received_at = models.DateTimeField(db_index=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("quarantined reading")
        verbose_name_plural = _("quarantine")
        ordering = ("-received_at", "line")
        constraints = (
            models.UniqueConstraint(
                fields=("origin", "batch_key", "line", "code", "field"), name="quarantined_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.source}:{self.line} {self.code}"

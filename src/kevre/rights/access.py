"""The access log: one line per answer and series, written before the answer."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from kevre.places.party import Party
from kevre.rights.grant import Grant


class AccessRecord(models.Model):
    """That somebody was let to read one series over one period.

    A guest's line names nobody; that of another node names the party that runs it. No address
    of a machine is kept.
    """

    at = models.DateTimeField(db_index=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    party = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, related_name="+")
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, null=True, related_name="records")
    series_id = models.BigIntegerField(db_index=True)
    start = models.DateTimeField()
    end = models.DateTimeField()
    resolution = models.CharField(max_length=8)
    totals_only = models.BooleanField(default=False)
    purpose = models.CharField(max_length=120)

    class Meta:
        verbose_name = _("access record")
        verbose_name_plural = _("access log")
        ordering = ("-at",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} · {self.series_id} · {self.purpose}"

"""Devices, and the history of where each was attached."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kevre.places.point import MeteringPoint


class Device(models.Model):
    """A physical meter or sensor; it comes, is replaced, and goes."""

    serial = models.CharField(max_length=80, unique=True)
    maker = models.CharField(max_length=80, blank=True)
    model_name = models.CharField(max_length=80, blank=True)
    is_simulated = models.BooleanField(default=False)
    note = models.TextField(blank=True)

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        ordering = ("serial",)

    def __str__(self) -> str:
        return self.serial


class Attachment(models.Model):
    """One device at one metering point for a while: `since <= t < until`."""

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="attachments")
    point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="attachments")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ("point", "since")
        constraints = (
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gt=F("since")),
                name="attachment_ends_after_it_began",
            ),
        )

    def __str__(self) -> str:
        return f"{self.device} @ {self.point}"

    def clean(self) -> None:
        """Refuse a device in two places at once."""
        others = Attachment.objects.filter(device=self.device).exclude(pk=self.pk)
        after = others.filter(Q(until__isnull=True) | Q(until__gt=self.since))
        clash = after if self.until is None else after.filter(since__lt=self.until)
        if clash.exists():
            raise ValidationError(_("The device is attached elsewhere at that time."))

"""Metering points: where a fluid is measured, for a contract or by a device of our own."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from kevre.model.series import Fluid
from kevre.places.site import Site


class MeteringPoint(models.Model):
    """A PRM, a PCE, or a point of our own; without a site until somebody places it."""

    urn = models.CharField(max_length=120, unique=True)
    site = models.ForeignKey(
        Site, on_delete=models.PROTECT, null=True, blank=True, related_name="points"
    )
    fluid = models.CharField(max_length=16, choices=[(fluid.value, fluid.name) for fluid in Fluid])
    label = models.CharField(max_length=120, blank=True)

    class Meta:
        verbose_name = _("metering point")
        verbose_name_plural = _("metering points")
        ordering = ("urn",)

    def __str__(self) -> str:
        return self.label or self.urn

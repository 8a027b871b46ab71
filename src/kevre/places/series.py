"""Series: one quantity at one metering point."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from kevre.model import identifier
from kevre.model.series import Direction, Fluid, Kind, Statistic
from kevre.places.point import MeteringPoint
from kevre.places.source import Source


class Series(models.Model):
    """The registry's entry of a series; its key `id` names it in the store."""

    urn = models.CharField(max_length=200, unique=True)
    point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="series")
    label = models.CharField(max_length=120, blank=True)
    fluid = models.CharField(max_length=16, choices=[(fluid.value, fluid.name) for fluid in Fluid])
    quantity = models.CharField(max_length=40)
    direction = models.CharField(max_length=16, choices=[(d.value, d.name) for d in Direction])
    statistic = models.CharField(max_length=16, choices=[(s.value, s.name) for s in Statistic])
    unit = models.CharField(max_length=16)
    step_s = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Usual step in seconds; none where irregular")
    )
    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, null=True, blank=True, related_name="series"
    )

    class Meta:
        verbose_name = _("series")
        verbose_name_plural = _("series")
        ordering = ("urn",)

    def __str__(self) -> str:
        return self.label or self.urn

    @property
    def kind(self) -> Kind:
        """Give what it measures."""
        return Kind(
            Fluid(self.fluid),
            self.quantity,
            Direction(self.direction),
            Statistic(self.statistic),
            self.unit,
        )

    @property
    def path(self) -> str:
        """Give the part of the identifier that names the quantity."""
        return identifier.parse(self.urn).path

"""Where the readings of a series come from, as people must be told."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Nature(models.TextChoices):
    """Whether what is shown was measured at all."""

    MEASURED = "measured", _("Measured here")
    SHIFTED = "shifted", _("Measured elsewhere, shifted in time")
    GENERATED = "generated", _("Generated")
    SIMULATED = "simulated", _("Simulated device")
    REFERENCE = "reference", _("Reference data")


class Source(models.Model):
    """One origin of series, with the licence and words that its authors ask for."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=160)
    nature = models.CharField(max_length=16, choices=Nature.choices)
    licence = models.CharField(max_length=80, blank=True)
    attribution = models.CharField(max_length=300, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.name

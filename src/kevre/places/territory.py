"""Territories as a tree: region > agglomeration > commune."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class Level(models.TextChoices):
    """Levels of the tree, from wide to narrow."""

    REGION = "region", _("Region")
    AGGLOMERATION = "agglomeration", _("Agglomeration")
    COMMUNE = "commune", _("Commune")


class Territory(models.Model):
    """A region, an agglomeration or a commune.

    `path` holds the codes from the root, each followed by a slash, so that everything below
    a territory is found by one prefix.
    """

    code = models.CharField(
        max_length=16,
        unique=True,
        help_text=_("INSEE code of a commune or region, SIREN of an agglomeration"),
    )
    level = models.CharField(max_length=16, choices=Level.choices)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=120, unique=True)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    path = models.CharField(max_length=120, unique=True, editable=False)
    population = models.PositiveIntegerField(null=True, blank=True)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)

    class Meta:
        verbose_name = _("territory")
        verbose_name_plural = _("territories")
        ordering = ("path",)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep `path` in step with the parent's; see `move` for what is below."""
        self.path = f"{self.parent.path if self.parent else ''}{self.code}/"
        super().save(*args, **kwargs)

    def lineage(self) -> models.QuerySet[Territory]:
        """Give the territories from the root to this one."""
        codes = self.path.strip("/").split("/")
        return Territory.objects.filter(code__in=codes).order_by("path")

    def subtree(self) -> models.QuerySet[Territory]:
        """Give this territory and all below it."""
        return Territory.objects.filter(path__startswith=self.path)

"""Sites: a home, a school, a town hall, a plant; where metering points stand."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _

from kevre.places.party import Party
from kevre.places.territory import Territory


class SiteKind(models.TextChoices):
    """What a site is used for; charts and comparisons go by it."""

    SCHOOL = "school", _("School")
    TOWN_HALL = "town_hall", _("Town hall")
    POOL = "pool", _("Swimming pool")
    HOUSING = "housing", _("Housing block")
    HOME = "home", _("Home")
    PLANT = "plant", _("Power plant")
    STATION = "station", _("Weather station")
    REFERENCE = "reference", _("Reference data")
    OTHER = "other", _("Other")


class Site(models.Model):
    """One place with its own use of energy, in one commune, of one party."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=160)
    kind = models.CharField(max_length=16, choices=SiteKind.choices)
    territory = models.ForeignKey(Territory, on_delete=models.PROTECT, related_name="sites")
    party = models.ForeignKey(
        Party, on_delete=models.PROTECT, null=True, blank=True, related_name="sites"
    )
    floor_area_m2 = models.PositiveIntegerField(null=True, blank=True)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    zone_name = models.CharField(max_length=40, default="Europe/Paris")
    is_demo = models.BooleanField(
        default=False, help_text=_("A fictional site; every page that shows it says so")
    )
    note = models.TextField(blank=True)

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        """Give the calendar of the site's meters."""
        return ZoneInfo(self.zone_name)

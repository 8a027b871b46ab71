"""Grants: who may read what, how finely, for what, from when until when."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from kevre.model.step import Resolution
from kevre.places.party import Party
from kevre.places.site import Site
from kevre.rights.account import Account


class Audience(models.TextChoices):
    """To whom a grant is given."""

    EVERYONE = "everyone", _("Everyone")
    PARTY = "party", _("One party")


class Grant(models.Model):
    """The right to read the series of one site.

    Attributes:
        retention_s: how long an organisation's node may keep what it read, see `terms` [s].
        onward: whether it may let others read it.

    A guest reads public sites by a grant to everyone, like anyone else. A home that only
    lets its readings count in totals has a grant with `totals_only`.
    """

    audience = models.CharField(max_length=16, choices=Audience.choices)
    party = models.ForeignKey(
        Party, on_delete=models.PROTECT, null=True, blank=True, related_name="grants_received"
    )
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="grants")
    path_prefix = models.CharField(
        max_length=120, blank=True, help_text=_("Only series whose path begins so; empty for all")
    )
    finest = models.CharField(
        max_length=8,
        choices=[(r.value, r.name) for r in Resolution],
        default=Resolution.RAW.value,
    )
    totals_only = models.BooleanField(default=False)
    purpose = models.CharField(max_length=120)
    retention_s = models.BigIntegerField(null=True, blank=True)
    onward = models.BooleanField(default=False)
    readings_since = models.DateTimeField(null=True, blank=True)
    readings_until = models.DateTimeField(null=True, blank=True)
    valid_since = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    proof = models.TextField(help_text=_("What was shown and agreed to, where and when"))

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        constraints = (
            models.CheckConstraint(
                condition=Q(audience=Audience.PARTY, party__isnull=False)
                | Q(audience=Audience.EVERYONE, party__isnull=True),
                name="grant_has_its_audience",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_since")),
                name="grant_ends_after_it_began",
            ),
        )

    def __str__(self) -> str:
        return f"{self.audience} · {self.site_id} · {self.purpose}"


def given(account: Account) -> QuerySet[Grant]:
    """Give the grants to sites that an account holds, those that ended too."""
    own = Site.objects.filter(party__memberships__account=account)
    return Grant.objects.filter(site__in=own.values("pk"))


def received(account: Account) -> QuerySet[Grant]:
    """Give the grants to the parties that an account acts for, those that ended too."""
    parties = Party.objects.filter(memberships__account=account)
    return Grant.objects.filter(party__in=parties.values("pk"))


def is_in_force(grant: Grant, now: datetime) -> bool:
    """Say whether a grant holds at a moment."""
    began = grant.valid_since <= now and grant.withdrawn_at is None
    return began and (grant.valid_until is None or grant.valid_until > now)

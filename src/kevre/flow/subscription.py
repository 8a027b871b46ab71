"""Subscriptions: that an organisation's node receives what it may read, as it comes.

A subscription names what is wanted and where its receiver has come; it gives no right. What
it carries is read through the door at the moment of sending, with the rights of that moment.
"""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from kevre.places.party import Party
from kevre.places.series import Series


def _handle() -> str:
    return secrets.token_hex(8)


class Subscription(models.Model):
    """What one party receives; it lives until it is ended by either side.

    Attributes:
        handle: what both sides call it.
        selector: see `selected`.
        address: where it is pushed to; empty where the receiver asks.
        last_seq: the highest number given to one of its parcels.
        acknowledged: up to which number the receiver has committed all.
        reach: by which rights its series may be read, as far as that is entered in the
            outbox: {key of the series: [rights]}, see `rights.gate.reach`.
        reach_mark: what `reach` was made from; where it is the same, so is `reach`.
    """

    handle = models.CharField(max_length=16, unique=True, default=_handle, editable=False)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="subscriptions")
    selector = models.CharField(max_length=200)
    address = models.CharField(max_length=200, blank=True)
    last_seq = models.BigIntegerField(default=0)
    acknowledged = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    reach = models.JSONField(default=dict)
    reach_mark = models.CharField(max_length=64, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        ordering = ("created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("party", "selector", "address"),
                condition=Q(ended_at__isnull=True),
                name="subscription_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.party_id} · {self.selector}"


EVERYTHING = "*"
SITE = "site:"


def selected(selector: str) -> QuerySet[Series]:
    """Give the series that a selector names, in the order of their keys.

    It is the URN of a series, of a metering point, or the beginning of the former up to a `/`;
    `site:` and the slug of a site; or `*` for everything that may be read.
    """
    every = Series.objects.order_by("pk")
    if selector == EVERYTHING:
        return every
    if selector.startswith(SITE):
        return every.filter(point__site__slug=selector.removeprefix(SITE))
    below = Q(urn__startswith=f"{selector}/") | Q(urn__startswith=f"{selector}_")
    return every.filter(Q(urn=selector) | below)

"""Terms: under what readings are lent, and what binds us to those that were lent to us.

Terms travel with the readings. Where a node holds another's, they bound what it may keep and
for how long, and whom it may let read them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from kevre.model.terms import LONGEST_PURPOSE, Terms
from kevre.places.series import Series
from kevre.places.source import Source


class HeldTerms(models.Model):
    """The terms of a series that another node lent us.

    Attributes:
        urn: of the series, which may not have come yet.
        since: when the first of it was told; what is kept counts from here at the earliest.
        ended_at: when the lender told that no grant covers it any more.
    """

    urn = models.CharField(max_length=200, unique=True)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="terms")
    purpose = models.CharField(max_length=LONGEST_PURPOSE, blank=True)
    retention_s = models.BigIntegerField(null=True, blank=True)
    onward = models.BooleanField(default=False)
    is_open = models.BooleanField(default=False)
    until_s = models.BigIntegerField(null=True, blank=True)
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("terms of a lent series")
        verbose_name_plural = _("terms of lent series")

    def __str__(self) -> str:
        return self.urn

    @property
    def is_ended(self) -> bool:
        """Say whether nobody may read it any more."""
        return not self.is_open and self.ended_at is not None

    @property
    def is_closed(self) -> bool:
        """Say whether we may let nobody else read it."""
        return not self.is_open and (not self.onward or self.ended_at is not None)

    @property
    def terms(self) -> Terms:
        """Give them as they were told."""
        return Terms(self.purpose, self.retention_s, self.onward, self.until_s, self.is_open)


def hold(urn: str, source: Source, terms: Terms, now: datetime) -> bool:
    """Be bound by what a lender tells of one of its series; False if it is another's."""
    held = HeldTerms.objects.filter(urn=urn).first()
    if held is not None and held.source_id != source.pk:
        return False
    told: dict[str, object] = {
        "purpose": terms.purpose[:LONGEST_PURPOSE],
        "retention_s": terms.retention_s,
        "onward": terms.onward,
        "is_open": terms.is_open,
        "until_s": terms.until_s,
        "ended_at": None,
    }
    fresh = {"source": source, "since": now}
    HeldTerms.objects.update_or_create(urn=urn, defaults=told, create_defaults=told | fresh)
    return True


def end(urn: str, source: Source, now: datetime) -> HeldTerms | None:
    """Note that no grant covers a series any more; give what binds us from here on."""
    HeldTerms.objects.filter(urn=urn, source=source, ended_at__isnull=True).update(ended_at=now)
    return HeldTerms.objects.filter(urn=urn, source=source).first()


def of(series: Collection[Series]) -> dict[int, HeldTerms]:
    """Give the terms that bind some series, by their keys."""
    names = {one.urn: one.pk for one in series}
    return {names[held.urn]: held for held in HeldTerms.objects.filter(urn__in=names)}


def withheld(series: QuerySet[Series]) -> set[int]:
    """Give the series that may not be let read by anybody but us."""
    closed = HeldTerms.objects.filter(is_open=False).filter(
        Q(onward=False) | Q(ended_at__isnull=False)
    )
    return set(series.filter(urn__in=closed.values("urn")).values_list("pk", flat=True))

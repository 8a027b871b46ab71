"""Terms: under what readings are lent, and what binds us to those that were lent to us.

Terms travel with the readings. Where a node holds another's, they bound what it may keep and
for how long, and whom it may let read them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from kevre.model.terms import LONGEST_PURPOSE, Terms
from kevre.places.series import Series
from kevre.places.source import Source


class HeldTerms(models.Model):
    """The terms of a series that another node lent us; they bind what came from that node.

    Attributes:
        urn: of the series, which may not have come yet.
        since: when the first of it was told; what is kept counts from here at the earliest.
        ended_at: when the lender told that no grant covers it any more.
    """

    urn = models.CharField(max_length=200)
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
        constraints = (
            models.UniqueConstraint(fields=("urn", "source"), name="terms_once_by_source"),
        )

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


def hold(urn: str, source: Source, terms: Terms, now: datetime) -> None:
    """Be bound by what a lender tells of one of its series."""
    told: dict[str, object] = {
        "purpose": terms.purpose[:LONGEST_PURPOSE],
        "retention_s": terms.retention_s,
        "onward": terms.onward,
        "is_open": terms.is_open,
        "until_s": terms.until_s,
        "ended_at": None,
    }
    HeldTerms.objects.update_or_create(
        urn=urn, source=source, defaults=told, create_defaults=told | {"since": now}
    )


def end(urn: str, source: Source, now: datetime) -> HeldTerms | None:
    """Note that no grant covers a series any more; give what binds us from here on."""
    HeldTerms.objects.filter(urn=urn, source=source, ended_at__isnull=True).update(ended_at=now)
    return HeldTerms.objects.filter(urn=urn, source=source).first()


def of(series: Collection[Series]) -> dict[int, HeldTerms]:
    """Give the terms that bind some series, by their keys; of their own source alone."""
    known = {(one.urn, one.source_id): one.pk for one in series}
    held = HeldTerms.objects.filter(urn__in={urn for urn, _ in known})
    return {known[one.urn, one.source_id]: one for one in held if (one.urn, one.source_id) in known}


def withheld(series: QuerySet[Series]) -> set[int]:
    """Give the series that may not be let read by anybody but us."""
    closed = HeldTerms.objects.filter(
        Q(onward=False) | Q(ended_at__isnull=False),
        is_open=False,
        urn=OuterRef("urn"),
        source=OuterRef("source"),
    )
    return set(series.filter(Exists(closed)).values_list("pk", flat=True))

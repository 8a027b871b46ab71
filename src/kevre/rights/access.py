"""The access log: one line per answer and series, written before the answer.

Each line carries a digest of itself and of the line before, so that a line that was changed
or taken out shows. The database refuses what no right covers; see `rights.law`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from kevre.model.errors import Conflict
from kevre.places.party import Party
from kevre.places.series import Series
from kevre.rights.account import Account
from kevre.rights.grant import Grant

_AT_ONCE = 1_000
# Any number that nothing else in this database locks by.
_CHAIN_LOCK = 7_305_801_442
LOCK = "select pg_advisory_xact_lock(%s)"


class Basis(models.TextChoices):
    """By which right a series was read."""

    GRANT = "grant", _("A grant")
    HOLDER = "holder", _("It is the reader's own")
    OPERATOR = "operator", _("Operation of the node")
    EXPORT = "export", _("Export by the node's command")


class AccessRecord(models.Model):
    """That somebody was let to read one series over one period.

    A guest's line names nobody; that of another node names the party that runs it. No address
    of a machine is kept. Lines from before there was a chain have no digest.
    """

    at = models.DateTimeField(db_index=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    party = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, related_name="+")
    basis = models.CharField(max_length=8, choices=Basis.choices)
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, null=True, related_name="records")
    series_id = models.BigIntegerField(db_index=True)
    start = models.DateTimeField()
    end = models.DateTimeField()
    resolution = models.CharField(max_length=8)
    totals_only = models.BooleanField(default=False)
    purpose = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, default="", editable=False)

    class Meta:
        verbose_name = _("access record")
        verbose_name_plural = _("access log")
        ordering = ("-at",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} · {self.series_id} · {self.purpose}"


class AccessPurge(models.Model):
    """That the lines before an instant were let go, and where the chain went on."""

    at = models.DateTimeField()
    until = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64, default="")

    class Meta:
        verbose_name = _("purge of the access log")
        verbose_name_plural = _("purges of the access log")

    def __str__(self) -> str:
        return f"{self.until:%Y-%m-%d} · {self.count}"


def about(account: Account) -> QuerySet[AccessRecord]:
    """Give the lines on series of the sites that an account holds."""
    own = Series.objects.filter(point__site__party__memberships__account=account)
    return AccessRecord.objects.filter(series_id__in=own.values("pk"))


def append(records: Iterable[AccessRecord]) -> None:
    """Write lines at the end of the chain; all or none."""
    with transaction.atomic():
        _lock()
        digest = _last()
        chained = []
        for record in records:
            digest = record.digest = _digest(digest, record)
            chained.append(record)
        AccessRecord.objects.bulk_create(chained, batch_size=_AT_ONCE)


def purge(until: datetime, now: datetime) -> int:
    """Let the lines before an instant go, as far as none before them stays; count them."""
    with transaction.atomic():
        _lock()
        younger = AccessRecord.objects.filter(at__gte=until).order_by("pk").first()
        gone = AccessRecord.objects.filter(at__lt=until)
        if younger is not None:
            gone = gone.filter(pk__lt=younger.pk)
        last = gone.order_by("pk").last()
        if last is None:
            return 0
        count = gone.count()
        AccessPurge.objects.create(at=now, until=until, count=count, digest=last.digest)
        gone.delete()
    return count


def verify() -> int:
    """Check the chain from its first line to its last; count the lines.

    Raises:
        Conflict: a line was changed, put in or taken out.
    """
    purged = AccessPurge.objects.order_by("pk").last()
    digest = purged.digest if purged is not None else ""
    count = 0
    for record in AccessRecord.objects.order_by("pk").iterator(_AT_ONCE):
        count += 1
        if not record.digest and not digest:
            continue  # from before there was a chain
        digest = _digest(digest, record)
        if record.digest != digest:
            raise Conflict(
                "access.broken",
                "the access log was changed after it was written",
                where=f"line {record.pk}",
                hint="compare with a backup, and find out who can write to the registry",
            )
    return count


def _lock() -> None:
    # SQLite lets one transaction write at a time anyway.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(LOCK, [_CHAIN_LOCK])


def _last() -> str:
    found = AccessRecord.objects.order_by("-pk").values_list("digest", flat=True).first()
    if found is not None:
        return found
    purged = AccessPurge.objects.order_by("pk").last()
    return purged.digest if purged is not None else ""


def _digest(previous: str, record: AccessRecord) -> str:
    told = [
        previous,
        *(_utc(at) for at in (record.at, record.start, record.end)),
        record.account_id,
        record.party_id,
        record.basis,
        record.grant_id,
        record.series_id,
        record.resolution,
        record.totals_only,
        record.purpose,
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()

"""Notices: what the receiver of a subscription must be told beside readings, and its receipts.

Under what terms a series is lent, and that it is lent no more. A notice waits until the
receiver has said what it did about it; one that waits too long is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from kevre.flow.subscription import Subscription
from kevre.model.terms import LONGEST_PURPOSE, Terms, Word

PATIENCE = timedelta(days=3)
_LONGEST_RECEIPT = 300


class Notice(models.Model):
    """One thing that one receiver must know of one series.

    Attributes:
        series_id: its key, which the registry may have forgotten.
        sent_at: when it was given to a server that keeps it for the receiver; none where the
            receiver asks.
        receipt: what the receiver says that it did; empty until it has.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="notices")
    series_id = models.BigIntegerField()
    urn = models.CharField(max_length=200)
    word = models.CharField(max_length=16, choices=[(one.value, one.value) for one in Word])
    purpose = models.CharField(max_length=LONGEST_PURPOSE, blank=True)
    retention_s = models.BigIntegerField(null=True, blank=True)
    onward = models.BooleanField(default=False)
    is_open = models.BooleanField(default=False)
    until_s = models.BigIntegerField(null=True, blank=True)
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    receipt = models.CharField(max_length=_LONGEST_RECEIPT, blank=True)
    receipt_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        indexes = (models.Index(fields=("subscription", "receipt_at"), name="notice_waiting"),)

    def __str__(self) -> str:
        return f"{self.urn} · {self.word}"

    @property
    def terms(self) -> Terms:
        """Give the terms that it tells."""
        return Terms(self.purpose, self.retention_s, self.onward, self.until_s, self.is_open)


@dataclass(frozen=True, slots=True)
class Lent:
    """A series that a subscription carries, and under what terms."""

    urn: str
    terms: Terms


def tell(
    subscription: Subscription,
    lent: Mapping[int, Lent],
    ended: Mapping[int, Word],
    now: datetime,
) -> int:
    """Make a notice of what the receiver does not know yet; count them.

    Args:
        subscription: whose receiver is told.
        lent: what it carries now, by series.
        ended: what it carried until now, and why not any more.
        now: the time of the notices.
    """
    latest = {one.series_id: one for one in subscription.notices.order_by("pk")}
    made = [
        _made(subscription, key, one.urn, Word.TERMS, one.terms, now)
        for key, one in lent.items()
        if not _is_known(latest.get(key), one.terms)
    ]
    for key, word in ended.items():
        known = latest.get(key)
        if known is not None and known.word == Word.TERMS:
            made.append(_made(subscription, key, known.urn, word, known.terms, now))
    Notice.objects.bulk_create(made)
    return len(made)


def waiting(subscription: Subscription, limit: int) -> list[Notice]:
    """Give the notices that the receiver has given no receipt for, oldest first."""
    return list(subscription.notices.filter(receipt_at__isnull=True).order_by("pk")[:limit])


def unsent(subscription: Subscription, limit: int) -> list[Notice]:
    """Give the notices that no server has yet for a receiver that they are pushed to."""
    mine = subscription.notices.filter(receipt_at__isnull=True, sent_at__isnull=True)
    return list(mine.order_by("pk")[:limit])


def sent(notices: Iterable[Notice], now: datetime) -> None:
    """Note that a server keeps them for the receiver."""
    Notice.objects.filter(pk__in=[one.pk for one in notices]).update(sent_at=now)


def receipt(subscription: Subscription, receipts: Iterable[tuple[int, str]], now: datetime) -> int:
    """Note what the receiver says it did; count the notices that were waiting for it."""
    count = 0
    for key, said in receipts:
        mine = subscription.notices.filter(pk=key, receipt_at__isnull=True)
        count += mine.update(receipt=said[:_LONGEST_RECEIPT], receipt_at=now)
    return count


def overdue(now: datetime) -> list[Notice]:
    """Give the notices of living subscriptions whose receipt has not come for too long."""
    return list(
        Notice.objects.select_related("subscription__party").filter(
            receipt_at__isnull=True,
            made_at__lt=now - PATIENCE,
            subscription__ended_at__isnull=True,
        )
    )


def _is_known(latest: Notice | None, terms: Terms) -> bool:
    return latest is not None and latest.word == Word.TERMS and latest.terms == terms


def _made(
    subscription: Subscription, key: int, urn: str, word: Word, terms: Terms, now: datetime
) -> Notice:
    return Notice(
        subscription=subscription,
        series_id=key,
        urn=urn,
        word=word,
        purpose=terms.purpose,
        retention_s=terms.retention_s,
        onward=terms.onward,
        is_open=terms.is_open,
        until_s=terms.until_s,
        made_at=now,
    )

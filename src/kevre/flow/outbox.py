"""Outbox: which windows of which series a subscription has still to send; never a value.

There is one parcel for a subscription, series and bucket of time. What changes again before
it was acknowledged widens the parcel and moves it to the end, so the outbox is bounded by what
exists, however long a receiver is away. A receiver that has committed everything up to a
number says so; what changed since has a higher one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from kevre.flow.subscription import Subscription

_AT_ONCE = 500


class Parcel(models.Model):
    """A window of one series that is to be sent.

    Attributes:
        seq: its place in the order of its subscription; grows whenever it changes.
        series_id: key of the series, which the registry may have forgotten meanwhile.
        urn: name of the series.
        bucket_s, until_s: the time that one parcel gathers [epoch s].
        first_s, end_s: the window, `first_s <= start < end_s` [epoch s].
        is_exact: whether what is not there any more is to go at the receiver too.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="parcels")
    seq = models.BigIntegerField()
    series_id = models.BigIntegerField()
    urn = models.CharField(max_length=200)
    bucket_s = models.BigIntegerField()
    until_s = models.BigIntegerField()
    first_s = models.BigIntegerField()
    end_s = models.BigIntegerField()
    is_exact = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("parcel")
        verbose_name_plural = _("outbox")
        ordering = ("subscription", "seq")
        constraints = (
            models.UniqueConstraint(
                fields=("subscription", "series_id", "bucket_s", "until_s"), name="parcel_once"
            ),
            models.UniqueConstraint(fields=("subscription", "seq"), name="parcel_in_order"),
        )

    def __str__(self) -> str:
        return f"{self.subscription_id} · {self.seq}"


@dataclass(frozen=True, slots=True)
class Due:
    """What a parcel is made of."""

    series: int
    urn: str
    bucket_s: int
    until_s: int
    first_s: int
    end_s: int
    is_exact: bool = False


def put(subscription: int, due: Iterable[Due]) -> int:
    """Enter what is to be sent, in its order; durable when it returns. Count the parcels."""
    wanted = _merged(due)
    with transaction.atomic():
        # The row of the subscription is the lock under which numbers are given out.
        held = Subscription.objects.select_for_update().get(pk=subscription)
        seq = held.last_seq
        for at in range(0, len(wanted), _AT_ONCE):
            part = wanted[at : at + _AT_ONCE]
            known = _known(held, part)
            fresh, moved = [], []
            for one in part:
                seq += 1
                parcel = known.get(_key(one.series, one))
                if parcel is None:
                    fresh.append(_parcel(held, one, seq))
                else:
                    _widen(parcel, one, seq)
                    moved.append(parcel)
            Parcel.objects.bulk_create(fresh)
            Parcel.objects.bulk_update(moved, ["seq", "first_s", "end_s", "is_exact"])
        held.last_seq = seq
        held.save(update_fields=["last_seq"])
    return len(wanted)


def pending(subscription: Subscription, after: int, limit: int) -> Sequence[Parcel]:
    """Give the next parcels after a number, in order."""
    return list(subscription.parcels.filter(seq__gt=after).order_by("seq")[:limit])


def acknowledge(subscription: Subscription, seq: int) -> None:
    """Forget the parcels up to a number: the receiver has committed them."""
    with transaction.atomic():
        subscription.parcels.filter(seq__lte=min(seq, subscription.last_seq)).delete()
        Subscription.objects.filter(
            pk=subscription.pk, acknowledged__lt=seq, last_seq__gte=seq
        ).update(acknowledged=seq)


def waiting() -> dict[int, int]:
    """Count the parcels of each subscription that has some."""
    counted = Parcel.objects.values("subscription").annotate(count=models.Count("pk"))
    return {row["subscription"]: row["count"] for row in counted}


def _merged(due: Iterable[Due]) -> list[Due]:
    """Widen what is named several times; the order is that of the first naming."""
    merged: dict[_Key, Due] = {}
    for one in due:
        key = _key(one.series, one)
        known = merged.get(key, one)
        merged[key] = Due(
            one.series,
            one.urn,
            one.bucket_s,
            one.until_s,
            min(known.first_s, one.first_s),
            max(known.end_s, one.end_s),
            known.is_exact or one.is_exact,
        )
    return list(merged.values())


_Key = tuple[int, int, int]


def _key(series: int, one: Due | Parcel) -> _Key:
    return series, one.bucket_s, one.until_s


def _known(held: Subscription, part: Sequence[Due]) -> dict[_Key, Parcel]:
    buckets = {one.bucket_s for one in part}
    series = {one.series for one in part}
    found = held.parcels.filter(series_id__in=series, bucket_s__in=buckets)
    return {_key(one.series_id, one): one for one in found}


def _parcel(held: Subscription, one: Due, seq: int) -> Parcel:
    return Parcel(
        subscription=held,
        seq=seq,
        series_id=one.series,
        urn=one.urn,
        bucket_s=one.bucket_s,
        until_s=one.until_s,
        first_s=one.first_s,
        end_s=one.end_s,
        is_exact=one.is_exact,
    )


def _widen(parcel: Parcel, one: Due, seq: int) -> None:
    parcel.seq = seq
    parcel.first_s = min(parcel.first_s, one.first_s)
    parcel.end_s = max(parcel.end_s, one.end_s)
    parcel.is_exact = parcel.is_exact or one.is_exact

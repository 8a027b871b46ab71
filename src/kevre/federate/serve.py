"""The verbs of the protocol, once for every binding: what a peer may ask, and what it is told."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from kevre.federate.curve import column
from kevre.federate.deliver import PURPOSE
from kevre.flow import outbox
from kevre.flow.read import Door
from kevre.flow.subscription import EVERYTHING, SITE, Subscription
from kevre.model import identifier
from kevre.model.batch import Column
from kevre.model.errors import Malformed, Missing, Refused
from kevre.model.step import Resolution
from kevre.model.window import Window
from kevre.places.party import Party
from kevre.places.point import MeteringPoint
from kevre.places.series import Series
from kevre.rights.gate import Reader, grants_in_force, readable_sites
from kevre.rights.grant import Grant

_SITE = re.compile(rf"{SITE}[-a-z0-9_]{{1,80}}\Z")


@dataclass(frozen=True, slots=True)
class Offered:
    """A page of the series that may be read; `following` continues it, None ends it."""

    series: tuple[Series, ...]
    following: int | None


class Asker(Protocol):
    """Who asks, by whatever binding: a peer or a contact."""

    @property
    def party(self) -> Party:
        """Give for whom it asks."""

    @property
    def reader(self) -> Reader:
        """Give who it is at the door."""


def list_series(asker: Asker, now: datetime, *, after: int = 0, limit: int = 500) -> Offered:
    """Give series that the peer may read, in the order of their keys."""
    page = list(_readable(asker, now).filter(pk__gt=after).order_by("pk")[: limit + 1])
    following = page[limit - 1].pk if len(page) > limit else None
    return Offered(tuple(page[:limit]), following)


def list_grants(asker: Asker, now: datetime) -> list[Grant]:
    """Give the grants by which the peer may read, those to everyone among them."""
    return list(grants_in_force(asker.reader, now).select_related("site").order_by("pk"))


def list_subscriptions(party: Party, address: str = "") -> list[Subscription]:
    """Give the subscriptions of a party that live, and are pushed there."""
    living = Subscription.objects.filter(party=party, address=address, ended_at__isnull=True)
    return list(living)


def subscribe(asker: Asker, selector: str, now: datetime, *, address: str = "") -> Subscription:
    """Make the asker receive what a selector names; again gives the same subscription.

    There need be no readings yet: it is enough that the place where they will be is readable.

    Raises:
        Malformed: it is no selector.
        Refused: the peer may read nothing of it. The same for what does not exist.
    """
    wanted = checked(selector)
    if not _may_subscribe(asker, wanted, now):
        raise Refused(
            "grant.none",
            "no grant covers this reading",
            hint="sign in, or ask the holder for a grant",
        )
    same = {"party": asker.party, "selector": wanted, "address": address}
    known = Subscription.objects.filter(**same, ended_at=None).first()
    if known is not None:
        return known
    try:
        with transaction.atomic():
            return Subscription.objects.create(**same)
    except IntegrityError:  # another request of the same asker was faster
        return Subscription.objects.get(**same, ended_at=None)


def subscription(asker: Asker, handle: str) -> Subscription:
    """Find a living subscription of the peer.

    Raises:
        Missing: it has none of this name, or it was ended.
    """
    found = (
        Subscription.objects.select_related("party")
        .filter(party=asker.party, handle=handle, ended_at__isnull=True)
        .first()
    )
    if found is None:
        raise Missing(
            "subscription.absent", "there is no such subscription", hint="subscribe again"
        )
    return found


def acknowledge(held: Subscription, seq: int, now: datetime) -> None:
    """Note up to where the receiver has committed all, and that it was heard."""
    outbox.acknowledge(held, seq)
    Subscription.objects.filter(pk=held.pk).update(heard_at=now)


def resume(held: Subscription, after: int, now: datetime) -> None:
    """Go on from where the receiver has come.

    A receiver that stands before what it acknowledged, or after what was ever sent, lives with
    another past than we do: one of the two was restored from a backup. Then everything is
    entered again, under numbers that both have not seen; what is there already is no change.
    """
    if held.acknowledged <= after <= held.last_seq:
        acknowledge(held, after, now)
        return
    with transaction.atomic():
        held.parcels.filter(seq__lte=after).delete()
        Subscription.objects.filter(pk=held.pk).update(
            last_seq=max(held.last_seq, after),
            acknowledged=after,
            reach={},
            reach_mark="",
            heard_at=now,
        )


def unsubscribe(party: Party, selector: str, now: datetime, *, address: str = "") -> int:
    """End what a selector names or begins; nothing to end is a success too. Count them.

    Raises:
        Malformed: it is no selector.
    """
    wanted = checked(selector)
    ended = 0
    for one in list_subscriptions(party, address):
        begins = one.selector.startswith((f"{wanted}/", f"{wanted}_"))
        if wanted in {one.selector, EVERYTHING} or begins:
            end(one, now)
            ended += 1
    return ended


def end(held: Subscription, now: datetime) -> None:
    """End a subscription and forget what it had still to send."""
    with transaction.atomic():
        Subscription.objects.filter(pk=held.pk).update(ended_at=now)
        held.parcels.all().delete()


def checked(selector: str) -> str:
    """Give a selector in its present form; see `flow.subscription.selected`.

    Raises:
        Malformed: it is none.
    """
    text = selector.rstrip("/")
    if text == EVERYTHING or _SITE.match(text):
        return text
    try:
        return identifier.point(text)
    except Malformed:
        return str(identifier.parse(text))


def history(
    door: Door, asker: Asker, urn: str, window: Window, now: datetime, *, most: int
) -> Column:
    """Give the readings of one series that start in a window, raw.

    Raises:
        Malformed: it is no series, or there are more than `most` readings.
        Refused: the asker may not read it. The same for what does not exist.
    """
    found = Series.objects.select_related("point__site").filter(urn=str(identifier.parse(urn)))
    series = found.first()
    if series is None:
        raise Refused(
            "grant.none",
            "no grant covers this reading",
            hint="sign in, or ask the holder for a grant",
        )
    curve = door.curve(asker.reader, series, window, Resolution.RAW, purpose=PURPOSE, now=now)
    if len(curve) > most:
        raise Malformed(
            "history.too_long",
            f"more than {most} readings in one answer",
            where="end_time",
            hint="ask for a shorter time, or for pages with max_records",
        )
    return column(series, curve)


def first(whole: Column, count: int) -> Column:
    """Give the first readings of a column."""
    at = slice(count)
    return replace(
        whole,
        start_s=whole.start_s[at],
        step_s=whole.step_s[at],
        value=whole.value[at],
        quality=whole.quality[at],
        line=whole.line[at],
    )


def _may_subscribe(asker: Asker, selector: str, now: datetime) -> bool:
    if selector == EVERYTHING:
        return True
    sites = readable_sites(asker.reader, now)
    if selector.startswith(SITE):
        return sites.filter(slug=selector.removeprefix(SITE)).exists()
    point = selector.partition("_")[0]
    return MeteringPoint.objects.filter(urn=point, site__in=sites).exists()


def _readable(asker: Asker, now: datetime) -> QuerySet[Series]:
    sites = readable_sites(asker.reader, now)
    return Series.objects.filter(point__site__in=sites).select_related("point__site__territory")

"""The verbs of the protocol, once for every binding: what a peer may ask, and what it is told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from kevre.federate.peer import Peer
from kevre.flow import outbox
from kevre.flow.subscription import EVERYTHING, SITE, Subscription, selected
from kevre.model import identifier
from kevre.model.errors import Malformed, Missing, Refused
from kevre.places.party import Party
from kevre.places.series import Series
from kevre.rights.gate import grants_in_force, readable_sites
from kevre.rights.grant import Grant

_SITE = re.compile(rf"{SITE}[-a-z0-9_]{{1,80}}\Z")


@dataclass(frozen=True, slots=True)
class Offered:
    """A page of the series that may be read; `following` continues it, None ends it."""

    series: tuple[Series, ...]
    following: int | None


def list_series(peer: Peer, now: datetime, *, after: int = 0, limit: int = 500) -> Offered:
    """Give series that the peer may read, in the order of their keys."""
    page = list(_readable(peer, now).filter(pk__gt=after).order_by("pk")[: limit + 1])
    following = page[limit - 1].pk if len(page) > limit else None
    return Offered(tuple(page[:limit]), following)


def list_grants(peer: Peer, now: datetime) -> list[Grant]:
    """Give the grants by which the peer may read, those to everyone among them."""
    return list(grants_in_force(peer.reader, now).select_related("site").order_by("pk"))


def list_subscriptions(party: Party) -> list[Subscription]:
    """Give the subscriptions of a party that live."""
    return list(Subscription.objects.filter(party=party, ended_at__isnull=True))


def subscribe(peer: Peer, selector: str, now: datetime) -> Subscription:
    """Make the peer receive what a selector names; again gives the same subscription.

    Raises:
        Malformed: it is no selector.
        Refused: the peer may read nothing of it. The same for what does not exist.
    """
    wanted = checked(selector)
    may_read = _readable(peer, now).filter(pk__in=selected(wanted).values("pk"))
    if not may_read.exists():
        raise Refused(
            "grant.none",
            "no grant covers this reading",
            hint="sign in, or ask the holder for a grant",
        )
    known = _living(peer.party, wanted)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            return Subscription.objects.create(party=peer.party, selector=wanted)
    except IntegrityError:  # another request of the same peer was faster
        return Subscription.objects.get(party=peer.party, selector=wanted, ended_at=None)


def subscription(peer: Peer, handle: str) -> Subscription:
    """Find a living subscription of the peer.

    Raises:
        Missing: it has none of this name, or it was ended.
    """
    found = (
        Subscription.objects.select_related("party")
        .filter(party=peer.party, handle=handle, ended_at__isnull=True)
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


def unsubscribe(party: Party, selector: str, now: datetime) -> int:
    """End what a selector names or begins; nothing to end is a success too. Count them.

    Raises:
        Malformed: it is no selector.
    """
    wanted = checked(selector)
    ended = 0
    for one in list_subscriptions(party):
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


def _living(party: Party, selector: str) -> Subscription | None:
    return Subscription.objects.filter(party=party, selector=selector, ended_at=None).first()


def _readable(peer: Peer, now: datetime) -> QuerySet[Series]:
    sites = readable_sites(peer.reader, now)
    return Series.objects.filter(point__site__in=sites).select_related("point__site__territory")

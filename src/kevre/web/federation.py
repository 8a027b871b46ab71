"""The page of the federation: which nodes are trusted here; for operators what flows, and how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache

from kevre.federate import node, sponsor
from kevre.federate.entrust import Entrusted
from kevre.federate.feed import Feed
from kevre.federate.peer import Peer
from kevre.federate.provenance import KnownKey
from kevre.federate.sponsor import Sponsored
from kevre.flow import notice, outbox
from kevre.flow.subscription import Subscription
from kevre.web import words
from kevre.web.visit import Visit, visit


@dataclass(frozen=True, slots=True)
class Flow:
    """One subscription, from either end."""

    selector: str
    is_ours: bool
    progress: str
    heard: str
    error: str


@dataclass(frozen=True, slots=True)
class Row:
    """One other node; who is not an operator learns no more than its name and address."""

    peer: Peer
    state: str
    heard: str
    flows: tuple[Flow, ...] = ()


@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Show this node and the others."""
    look = visit(request)
    peers = Peer.objects.select_related("party")
    if not look.reader.is_operator:
        peers = peers.filter(trusted_at__isnull=False, blocked_at__isnull=True)
    waiting = outbox.waiting() if look.reader.is_operator else {}
    view = {
        "here": "federation",
        "own": node.described(),
        "rows": [_row(look, one, waiting) for one in peers],
        "known": _known(look),
        "is_operator": look.reader.is_operator,
    }
    return render(request, "federation.html", view)


def _known(look: Visit) -> list[KnownKey]:
    """Give the nodes that peers told of and that are no peers here; for operators."""
    if not look.reader.is_operator:
        return []
    met = Peer.objects.values("key_name")
    own = node.described().key.name
    return list(KnownKey.objects.exclude(name__in=met).exclude(name=own).order_by("title"))


def _row(look: Visit, one: Peer, waiting: Mapping[int, int]) -> Row:
    state = gettext("trusted")
    if one.blocked_at is not None:
        state = gettext("blocked")
    elif one.trusted_at is None:
        state = gettext("met, not trusted")
    if not look.reader.is_operator:
        return Row(one, state, "")
    heard = words.ago_text(one.heard_at, look.now, look.locale) if one.heard_at else ""
    flows = (*_received(look, one), *_lent(look, one, waiting), *_copies(look, one))
    return Row(one, state, heard, flows)


def _received(look: Visit, one: Peer) -> list[Flow]:
    flows = []
    for feed in Feed.objects.filter(peer=one, ended_at=None).order_by("pk"):
        each = feed.bytes_received / feed.readings if feed.readings else 0.0
        progress = gettext("%(readings)s readings, %(bytes)s bytes each") % {
            "readings": words.number_text(feed.readings, look.locale),
            "bytes": words.number_text(round(each, 1), look.locale),
        }
        news = words.ago_text(feed.news_at, look.now, look.locale) if feed.news_at else ""
        flows.append(
            Flow(feed.selector, is_ours=True, progress=progress, heard=news, error=feed.error)
        )
    return flows


def _lent(look: Visit, one: Peer, waiting: Mapping[int, int]) -> list[Flow]:
    flows = []
    overdue = Counter(one.subscription_id for one in notice.overdue(look.now))
    for lent in Subscription.objects.filter(party=one.party, address="", ended_at=None):
        progress = gettext("%(parcels)s windows wait") % {
            "parcels": words.number_text(waiting.get(lent.pk, 0), look.locale)
        }
        heard = words.ago_text(lent.heard_at, look.now, look.locale) if lent.heard_at else ""
        late = overdue.get(lent.pk, 0)
        error = gettext("receipts for %(count)s notices are overdue") % {"count": late}
        flows.append(
            Flow(
                lent.selector,
                is_ours=False,
                progress=progress,
                heard=heard,
                error=error if late else "",
            )
        )
    return flows


def _copies(look: Visit, one: Peer) -> list[Flow]:
    """Give the encrypted copies that either keeps of the other."""
    flows = []
    for ours in Entrusted.objects.filter(peer=one):
        copied = words.ago_text(ours.copied_at, look.now, look.locale) if ours.copied_at else ""
        size = _megabytes(ours.size, look)
        name = gettext("encrypted copy of this node")
        flows.append(Flow(name, is_ours=False, progress=size, heard=copied, error=ours.error))
    for theirs in Sponsored.objects.filter(peer=one):
        progress = gettext("%(used)s of %(quota)s") % {
            "used": _megabytes(theirs.used_bytes, look),
            "quota": _megabytes(theirs.quota_bytes, look),
        }
        newest = next(iter(sponsor.copies(theirs)), None)
        came = newest.closed_at if newest else None
        heard = words.ago_text(came, look.now, look.locale) if came else ""
        name = gettext("its encrypted copy")
        flows.append(Flow(name, is_ours=True, progress=progress, heard=heard, error=""))
    return flows


def _megabytes(size: int, look: Visit) -> str:
    return f"{words.number_text(round(size / 1e6, 1), look.locale)} MB"

"""The HTTPS binding: signed requests, answers in JSON, feeds as one long answer.

A feed's answer carries frames as they come and ends after LONGEST_S; the receiver asks again
from where it has come, which acknowledges everything before. Asking is always the receiver's
part, so it may stand behind any router.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET, require_http_methods

from kevre.federate import deliver, frame, node, serve
from kevre.federate.bindings.guard import asked, document, now, own, whole
from kevre.federate.deliver import Sender, gathered
from kevre.federate.peer import Peer
from kevre.flow import notice, way
from kevre.flow.subscription import Subscription
from kevre.model.errors import Malformed
from kevre.places.series import Series

LONGEST_S = 900.0
HEARTBEAT_S = 15.0
_PAUSE_S = 0.5
_MOST_NOTICES = 500


@require_GET
def well_known(request: HttpRequest) -> HttpResponse:
    """Describe this node to anybody."""
    del request
    answer = HttpResponse(node.described().write(), content_type="application/json")
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cache-Control"] = "public, max-age=300"
    return answer


@require_GET
@asked
def series(request: HttpRequest, asker: Peer) -> HttpResponse:
    """List series that the peer may read."""
    page = serve.list_series(asker, now(), after=whole(request, "after"))
    return JsonResponse({"series": [_series(one) for one in page.series], "next": page.following})


@require_GET
@asked
def grants(request: HttpRequest, asker: Peer) -> HttpResponse:
    """List the grants by which the peer may read."""
    del request
    return JsonResponse(
        {
            "grants": [
                {
                    "site": one.site.slug,
                    "path_prefix": one.path_prefix,
                    "finest": one.finest,
                    "purpose": one.purpose,
                    "valid_until": one.valid_until and one.valid_until.isoformat(),
                }
                for one in serve.list_grants(asker, now())
            ]
        }
    )


@require_http_methods(["GET", "POST", "DELETE"])
@asked
def subscriptions(request: HttpRequest, asker: Peer) -> HttpResponse:
    """List the peer's subscriptions, make one, or end what a selector names."""
    if request.method == "GET":
        living = serve.list_subscriptions(asker.party)
        return JsonResponse({"subscriptions": [_subscription(one) for one in living]})
    selector = _selector(request)
    if request.method == "DELETE":
        return JsonResponse({"ended": serve.unsubscribe(asker.party, selector, now())})
    made = serve.subscribe(asker, selector, now())
    return JsonResponse(_subscription(made), status=201)


@require_http_methods(["POST"])
@asked
def acknowledgement(request: HttpRequest, asker: Peer, handle: str) -> HttpResponse:
    """Note up to where the peer has committed a feed."""
    held = serve.subscription(asker, handle)
    cursor = document(request).get("cursor")
    if not isinstance(cursor, int) or isinstance(cursor, bool) or cursor < 0:
        raise Malformed("request.parameter", "a cursor is a whole number", where="cursor")
    serve.acknowledge(held, cursor, now())
    return JsonResponse({"acknowledged": cursor})


@require_http_methods(["POST"])
@asked
def receipts(request: HttpRequest, asker: Peer, handle: str) -> HttpResponse:
    """Note what the peer did about notices."""
    held = serve.subscription(asker, handle)
    given = document(request).get("receipts")
    if not isinstance(given, list) or not all(_is_receipt(one) for one in given):
        raise Malformed("request.parameter", "a list of receipts is missing", where="receipts")
    said = [(one["notice"], one["done"]) for one in given]
    return JsonResponse({"noted": notice.receipt(held, said, now())})


@require_GET
@asked
def feed(request: HttpRequest, asker: Peer, handle: str) -> HttpResponseBase:
    """Send what waits, then what comes, until the peer hangs up or the time is over."""
    held = serve.subscription(asker, handle)
    after = whole(request, "after")
    serve.resume(held, after, now())
    stream = StreamingHttpResponse(_frames(held, after), content_type=frame.MEDIA_TYPE)
    stream["Cache-Control"] = "no-store"
    # A compressor or a proxy would hold frames back until its buffer is full.
    stream["Content-Encoding"] = "identity"
    stream["X-Accel-Buffering"] = "no"
    return stream


async def _frames(held: Subscription, after: int) -> AsyncIterator[bytes]:
    began = quiet_since = time.monotonic()
    closing = way.current().closing
    told: set[int] = set()
    while time.monotonic() - began < LONGEST_S and not closing.is_set():
        parts = await sync_to_async(_next)(held, after, told)
        if parts is None:
            return
        for cursor, content in parts:
            yield content
            after = cursor
        if parts:
            quiet_since = time.monotonic()
            continue
        if time.monotonic() - quiet_since >= HEARTBEAT_S:
            yield frame.encode(frame.Frame(after))
            quiet_since = time.monotonic()
        await asyncio.sleep(_PAUSE_S)


def _next(held: Subscription, after: int, told: set[int]) -> list[tuple[int, bytes]] | None:
    """Make the next frames; None when the subscription has ended.

    What is to be known comes before readings, once in an answer: `told` holds the numbers.
    """
    if not Subscription.objects.filter(pk=held.pk, ended_at__isnull=True).exists():
        return None
    news = [one for one in notice.waiting(held, _MOST_NOTICES) if one.pk not in told]
    if news:
        told.update(one.pk for one in news)
        return [(after, frame.encode(frame.Frame(after, told=tuple(map(deliver.told, news)))))]
    sender = Sender(way.current().door, own(), held)
    frames = gathered(sender.frames(after, now()))
    return [(one.cursor, frame.encode(one)) for one in frames]


def _is_receipt(found: object) -> bool:
    return (
        isinstance(found, dict)
        and isinstance(found.get("notice"), int)
        and isinstance(found.get("done"), str)
    )


def _selector(request: HttpRequest) -> str:
    selector = document(request).get("selector")
    if not isinstance(selector, str):
        raise Malformed("request.parameter", "a selector is missing", where="selector")
    return selector


def _series(one: Series) -> dict[str, object]:
    site = one.point.site
    return {
        "urn": one.urn,
        "label": one.label,
        "fluid": one.fluid,
        "quantity": one.quantity,
        "direction": one.direction,
        "statistic": one.statistic,
        "unit": one.unit,
        "step_s": one.step_s,
        "site": site.slug if site else None,
        "site_name": site.name if site else None,
        "commune": site.territory.code if site else None,
    }


def _subscription(one: Subscription) -> dict[str, object]:
    return {
        "handle": one.handle,
        "selector": one.selector,
        "acknowledged": one.acknowledged,
        "last": one.last_seq,
    }

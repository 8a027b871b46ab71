"""Live power of a site as server-sent events (WHATWG HTML, 9.2).

The reader's right is checked when the stream opens, and again whenever it is opened anew: a
stream ends after LONGEST_S and the browser reconnects, so that a grant withdrawn is a
stream that stops.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import get_supported_language_variant

from kevre.flow import way
from kevre.flow.live import Event
from kevre.model.errors import KevreError, Missing, Unavailable
from kevre.places.series import Series
from kevre.places.site import Site
from kevre.web import ask, registry, words
from kevre.web.meters import meters
from kevre.web.visit import Visit, locale, visit

LONGEST_S = 900
PURPOSE = "live"
_RETRY_MS = 5_000


async def site(request: HttpRequest, slug: str) -> HttpResponse | StreamingHttpResponse:
    """Stream the live power of a site that the reader may see."""
    try:
        place, live = await sync_to_async(_opened)(request, slug)
        stream = _events(live, place.zone, _locale(request.GET.get("lang", "")))
        opening = await anext(stream)
    except KevreError as error:
        return _refusal(error)
    response = StreamingHttpResponse(
        _resumed(opening, stream), content_type="text/event-stream; charset=utf-8"
    )
    response.headers["Cache-Control"] = "no-store"
    # A compressor or a proxy would hold events back until its buffer is full.
    response.headers["Content-Encoding"] = "identity"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _opened(request: HttpRequest, slug: str) -> tuple[Site, dict[int, Series]]:
    """Find what may be followed of a site; writes the access log."""
    look: Visit = visit(request)
    place = registry.site(look, slug)
    found = meters(registry.series_of([place])[place.pk]).live.values()
    open_keys = ask.latest(look, tuple(found), PURPOSE)
    live = {one.pk: one for one in found if one.pk in open_keys}
    if not live:
        raise Missing("live.none", "this site has no live meter")
    return place, live


async def _events(live: dict[int, Series], zone: ZoneInfo, spoken: str) -> AsyncGenerator[str]:
    """Give the opening line once the hub has room, then events and heartbeats."""
    loop = asyncio.get_running_loop()
    until = loop.time() + LONGEST_S
    async with way.current().hub.listen(frozenset(live)) as events:
        yield f"retry: {_RETRY_MS}\n\n"
        async for event in events:
            if loop.time() >= until:
                return
            yield _line(event, live[event.series], zone, spoken) if event else ": still here\n\n"


async def _resumed(opening: str, stream: AsyncGenerator[str]) -> AsyncIterator[str]:
    async with aclosing(stream):
        yield opening
        async for line in stream:
            yield line


def _line(event: Event, series: Series, zone: ZoneInfo, spoken: str) -> str:
    at = datetime.fromtimestamp(event.start_s, UTC)
    value, unit = words.parts(words.quantity_text(event.value, series.unit, spoken))
    reading = {
        "series": event.series,
        "value": value,
        "unit": unit,
        "at": words.clock_text(at, zone, at, spoken),
        "instant": at.isoformat(),
    }
    return f"data: {json.dumps(reading, ensure_ascii=False)}\n\n"


def _locale(language: str) -> str:
    try:
        return locale(get_supported_language_variant(language))
    except LookupError:
        return locale()


def _refusal(error: KevreError) -> HttpResponse:
    answer = HttpResponse(
        f"{error}\n", status=error.http_status, content_type="text/plain; charset=utf-8"
    )
    if isinstance(error, Unavailable):
        answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer

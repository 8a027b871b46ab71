"""A series as a CSV file: every reading of a period, exactly as it was measured."""

from __future__ import annotations

from itertools import chain

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from kevre.flow import way
from kevre.formats import table
from kevre.formats.stream import aside
from kevre.model.window import PARIS, Window
from kevre.web import period, registry
from kevre.web.visit import visit

PURPOSE = "export"


def csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Stream the readings of a series over the period that the address asks for."""
    look = visit(request)
    series = registry.series(look, pk)
    zone = series.point.site.zone if series.point.site else PARIS
    shown = period.asked(request.GET, zone, Window(look.now, look.now))
    door = way.current().door
    blocks = door.blocks(look.reader, series, shown.window, purpose=PURPOSE, now=look.now)
    chunks = (text.encode() for text in table.csv_chunks(blocks, unit=series.unit, zone=zone))
    # The first chunk is made here, so that a refusal is a page and not a torn file.
    whole = chain([next(chunks)], chunks)
    response = StreamingHttpResponse(
        aside(whole) if isinstance(request, ASGIRequest) else whole,
        content_type=f"{table.MEDIA_TYPE}; charset=utf-8",
    )
    name = f"kevre-{series.pk}-{shown.first.isoformat()}-{shown.span}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response

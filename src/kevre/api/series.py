"""Series that the caller may read, and their readings in the format asked for."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Path, Query, Router, Schema

from kevre.api import answer
from kevre.api.visit import LARGEST_KEY, PURPOSE, visit
from kevre.flow import way
from kevre.model.errors import Malformed, Missing
from kevre.model.step import Resolution, duration
from kevre.model.window import Window
from kevre.places.series import Series
from kevre.rights.gate import Reader, readable_sites

router = Router()
# Aggregates are made in memory; raw readings stream and may be as long as they like.
_MOST_INTERVALS = 50_000


class SeriesOut(Schema):
    """One series; `step` is absent where readings are irregular."""

    id: int
    urn: str
    label: str
    site: str
    fluid: str
    quantity: str
    direction: str
    statistic: str
    unit: str
    step: str | None
    source: str | None
    licence: str | None

    @classmethod
    def of(cls, series: Series) -> SeriesOut:
        """Describe a series."""
        source = series.source
        return cls(
            id=series.pk,
            urn=series.urn,
            label=series.label,
            site=series.point.site.slug if series.point.site else "",
            fluid=series.fluid,
            quantity=series.quantity,
            direction=series.direction,
            statistic=series.statistic,
            unit=series.unit,
            step=duration(series.step_s) if series.step_s else None,
            source=source.name if source else None,
            licence=source.licence if source else None,
        )


class SeriesListOut(Schema):
    """A page of series; `next` is the `after` of the page that follows."""

    series: list[SeriesOut]
    next: int | None


@router.get("", response=SeriesListOut, summary="List the series you may read")
def series_list(
    request: HttpRequest,
    site: str = Query("", description="slug of a site"),
    after: int = Query(
        0, ge=0, le=LARGEST_KEY, description="id of the last series of the page before"
    ),
    limit: int = Query(100, ge=1, le=500),
) -> SeriesListOut:
    """Give the series in the order of their ids."""
    reader, now = visit(request)
    found = _readable(reader, now).order_by("pk")
    if site:
        found = found.filter(point__site__slug=site)
    page = list(found.filter(pk__gt=after)[: limit + 1])
    following = page[limit - 1].pk if len(page) > limit else None
    return SeriesListOut(series=[SeriesOut.of(one) for one in page[:limit]], next=following)


@router.get("/{int:key}", response=SeriesOut, summary="Describe one series")
def series_one(request: HttpRequest, key: int = Path(..., ge=0, le=LARGEST_KEY)) -> SeriesOut:
    """Give one series; an unreadable one is as absent as an unknown one."""
    return SeriesOut.of(_find(request, key))


@router.get(
    "/{int:key}/readings",
    summary="Read a series",
    openapi_extra={"responses": {200: {"description": "Readings", "content": answer.CONTENT}}},
)
def readings(
    request: HttpRequest,
    key: int = Path(..., ge=0, le=LARGEST_KEY),
    start: datetime = Query(..., description="first instant, with its offset"),
    end: datetime = Query(..., description="instant after the last, with its offset"),
    resolution: Resolution = Query(Resolution.RAW, description="raw, PT10M … P1Y"),
) -> HttpResponseBase:
    """Give readings as SenML JSON, CSV, Arrow or Parquet, by the Accept header."""
    found = _find(request, key)
    form = answer.negotiate(request.headers.get("Accept", ""))
    window = _window(start, end)
    reader, now = visit(request)
    door = way.current().door
    if resolution is Resolution.RAW:
        return form(found, door.blocks(reader, found, window, purpose=PURPOSE, now=now))
    if window.length_s > _MOST_INTERVALS * resolution.least_s:
        raise Malformed(
            "window.too_long",
            f"more than {_MOST_INTERVALS} intervals at once",
            where="end",
            hint="ask for less time, or a coarser resolution",
        )
    curve = door.curve(reader, found, window, resolution, purpose=PURPOSE, now=now)
    return form(found, iter([curve]))


def _window(start: datetime, end: datetime) -> Window:
    for name, instant in (("start", start), ("end", end)):
        if instant.tzinfo is None:
            raise Malformed("time.naive", "the instant has no offset", where=name, hint="add one")
    return Window(start, end)


def _readable(reader: Reader, now: datetime) -> QuerySet[Series]:
    sites = readable_sites(reader, now)
    return Series.objects.filter(point__site__in=sites).select_related("point__site", "source")


def _find(request: HttpRequest, key: int) -> Series:
    reader, now = visit(request)
    found: Series | None = _readable(reader, now).filter(pk=key).first()
    if found is None:
        raise Missing("series.absent", "there is no such series, or you may not read it")
    return found

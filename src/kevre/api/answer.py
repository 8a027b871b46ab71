"""The forms in which readings leave by the API: SenML JSON, CSV, Arrow, Parquet."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from django.http import StreamingHttpResponse

from kevre.flow.read import Curve
from kevre.formats import senml_json, table
from kevre.formats.stream import aside
from kevre.model.batch import Column
from kevre.model.errors import Malformed
from kevre.model.quality import Quality
from kevre.places.series import Series
from kevre.places.site import Site

Form = Callable[[Series, Iterator[Curve]], StreamingHttpResponse]

_ARROW = "application/vnd.apache.arrow.stream"
_PARQUET = "application/vnd.apache.parquet"
# Values that are means or sums over an interval are not exact any more; this keeps their noise out.
_AGGREGATE_DECIMALS = 4


def negotiate(accept: str) -> Form:
    """Choose the form by an Accept header: the best that is offered here.

    Raises:
        Malformed: none of those asked for is.
    """
    for media_type, _ in sorted(_asked(accept), key=lambda one: -one[1]):
        if media_type in {"*/*", "application/*", "application/json"}:
            return _senml
        if media_type == "text/*":
            return _csv
        if media_type in _FORMS:
            return _FORMS[media_type]
    raise Malformed(
        "request.accept",
        "readings do not come in this form",
        where="Accept",
        hint=f"use one of {', '.join(_FORMS)}",
    )


def _asked(accept: str) -> Iterator[tuple[str, float]]:
    for part in (accept or "*/*").split(","):
        media_type, _, parameters = part.strip().partition(";")
        weight = parameters.replace(" ", "").removeprefix("q=")
        try:
            yield media_type.strip().lower(), float(weight) if parameters else 1.0
        except ValueError:
            yield media_type.strip().lower(), 1.0


def _senml(series: Series, curves: Iterator[Curve]) -> StreamingHttpResponse:
    columns = (_column(series, curve) for curve in curves if len(curve))
    return _stream(senml_json.chunks(columns), senml_json.MEDIA_TYPE, series, "json")


def _csv(series: Series, curves: Iterator[Curve]) -> StreamingHttpResponse:
    zone = (series.point.site or Site()).zone
    chunks = table.csv_chunks(curves, unit=series.unit, zone=zone)
    return _stream(
        (chunk.encode() for chunk in chunks), f"{table.MEDIA_TYPE}; charset=utf-8", series, "csv"
    )


def _arrow(series: Series, curves: Iterator[Curve]) -> StreamingHttpResponse:
    from kevre.formats.arrow import arrow_chunks

    chunks = arrow_chunks(curves, urn=series.urn, unit=series.unit)
    return _stream(chunks, _ARROW, series, "arrow")


def _parquet(series: Series, curves: Iterator[Curve]) -> StreamingHttpResponse:
    from kevre.formats.arrow import parquet_chunks

    chunks = parquet_chunks(curves, urn=series.urn, unit=series.unit)
    return _stream(chunks, _PARQUET, series, "parquet")


def _stream(
    chunks: Iterable[bytes], media_type: str, series: Series, ending: str
) -> StreamingHttpResponse:
    response = StreamingHttpResponse(aside(iter(chunks)), content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="series-{series.pk}.{ending}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _column(series: Series, curve: Curve) -> Column:
    """Make a column of a curve; an aggregate gets four decimals and its share of estimates."""
    if np.issubdtype(curve.value.dtype, np.integer):
        mantissas, exponent = curve.value.astype(np.int64), curve.exponent
    else:
        scaled = np.round(np.nan_to_num(curve.value) * 10**_AGGREGATE_DECIMALS)
        mantissas, exponent = scaled.astype(np.int64), -_AGGREGATE_DECIMALS
    quality = np.where(np.isfinite(curve.values), curve.quality, Quality.MISSING)
    return Column(
        series.urn,
        series.kind,
        exponent,
        array("q", curve.start_s.astype(np.int64).tobytes()),
        array("i", curve.step_s.astype(np.int32).tobytes()),
        array("q", mantissas.tobytes()),
        array("B", quality.astype(np.uint8).tobytes()),
    )


_FORMS: dict[str, Form] = {
    senml_json.MEDIA_TYPE: _senml,
    table.MEDIA_TYPE: _csv,
    _ARROW: _arrow,
    _PARQUET: _parquet,
}
CONTENT: dict[str, Any] = {
    senml_json.MEDIA_TYPE: {"schema": {"type": "array"}},
    table.MEDIA_TYPE: {"schema": {"type": "string"}},
    _ARROW: {"schema": {"type": "string", "format": "binary"}},
    _PARQUET: {"schema": {"type": "string", "format": "binary"}},
}

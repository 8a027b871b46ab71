"""The bodies that the entrance for readings takes: SenML in three forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError

from kevre.formats import senml_cbor, senml_json
from kevre.model.batch import Batch
from kevre.model.errors import Malformed, Unavailable

_XML = "application/senml+xml"
_EXAMPLE = [
    {
        "bn": "urn:dev:prm:09876543210123_consumption/power/active/raw",
        "bt": 1764000000,
        "bu": "W",
        "bst": 1800,
        "v": 612,
    },
    {"t": 1800, "v": 598},
]
CONTENT: dict[str, Any] = {
    senml_json.MEDIA_TYPE: {"schema": {"type": "array"}, "example": _EXAMPLE},
    senml_cbor.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}},
    _XML: {"schema": {"type": "string"}},
}


def decode(request: HttpRequest, origin: str, now_s: int) -> Batch:
    """Read the body of a request by its media type.

    Raises:
        Malformed: the type is not known, or the body is not of its type, or too large.
    """
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    decoder = _decoder(media_type)
    content = whole(request)
    return decoder(content, now_s=now_s, origin=origin, source="api/v1/readings")


def whole(request: HttpRequest) -> bytes:
    """Give the body of a request.

    Raises:
        Malformed: it is too large.
        Unavailable: it did not arrive whole.
    """
    try:
        return request.body
    except RequestDataTooBig as error:
        raise Malformed(
            "request.too_large", "the body is too large", hint="send it in several packs"
        ) from error
    except UnreadablePostError as error:
        raise Unavailable("request.cut", "the body did not arrive whole") from error


def _decoder(media_type: str) -> Callable[..., Batch]:
    if media_type == senml_cbor.MEDIA_TYPE:
        return senml_cbor.decode_cbor
    if media_type == senml_json.MEDIA_TYPE:
        return senml_json.decode_json
    if media_type == _XML:
        from kevre.formats import senml_xml

        return senml_xml.decode_xml
    raise Malformed(
        "request.media_type",
        "this type of body is not read here",
        where="Content-Type",
        hint=f"use one of {', '.join(CONTENT)}",
    )

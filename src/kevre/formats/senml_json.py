"""SenML in JSON (RFC 8428, section 5); numbers keep every digit, both ways."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from kevre.formats import senml
from kevre.model.batch import Batch, Column
from kevre.model.errors import Malformed

MEDIA_TYPE = "application/senml+json"


def decode_json(content: bytes, *, now_s: int, origin: str, source: str = "") -> Batch:
    """Read a pack.

    Raises:
        Malformed: it is not JSON, or not a list of records.
    """
    return senml.batch(records(content), now_s=now_s, origin=origin, source=source, content=content)


def records(content: bytes) -> list[object]:
    """Give the records of a pack as they stand.

    Raises:
        Malformed: as `decode_json`.
    """
    try:
        pack = json.loads(content, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        place = getattr(error, "lineno", 0)
        raise Malformed(
            "senml.json", "this is not JSON", where=f"line {place}" if place else ""
        ) from error
    if not isinstance(pack, list):
        raise Malformed("senml.pack", "a pack is a list of records", hint="see RFC 8428, section 4")
    return pack


def encode_json(columns: Iterable[Column]) -> bytes:
    """Write columns as one pack."""
    return b"".join(chunks(columns))


def chunks(columns: Iterable[Column]) -> Iterator[bytes]:
    """Write columns as one pack, in pieces of one column each."""
    first = True
    yield b"["
    for column in columns:
        rows = ",\n".join(_object(record) for record in senml.records([column]))
        if rows:
            yield (rows if first else ",\n" + rows).encode()
            first = False
    yield b"]\n"


def _object(record: dict[str, Any]) -> str:
    return "{" + ",".join(f'"{label}":{_value(value)}' for label, value in record.items()) + "}"


def _value(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value)


def _refuse(name: str) -> None:
    raise ValueError(name)

"""SenML in CBOR (RFC 8428, section 6); decimals travel as decimal fractions (tag 4)."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import cbor2

from kevre.formats import senml
from kevre.model.batch import Batch, Column
from kevre.model.errors import Malformed

MEDIA_TYPE = "application/senml+cbor"
# Table 4 of RFC 8428. Our own labels stay texts, as section 4.4 asks of unregistered ones.
_NUMBERS = {
    "bver": -1,
    "bn": -2,
    "bt": -3,
    "bu": -4,
    "bv": -5,
    "bs": -6,
    "n": 0,
    "u": 1,
    "v": 2,
    "vs": 3,
    "vb": 4,
    "s": 5,
    "t": 6,
    "ut": 7,
    "vd": 8,
}
_LABELS = {number: label for label, number in _NUMBERS.items()}


def decode_cbor(content: bytes, *, now_s: int, origin: str, source: str = "") -> Batch:
    """Read a pack.

    Raises:
        Malformed: it is not CBOR, or not an array of records.
    """
    return senml.batch(records(content), now_s=now_s, origin=origin, source=source, content=content)


def records(content: bytes) -> list[object]:
    """Give the records of a pack, with the labels of the JSON form.

    Raises:
        Malformed: as `decode_cbor`.
    """
    stream = io.BytesIO(content)
    try:
        pack = cbor2.load(stream)
    except Exception as error:  # cbor2 lets errors of tags it builds through as they are
        raise Malformed("senml.cbor", "this is not CBOR", where=f"byte {stream.tell()}") from error
    if not isinstance(pack, list):
        raise Malformed("senml.pack", "a pack is a list of records", hint="see RFC 8428, section 4")
    if stream.read(1):
        raise Malformed("senml.cbor", "something follows the pack", where=f"byte {stream.tell()}")
    return [_named(record) for record in pack]


def encode_cbor(columns: Iterable[Column]) -> bytes:
    """Write columns as one pack."""
    numbered: list[dict[Any, Any]] = [
        {_NUMBERS.get(label, label): value for label, value in record.items()}
        for record in senml.records(columns)
    ]
    return cbor2.dumps(numbered)


def _named(record: object) -> object:
    if not isinstance(record, dict):
        return record
    return {_label(key): value for key, value in record.items()}


def _label(key: object) -> str:
    if isinstance(key, str):
        return key
    # Any other label is no one's: it is ignored, as section 4.4 asks.
    return _LABELS.get(key, "unknown") if isinstance(key, int) else "unknown"

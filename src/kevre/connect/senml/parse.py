"""SenML packs in a file; one pack is read whole, so it is bounded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from kevre.connect.gathering import Gathering, Hints
from kevre.connect.source import Source
from kevre.model.batch import Batch
from kevre.model.errors import Malformed

_LARGEST = 64_000_000
_CBOR_ARRAYS = range(0x80, 0xA0)  # first byte of a CBOR array


def fits(head: bytes) -> bool:
    """Say whether a file begins like a pack: a JSON list, a CBOR array, or XML with SenML."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"["):
        return True
    if start.startswith(b"<"):
        return b"senml" in head
    return bool(head) and head[0] in _CBOR_ARRAYS and b"\n" not in head[:2]


def parse(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read the pack; its own origin and key stand in the batch."""
    del hints
    content = source.whole(_LARGEST).removeprefix(b"\xef\xbb\xbf")
    if source.torn:
        raise Malformed("file.torn", "the file ends before it should", hint="fetch it again")
    batch = _decoder(content)(
        content, now_s=int(time.time()), origin=gathering.origin, source=gathering.source
    )
    for column in batch.columns:
        for reading in column.readings():
            point, _, path = column.series.partition("_")
            gathering.add(
                path,
                point,
                reading.start_s,
                reading.step_s,
                reading.value,
                quality=reading.quality,
                line=0,
            )
            if gathering.is_full:
                yield gathering.batch()
    for fault in batch.faults:
        gathering.fault(fault)
    yield from gathering.rest()


def _decoder(content: bytes) -> Callable[..., Batch]:
    start = content.lstrip()[:1]
    if start == b"[":
        from kevre.formats.senml_json import decode_json

        return decode_json
    if start == b"<":
        from kevre.formats.senml_xml import decode_xml

        return decode_xml
    from kevre.formats.senml_cbor import decode_cbor

    return decode_cbor

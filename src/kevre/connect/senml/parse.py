"""SenML packs in a file; one pack is read whole, so it is bounded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from kevre.connect.gathering import Gathering, Hints
from kevre.connect.source import Source
from kevre.model.batch import Batch

_LARGEST = 64_000_000
# First bytes of a CBOR array, and where its first element stands; that is a map.
_CBOR_ARRAYS = dict.fromkeys(range(0x80, 0x98), 1) | {0x98: 2, 0x99: 3, 0x9A: 5, 0x9F: 1}
_CBOR_MAPS = range(0xA0, 0xC0)


def fits(head: bytes) -> bool:
    """Say whether a file begins like a pack: a JSON list, a CBOR array, or XML with SenML."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"["):
        return b'"codeFlux"' not in head  # a list of Enedis' files
    if start.startswith(b"<"):
        return b"senml" in head
    place = _CBOR_ARRAYS.get(head[0]) if head else None
    return place is not None and len(head) > place and head[place] in _CBOR_MAPS


def parse(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read the pack; its own origin and key stand in the batch."""
    del hints
    content = source.whole(_LARGEST).removeprefix(b"\xef\xbb\xbf")
    if source.fault is not None:
        raise source.fault
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

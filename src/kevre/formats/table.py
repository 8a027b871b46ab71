"""CSV for people and spreadsheets: one reading a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from kevre.formats.block import Block, value_text
from kevre.model.quality import Quality
from kevre.model.step import duration

MEDIA_TYPE = "text/csv"
HEADER = "start,start_local,value,unit,quality,step"
_WORDS = {quality.value: quality.name.lower() for quality in Quality}


def csv_chunks(blocks: Iterable[Block], *, unit: str, zone: ZoneInfo) -> Iterator[str]:
    """Write readings as CSV with a header, in pieces.

    Columns: `start` in UTC, `start_local` where the meter stands, `value` with every digit
    (empty where missing), `unit`, `quality` in a word, `step` as an ISO 8601 duration, empty
    for an instant.
    """
    yield HEADER + "\n"
    for block in blocks:
        lines = []
        for index in range(len(block.start_s)):
            at = datetime.fromtimestamp(int(block.start_s[index]), UTC)
            step_s = int(block.step_s[index])
            lines.append(
                f"{at:%Y-%m-%dT%H:%M:%SZ},{at.astimezone(zone).isoformat()},"
                f"{value_text(block, index)},{unit},{_WORDS[int(block.quality[index])]},"
                f"{duration(step_s) if step_s else ''}\n"
            )
        yield "".join(lines)

"""Reads Green Button feeds: intervals are stamped at their start, in UTC, as ours are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kevre.connect.gathering import Gathering, Hints
from kevre.connect.greenbutton import names
from kevre.connect.source import Source
from kevre.model import exact, identifier
from kevre.model.batch import Batch
from kevre.model.errors import Malformed
from kevre.model.series import Statistic
from kevre.model.window import EARLIEST_S, LATEST_S

if TYPE_CHECKING:
    from kevre.formats.espi import Block

_MARKS = (b"http://naesb.org/espi", b"/espi/1_1/")
_MOST_TENS = 9


def fits(head: bytes) -> bool:
    """Say whether a file begins like a feed."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"<") and b"<feed" in head and any(mark in head for mark in _MARKS)


def parse(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read the blocks of a feed; intervals are counted through all of it.

    Raises:
        Malformed: it is no XML, or names no point.
    """
    from kevre.formats import espi

    reader = _Reader(gathering, hints)
    for block in espi.Feed().blocks(source.chunks()):
        try:
            reader.take(block)
        except Malformed as error:
            gathering.fault(error, line=reader.count + 1, field=error.where)
        if gathering.is_full:
            yield gathering.batch()
    yield from gathering.rest(source.fault)


class _Reader:
    """Reads blocks, counting the intervals of all of them."""

    def __init__(self, gathering: Gathering, hints: Hints) -> None:
        self.count = 0
        self._gathering = gathering
        self._hints = hints

    def take(self, block: Block | Malformed) -> None:
        """Read one block.

        Raises:
            Malformed: nothing of it can be read.
        """
        if isinstance(block, Malformed):
            raise block
        path = names.path(block.type, block.service)
        point = _point(block.usage_point, self._hints)
        if abs(block.type.multiplier) > _MOST_TENS:
            raise Malformed("greenbutton.number", "the multiplier is beyond ten to the power 9")
        is_interval = identifier.KINDS[path].statistic in {Statistic.SUM, Statistic.MEAN}
        for one in block.intervals:
            self.count += 1
            if not EARLIEST_S <= one.start_s < LATEST_S or (is_interval and one.step_s <= 0):
                bad = Malformed("greenbutton.number", "an interval without a start or a length")
                self._gathering.fault(bad, line=self.count, field="timePeriod")
                continue
            self._gathering.add(
                path,
                point,
                one.start_s,
                one.step_s if is_interval else 0,
                _value(one.value, block.type.multiplier),
                line=self.count,
                quality=names.quality(one.quality),
            )


def _value(whole: int | None, tens: int) -> exact.Exact | None:
    return None if whole is None else (whole * 10 ** max(tens, 0), min(tens, 0))


def _point(usage_point: str, hints: Hints) -> str:
    if hints.series:
        return identifier.point(hints.series)
    return identifier.point(f"urn:dev:espi:{usage_point.lower()}")

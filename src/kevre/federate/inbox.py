"""Inbox: what a peer's frames bring, through the gate like everything else.

A frame is committed before its number is: a crash between the two brings it again, and what is
known already is no change. Readings whose seal does not hold are not let in; they are quarantined
with the reason, told to nobody else, and hold nothing up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from kevre.federate import keep, provenance, seal
from kevre.federate.feed import Feed
from kevre.federate.frame import Frame, Piece, Span
from kevre.federate.identity import Identity
from kevre.federate.told import Told
from kevre.flow.accept import Writer
from kevre.flow.way import Way
from kevre.model.batch import Batch
from kevre.model.errors import KevreError
from kevre.model.reading import Fault
from kevre.model.terms import Word
from kevre.places.series import Series
from kevre.rights import terms
from kevre.rights.terms import HeldTerms


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one frame; a receipt is the number of a notice and what was done."""

    kept: int
    faults: int
    receipts: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """A frame, its pieces whose seals hold, and what is amiss with the others."""

    frame: Frame
    good: tuple[Piece, ...]
    broken: tuple[Fault, ...]


class Receiver:
    """Takes the frames of one feed."""

    def __init__(self, way: Way, identity: Identity, feed: Feed) -> None:
        self._way = way
        self._feed = feed
        self._known = provenance.keys(identity)
        self._writer = Writer.peer(feed.origin, feed.site, feed.peer.source)

    def checked(self, frame: Frame) -> Checked:
        """Hold every piece of a frame to its seal."""
        good, broken = [], []
        for line, piece in enumerate(frame.pieces, start=1):
            fault = self._fault(piece, line)
            if fault is None:
                good.append(piece)
            else:
                broken.append(fault)
        return Checked(frame, tuple(good), tuple(broken))

    def take(self, checked: Checked, size: int, now: datetime) -> Taken:
        """Commit a frame, then its number.

        Args:
            checked: what was decoded, and which of its seals hold.
            size: its length on the wire [B].
            now: the time of arrival.
        """
        frame, good = checked.frame, checked.good
        now_s = int(now.timestamp())
        receipts = tuple((one.number, self._heed(one, now)) for one in frame.told)
        faults = [_refused(span, line) for line, span in enumerate(frame.refused, start=1)]
        faults += checked.broken
        self._erase(frame, good, now_s)
        columns = tuple(piece.column for piece in good if len(piece.column))
        kept = 0
        if columns or faults:
            batch = Batch(
                self._feed.origin,
                f"{self._feed.handle}:{frame.cursor}",
                columns,
                tuple(faults),
                source=f"feed {self._feed.handle}",
            )
            receipt = self._way.gate.accept(batch, self._writer, now_s=now_s)
            kept = receipt.kept
            faults = list(receipt.quarantined)
        self._keep_seals(good, now_s)
        self._move(frame, kept, size, now)
        return Taken(kept, len(faults), receipts)

    def _fault(self, piece: Piece, line: int) -> Fault | None:
        """Say why readings may not come in: only a seal that does not hold is a reason."""
        if piece.seal is None:
            return None
        try:
            seal.verify(piece.seal, piece.column, self._known)
        except KevreError as error:
            raw = f"{len(piece.column)} readings of …{piece.column.series[-60:]}"
            return Fault.of(error, line=line, field="seal", raw=raw)
        return None

    def _heed(self, told: Told, now: datetime) -> str:
        """Do as a notice says; give the receipt. Again is no change."""
        source = self._feed.peer.source
        if not told.is_end:
            terms.hold(told.urn, source, told.terms, now)
            is_another = Series.objects.filter(urn=told.urn).exclude(source=source).exists()
            return "another brought this series first" if is_another else "bound"
        held = terms.end(told.urn, source, now)
        if held is None:
            return "nothing was held"
        if told.word == Word.ERASED:
            HeldTerms.objects.filter(pk=held.pk).update(retention_s=None, is_open=False)
            held.refresh_from_db()
        gone = keep.forget(self._way, held, now)
        if held.is_open or held.retention_s is not None:
            return f"ended; {gone} readings erased, the rest is kept as the terms allow"
        return f"ended; {gone} readings erased"

    def _erase(self, frame: Frame, good: Sequence[Piece], now_s: int) -> None:
        exact = [Span(one.column.series, one.window) for one in good if one.is_exact]
        spans = [*frame.erased, *exact]
        if not spans:
            return
        own = Series.objects.filter(
            urn__in={span.urn for span in spans}, source=self._feed.peer.source
        )
        keys = dict(own.values_list("urn", "pk"))
        for span in spans:
            if span.urn in keys:
                self._way.store.erase(keys[span.urn], span.window, now_s=now_s)

    def _keep_seals(self, good: Sequence[Piece], now_s: int) -> None:
        whole = [
            (piece, piece.seal)
            for piece in good
            if piece.seal is not None and provenance.is_whole(piece.window, now_s)
        ]
        names = {piece.column.series for piece, _ in whole}
        keys = dict(Series.objects.filter(urn__in=names).values_list("urn", "pk"))
        provenance.keep(
            (keys[piece.column.series], piece.window, held)
            for piece, held in whole
            if piece.column.series in keys
        )

    def _move(self, frame: Frame, kept: int, size: int, now: datetime) -> None:
        moved: dict[str, object] = {
            "cursor": frame.cursor,
            "bytes_received": F("bytes_received") + size,
            "error": "",
        }
        if kept:
            moved |= {"news_at": now, "readings": F("readings") + kept}
        Feed.objects.filter(pk=self._feed.pk, cursor__lte=frame.cursor).update(**moved)


def _refused(span: Span, line: int) -> Fault:
    return Fault(
        "feed.not_granted",
        "the peer may not send this any more",
        line,
        hint="ask its holder for a grant; what came before is kept as long as that one allowed",
        raw=f"…{span.urn[-60:]}",
    )

"""Deliver: the next frames of a feed, read through the door at this very moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from kevre.federate import provenance, seal
from kevre.federate.curve import column
from kevre.federate.frame import Frame, Piece, Span
from kevre.federate.identity import Identity
from kevre.federate.seal import Seal
from kevre.federate.told import Told
from kevre.flow import outbox
from kevre.flow.notice import Notice
from kevre.flow.outbox import Parcel
from kevre.flow.read import Curve, Door
from kevre.flow.subscription import Subscription
from kevre.model.batch import Column
from kevre.model.window import Window
from kevre.places.series import Series
from kevre.rights.gate import Reader

PURPOSE = "federation"
_MOST_PARCELS = 64
MOST_READINGS = 60_000
_IRREGULAR_STEP_S = 10


class Sender:
    """Makes the frames of one subscription, of at most `most` readings each."""

    def __init__(
        self,
        door: Door,
        identity: Identity,
        subscription: Subscription,
        *,
        most: int = MOST_READINGS,
    ) -> None:
        self._door = door
        self._identity = identity
        self._subscription = subscription
        self._reader = Reader(None, subscription.party)
        self._most = most

    def frames(self, after: int, now: datetime) -> Iterator[Frame]:
        """Give some of what waits after a number, in one or more frames; nothing when all is sent.

        The number of a frame says that all up to it is in this frame or an earlier one.
        """
        waiting = outbox.pending(self._subscription, after, _MOST_PARCELS)
        known = Series.objects.select_related(
            "point__site", "source__peer", "source__contact"
        ).in_bulk({parcel.series_id for parcel in waiting})
        parcels = _as_many(waiting, known, self._most)
        wanted = [(parcel, _window(parcel, int(now.timestamp()))) for parcel in parcels]
        curves = self._read(wanted, known, now)
        for parcel, window in wanted:
            series, curve = known.get(parcel.series_id), curves.get(parcel.seq)
            if series is None:
                yield Frame(parcel.seq, erased=(Span(parcel.urn, window),))
            elif curve is None:
                yield Frame(parcel.seq, refused=(Span(parcel.urn, window),))
            else:
                yield from self._pieces(parcel, series, window, curve, after)
            after = parcel.seq

    def _read(
        self,
        wanted: Sequence[tuple[Parcel, Window]],
        known: Mapping[int, Series],
        now: datetime,
    ) -> dict[int, Curve | None]:
        there = [(parcel, window) for parcel, window in wanted if parcel.series_id in known]
        curves = self._door.parcels(
            self._reader,
            [(known[parcel.series_id], window) for parcel, window in there],
            purpose=PURPOSE,
            now=now,
        )
        return {parcel.seq: curve for (parcel, _), curve in zip(there, curves, strict=True)}

    def _pieces(
        self, parcel: Parcel, series: Series, window: Window, curve: Curve, before: int
    ) -> Iterator[Frame]:
        """Cut what is too much for one frame; only the last part reaches the number."""
        count = len(curve)
        for first in range(0, max(count, 1), self._most):
            end = min(first + self._most, count)
            part = _part(curve, window, first, end)
            cut = column(series, curve, first, end)
            piece = Piece(cut, part, parcel.is_exact, self._seal(series, cut, part))
            yield Frame(parcel.seq if end == count else before, (piece,))

    def _seal(self, series: Series, cut: Column, window: Window) -> Seal | None:
        """Seal what was first stored here; of what came from a peer hand its own seal on."""
        if not len(cut):
            return None
        source = series.source
        if source is not None and (hasattr(source, "peer") or hasattr(source, "contact")):
            return provenance.kept(series.pk, window)
        return seal.seal(cut, self._identity)


def gathered(frames: Iterable[Frame], *, most: int = MOST_READINGS) -> Iterator[Frame]:
    """Put small frames together, up to what one may hold and never a series twice."""
    held: list[Frame] = []
    for frame in frames:
        together = {piece.column.series for one in held for piece in one.pieces}
        count = sum(len(one) for one in held)
        clashes = any(piece.column.series in together for piece in frame.pieces)
        if held and (clashes or count + len(frame) > most):
            yield _joined(held)
            held = []
        held.append(frame)
    if held:
        yield _joined(held)


def _joined(frames: Sequence[Frame]) -> Frame:
    return Frame(
        frames[-1].cursor,
        tuple(piece for frame in frames for piece in frame.pieces),
        tuple(span for frame in frames for span in frame.refused),
        tuple(span for frame in frames for span in frame.erased),
    )


def _as_many(waiting: Sequence[Parcel], known: Mapping[int, Series], most: int) -> list[Parcel]:
    """Take parcels, at least one, until they hold about as much as one frame."""
    taken: list[Parcel] = []
    expected = 0
    for parcel in waiting:
        series = known.get(parcel.series_id)
        step_s = (series.step_s if series else None) or _IRREGULAR_STEP_S
        expected += (parcel.end_s - parcel.first_s) // step_s
        if taken and expected > most:
            break
        taken.append(parcel)
    return taken


def _window(parcel: Parcel, now_s: int) -> Window:
    """Give the whole bucket once it is closed, so that it is sealed as one."""
    if parcel.until_s <= now_s:
        return Window.of_seconds(parcel.bucket_s, parcel.until_s)
    return Window.of_seconds(parcel.first_s, parcel.end_s)


def _part(curve: Curve, window: Window, first: int, end: int) -> Window:
    start_s = int(curve.start_s[first]) if first else window.start_s
    end_s = int(curve.start_s[end]) if end < len(curve) else window.end_s
    return Window.of_seconds(start_s, end_s)


def told(notice: Notice) -> Told:
    """Give a notice as it travels."""
    at_s = int(notice.made_at.timestamp())
    return Told(notice.pk, notice.urn, notice.word, at_s, notice.terms)

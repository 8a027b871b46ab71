"""Sponsorship: encrypted copies of another node, kept for it and given back to it alone.

A copy is a set of pieces, each named by the digest of its encrypted bytes and kept once. What
is in them the sponsor cannot know. The newest copies stay; pieces that none of them names go.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from django.db import models, transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from kevre.federate.identity import PublicIdentity
from kevre.federate.peer import Peer
from kevre.federate.recovery import PIECE_BYTES, digest_of
from kevre.model.errors import Conflict, Malformed, Missing, Refused

FOLDER = "sponsored"
KEPT_COPIES = 2
MOST_NAMED = 1_000
# A sealed piece: what compression could not shrink, its frame, nonce and tag.
LARGEST_PIECE = PIECE_BYTES + 65_536
_NAME = re.compile(r"[0-9a-f]{64}\Z")


class Sponsored(models.Model):
    """A peer whose copies are kept here.

    Attributes:
        quota_bytes: how much it may leave here [B].
        recovery_key: who may fetch them when the peer is no more; a public key.
    """

    peer = models.OneToOneField(Peer, on_delete=models.CASCADE, related_name="sponsored")
    quota_bytes = models.BigIntegerField()
    recovery_key = models.CharField(max_length=43, blank=True)
    recovery_name = models.CharField(max_length=43, blank=True, db_index=True)

    class Meta:
        verbose_name = _("sponsored node")
        verbose_name_plural = _("sponsored nodes")

    def __str__(self) -> str:
        return self.peer.slug

    @property
    def used_bytes(self) -> int:
        """Give how much lies here [B]."""
        return int(self.pieces.aggregate(sum=Sum("size"))["sum"] or 0)


class HeldPiece(models.Model):
    """A piece that a copy names; `size` is 0 until it has come [B]."""

    sponsored = models.ForeignKey(Sponsored, on_delete=models.CASCADE, related_name="pieces")
    digest = models.CharField(max_length=64)
    size = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("piece of a copy")
        verbose_name_plural = _("pieces of copies")
        constraints = (models.UniqueConstraint(fields=("sponsored", "digest"), name="piece_once"),)

    def __str__(self) -> str:
        return self.digest[:16]


class HeldCopy(models.Model):
    """A copy of a whole node; `index` names the pieces that tell where the others belong."""

    sponsored = models.ForeignKey(Sponsored, on_delete=models.CASCADE, related_name="copies")
    pieces = models.ManyToManyField(HeldPiece, related_name="copies")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    index = models.JSONField(default=list)

    class Meta:
        verbose_name = _("copy of a node")
        verbose_name_plural = _("copies of nodes")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.sponsored_id} · {self.opened_at}"


def offer(peer: Peer, quota_bytes: int) -> Sponsored:
    """Keep copies of a peer from now on, up to a quota; again changes the quota."""
    made, _ = Sponsored.objects.update_or_create(peer=peer, defaults={"quota_bytes": quota_bytes})
    return made


def of(peer: Peer) -> Sponsored:
    """Find what is kept for a peer.

    Raises:
        Refused: nothing is.
    """
    found = Sponsored.objects.filter(peer=peer).first()
    if found is None:
        raise _refused()
    return found


def owner(name: str) -> tuple[Sponsored, PublicIdentity] | None:
    """Find whose copies a key may fetch: a trusted peer's, or its recovery key's."""
    trusted = Q(peer__trusted_at__isnull=False, peer__blocked_at__isnull=True)
    every = Sponsored.objects.select_related("peer").filter(trusted)
    found = every.filter(recovery_name=name).first()
    if found is not None:
        return found, PublicIdentity.of_text(found.recovery_key)
    found = every.filter(peer__key_name=name).first()
    return (found, found.peer.identity) if found else None


def begin(held: Sponsored, recovery: str, now: datetime) -> HeldCopy:
    """Open a new copy; one that was left open is forgotten, its pieces stay for this one.

    Raises:
        Malformed: the recovery key is none.
    """
    key = PublicIdentity.of_text(recovery)
    with transaction.atomic():
        held.copies.filter(closed_at__isnull=True).delete()
        Sponsored.objects.filter(pk=held.pk).update(recovery_key=key.text, recovery_name=key.name)
        return HeldCopy.objects.create(sponsored=held, opened_at=now)


def name(copy: HeldCopy, digests: Sequence[str]) -> list[str]:
    """Enter pieces of an open copy; give those that have not come yet.

    Raises:
        Malformed: too many at once, or one is no digest.
    """
    if len(digests) > MOST_NAMED or not all(_NAME.match(one) for one in digests):
        raise Malformed(
            "sponsor.pieces", f"these are not up to {MOST_NAMED} digests", where="pieces"
        )
    with transaction.atomic():
        HeldPiece.objects.bulk_create(
            [HeldPiece(sponsored=copy.sponsored, digest=one) for one in set(digests)],
            ignore_conflicts=True,
        )
        named = list(copy.sponsored.pieces.filter(digest__in=digests))
        copy.pieces.add(*named)
    return sorted(one.digest for one in named if not one.size)


def take(home: Path, held: Sponsored, digest: str, content: bytes) -> None:
    """Keep a piece that an open copy named; durable when it returns.

    Raises:
        Malformed: the bytes have another digest, or are too many.
        Missing: no copy names it.
        Refused: the quota is used up.
    """
    if len(content) > LARGEST_PIECE or digest_of(content) != digest:
        raise Malformed("sponsor.digest", "these bytes are not the piece of this name")
    piece = held.pieces.filter(digest=digest).first()
    if piece is None:
        raise Missing("sponsor.unnamed", "no copy names this piece", hint="name it first")
    if piece.size:
        return
    if held.used_bytes + len(content) > held.quota_bytes:
        raise Refused(
            "sponsor.quota",
            f"the copies would take more than the {held.quota_bytes} bytes that were agreed",
            hint="ask the sponsor's operator for more",
        )
    path = place(home, held, digest)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{digest}.{os.getpid()}")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    HeldPiece.objects.filter(pk=piece.pk).update(size=len(content))


def close(home: Path, copy: HeldCopy, index: Sequence[str], now: datetime) -> int:
    """Call a copy whole, and forget what no kept one needs; give the bytes that are kept.

    Raises:
        Conflict: a piece has not come, or the index is not of the copy.
    """
    named = set(copy.pieces.filter(size__gt=0).values_list("digest", flat=True))
    if copy.pieces.filter(size=0).exists() or not index or not set(index) <= named:
        raise Conflict(
            "sponsor.incomplete", "pieces of the copy are missing", hint="send them, then close it"
        )
    HeldCopy.objects.filter(pk=copy.pk).update(closed_at=now, index=list(index))
    sweep(home, copy.sponsored)
    return copy.sponsored.used_bytes


def sweep(home: Path, held: Sponsored) -> int:
    """Forget the copies before the newest ones, and the pieces that are in none; count these."""
    closed = held.copies.filter(closed_at__isnull=False).order_by("-pk")
    for old in closed[KEPT_COPIES:]:
        old.delete()
    gone = list(held.pieces.filter(copies__isnull=True))
    for piece in gone:
        # The row goes last: a crash between leaves a row whose file is gone, not the reverse.
        place(home, held, piece.digest).unlink(missing_ok=True)
        piece.delete()
    return len(gone)


def copies(held: Sponsored) -> list[HeldCopy]:
    """Give the whole copies, newest first."""
    return list(held.copies.filter(closed_at__isnull=False).order_by("-pk"))


def opened(held: Sponsored, number: int) -> HeldCopy:
    """Find an open copy.

    Raises:
        Missing: it is closed, or there is none.
    """
    found = held.copies.filter(pk=number, closed_at__isnull=True).first()
    if found is None:
        raise Missing("sponsor.copy", "there is no such open copy", hint="begin a new one")
    return found


def piece(home: Path, held: Sponsored, digest: str) -> bytes:
    """Give the bytes of a piece.

    Raises:
        Missing: it is not here.
    """
    if not held.pieces.filter(digest=digest, size__gt=0).exists():
        raise _no_piece()
    try:
        return place(home, held, digest).read_bytes()
    except FileNotFoundError as error:
        raise _no_piece() from error


def place(home: Path, held: Sponsored, digest: str) -> Path:
    """Give where a piece lies."""
    return home / FOLDER / str(held.pk) / digest[:2] / digest


def _no_piece() -> Missing:
    return Missing("sponsor.absent", "this piece is not here", hint="ask for an older copy")


def _refused() -> Refused:
    return Refused(
        "sponsor.none",
        "no copies of this node are kept here",
        hint="agree with the operator, who says `kevre peer sponsor`",
    )

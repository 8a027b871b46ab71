"""Entrusting: this node's encrypted copies go to its sponsors, and come back from one.

Only pieces that the sponsor has not yet are sent: of a copy made again, what changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kevre.federate.client import Client
from kevre.federate.peer import Peer
from kevre.federate.recovery import PIECE_BYTES, Recovery
from kevre.model.errors import Malformed, Missing

EVERY = timedelta(hours=20)
_RETRY = timedelta(minutes=30)
_FORMAT = "kevre-copy-1"
_LONGEST_ERROR = 300
# Pieces held in memory at a time.
_AT_ONCE = 8


class Entrusted(models.Model):
    """A peer that this node leaves its copies with.

    Attributes:
        copied_at: when the last whole copy was made.
        tried_at: when the last copy was begun.
        size, sent: of the last copy [B]: all its pieces, and those that had to be sent.
        error: why the last one did not end well, in words; empty if it did.
    """

    peer = models.OneToOneField(Peer, on_delete=models.CASCADE, related_name="entrusted")
    copied_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    size = models.BigIntegerField(default=0)
    sent = models.BigIntegerField(default=0)
    error = models.CharField(max_length=_LONGEST_ERROR, blank=True)

    class Meta:
        verbose_name = _("sponsor")
        verbose_name_plural = _("sponsors")

    def __str__(self) -> str:
        return self.peer.slug


@dataclass(frozen=True, slots=True)
class Sent:
    """How large a copy is, and how much of it had to be sent [B]."""

    size: int
    sent: int


def due(now: datetime) -> list[Entrusted]:
    """Give the sponsors whose copy is old, and that were not just tried."""
    old = Q(copied_at__isnull=True) | Q(copied_at__lt=now - EVERY)
    rested = Q(tried_at__isnull=True) | Q(tried_at__lt=now - _RETRY)
    heard = Q(peer__trusted_at__isnull=False, peer__blocked_at__isnull=True)
    return list(Entrusted.objects.select_related("peer").filter(old & rested & heard))


def note(entrusted: Entrusted, now: datetime, *, sent: Sent | None = None, error: str = "") -> None:
    """Remember how the copy went; neither: that it begins."""
    changed: dict[str, object] = {"error": error[:_LONGEST_ERROR]}
    if sent is not None:
        changed |= {"copied_at": now, "size": sent.size, "sent": sent.sent}
    elif not error:
        changed = {"tried_at": now}
    Entrusted.objects.filter(pk=entrusted.pk).update(**changed)


def give(client: Client, recovery: Recovery, folder: Path) -> Sent:
    """Leave a copy of a folder's files with a sponsor.

    Raises:
        KevreError: as the sponsor answers, or that it does not.
    """
    key = recovery.identity.public.text
    number = int(client.ask("POST", "copies", {"recovery": key})["copy"])
    files: dict[str, list[str]] = {}
    size = sent = 0
    for path in sorted(folder.iterdir()):
        files[path.name] = []
        pieces = _pieces(path)
        while lot := list(islice(pieces, _AT_ONCE)):
            lengths = _left(client, recovery, number, lot)
            files[path.name] += lengths.names
            size, sent = size + lengths.size, sent + lengths.sent
    text = json.dumps({"format": _FORMAT, "files": files}).encode()
    index = _left(client, recovery, number, _cut(text))
    client.ask("POST", f"copies/{number}/closing", {"index": index.names})
    return Sent(size + index.size, sent + index.sent)


def fetch(client: Client, recovery: Recovery, folder: Path) -> datetime:
    """Write the files of the newest whole copy into an empty folder; give when it was made.

    Raises:
        Missing: the sponsor has no copy.
        Refused: a piece is not as it was given away.
        KevreError: as the sponsor answers, or that it does not.
    """
    found = client.ask("GET", "copies")["copies"]
    if not found:
        raise Missing("recovery.none", "the sponsor has no whole copy of this node")
    newest = found[0]
    text = b"".join(_opened(client, recovery, str(one)) for one in newest["index"])
    index = json.loads(text)
    if not isinstance(index, dict) or index.get("format") != _FORMAT:
        raise Malformed("recovery.index", "the copy is of another version", hint="update Kevre")
    for name, pieces in index["files"].items():
        if Path(name).name != name:
            raise Malformed("recovery.index", "a file of the copy has no name of a file")
        with (folder / name).open("wb") as file:
            for one in pieces:
                file.write(_opened(client, recovery, str(one)))
    return datetime.fromisoformat(str(newest["made"]))


@dataclass(frozen=True, slots=True)
class _Lot:
    names: list[str]
    size: int
    sent: int


def _left(client: Client, recovery: Recovery, number: int, pieces: Sequence[bytes]) -> _Lot:
    """Leave some pieces of an open copy; in a lot, so that one question asks for many."""
    sealed = [recovery.seal(one) for one in pieces]
    names = [digest for digest, _ in sealed]
    answer = client.ask("POST", f"copies/{number}/pieces", {"pieces": names})
    missing = set(answer["missing"])
    sent = 0
    for digest, content in sealed:
        if digest in missing:
            client.put(f"copies/pieces/{digest}", content)
            missing.discard(digest)
            sent += len(content)
    return _Lot(names, sum(len(content) for _, content in sealed), sent)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(PIECE_BYTES):
            yield part


def _cut(content: bytes) -> list[bytes]:
    return [content[at : at + PIECE_BYTES] for at in range(0, len(content), PIECE_BYTES)]


def _opened(client: Client, recovery: Recovery, digest: str) -> bytes:
    return recovery.open(digest, client.get(f"copies/pieces/{digest}"))

"""Provenance: the seals that came with readings, kept so that anybody can check them again.

A seal is kept when it is over a whole closed day or month of UTC; a newer one takes the place of
those it touches. The seals of a day that is still going on are checked and let go:
the day's own follows when it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from kevre.federate import seal
from kevre.federate.curve import column
from kevre.federate.description import Neighbour
from kevre.federate.identity import Identity, PublicIdentity
from kevre.federate.peer import Peer
from kevre.federate.seal import Seal
from kevre.flow.read import Curve
from kevre.model.errors import Refused
from kevre.model.window import Window
from kevre.places.series import Series

_DAY_S = 86_400
Known = Callable[[str], PublicIdentity | None]


class KeptSeal(models.Model):
    """The seal of the readings of one series that start in a window."""

    series_id = models.BigIntegerField()
    first_s = models.BigIntegerField()
    end_s = models.BigIntegerField()
    signer = models.CharField(max_length=43)
    content = models.BinaryField()

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        constraints = (
            models.UniqueConstraint(fields=("series_id", "first_s", "end_s"), name="seal_once"),
        )

    def __str__(self) -> str:
        return f"{self.series_id} · {self.first_s}"


class KnownKey(models.Model):
    """A key that a trusted peer told of: enough to check a seal, not to be let in."""

    name = models.CharField(max_length=43, unique=True)
    key = models.CharField(max_length=43)
    title = models.CharField(max_length=160)
    base_url = models.URLField(max_length=200)
    told_by = models.ForeignKey(Peer, on_delete=models.CASCADE, related_name="told")
    told_at = models.DateTimeField()

    class Meta:
        verbose_name = _("known key")
        verbose_name_plural = _("known keys")

    def __str__(self) -> str:
        return self.title


def is_whole(window: Window, now_s: int) -> bool:
    """Say whether a window is made of closed days of UTC."""
    first_s, end_s = window.start_s, window.end_s
    return not first_s % _DAY_S and not end_s % _DAY_S and first_s < end_s <= now_s


def keep(seals: Iterable[tuple[int, Window, Seal]]) -> None:
    """Keep the seals of whole windows: (series, window, seal)."""
    with transaction.atomic():
        for series, window, seal in seals:
            # Readings have one seal; what another seal covered besides is changed or sent again.
            touching = {"first_s__lt": window.end_s, "end_s__gt": window.start_s}
            KeptSeal.objects.filter(series_id=series, **touching).delete()
            KeptSeal.objects.create(
                series_id=series,
                first_s=window.start_s,
                end_s=window.end_s,
                signer=seal.signer,
                content=seal.content,
            )


def kept(series: int, window: Window) -> Seal | None:
    """Give the seal of exactly this window, if one is kept."""
    found = KeptSeal.objects.filter(
        series_id=series, first_s=window.start_s, end_s=window.end_s
    ).first()
    return Seal(found.signer, bytes(found.content)) if found else None


def over(series: int, at_s: int) -> KeptSeal | None:
    """Give the seal under which a reading lies, if one is kept."""
    return KeptSeal.objects.filter(series_id=series, first_s__lte=at_s, end_s__gt=at_s).first()


def told(series: Series, start_s: int, own: Identity, raw: Callable[[Window], Curve]) -> str:
    """Say whose seal a reading lies under, and whether what is held is what was sealed.

    Args:
        series: of the reading.
        start_s: of the reading [epoch s].
        own: this node's identity.
        raw: reads the series.
    """
    found = over(series.pk, start_s)
    if found is None:
        if hasattr(series.source, "peer"):
            return "no seal is kept of this day yet"
        return "first stored here; it is sealed with this node's key whenever it is sent"
    window = Window.of_seconds(found.first_s, found.end_s)
    curve = raw(window)
    held = Seal(found.signer, bytes(found.content))
    first = datetime.fromtimestamp(found.first_s, UTC)
    span = f"{len(curve)} readings from {first:%Y-%m-%d} on"
    try:
        seal.verify(held, column(series, curve), keys(own))
    except Refused as error:
        return f"sealed by {_title(found.signer)} with {span}, but: {error.message}"
    return f"sealed by {_title(found.signer)} with {span}: unchanged since it was first stored"


def _title(signer: str) -> str:
    peer = Peer.objects.filter(key_name=signer).first()
    told_of = KnownKey.objects.filter(name=signer).first()
    title = peer.title if peer else told_of.title if told_of else "an unknown node"
    return f"{title} ({signer[:8]}…)"


def keys(own: Identity) -> Known:
    """Give a look-up of every key by which a seal can be checked: ours, peers', those told of."""

    def known(name: str) -> PublicIdentity | None:
        if name == own.public.name:
            return own.public
        peer = Peer.objects.filter(key_name=name, trusted_at__isnull=False).first()
        if peer is not None:
            return peer.identity
        told = KnownKey.objects.filter(name=name).first()
        return PublicIdentity.of_text(told.key) if told else None

    return known


def learn(peer: Peer, neighbours: Iterable[Neighbour], now: datetime) -> None:
    """Remember the keys that a trusted peer told of; a name stands for one key alone."""
    for one in neighbours:
        KnownKey.objects.update_or_create(
            name=one.key.name,
            defaults={
                "key": one.key.text,
                "title": one.title,
                "base_url": one.base_url,
                "told_by": peer,
                "told_at": now,
            },
        )

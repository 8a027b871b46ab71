"""Peers: other nodes, met at their address, trusted once a person compared fingerprints.

A peer acts for a party, and what it may read is what its party is granted. Its key is pinned:
another one is only believed when the pinned one vouches for it.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from django.db import models, transaction
from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from kevre.federate.description import Description
from kevre.federate.identity import PublicIdentity, vouches
from kevre.model.errors import Conflict, Missing, Refused
from kevre.places.party import Party, PartyKind
from kevre.places.source import Nature, Source
from kevre.rights.gate import Reader


class Peer(models.Model):
    """One other node.

    Attributes:
        slug: what operators call it here.
        base_url: how it is reached, without a slash at the end.
        key: its public key, as `PublicIdentity.text`.
        key_name: the name of that key.
        trusted_at: when a person compared fingerprints; none before.
        blocked_at: since when nothing of it is heard any more.
    """

    slug = models.SlugField(max_length=80, unique=True)
    base_url = models.URLField(max_length=200, unique=True)
    title = models.CharField(max_length=160)
    party = models.OneToOneField(Party, on_delete=models.PROTECT, related_name="peer")
    source = models.OneToOneField(Source, on_delete=models.PROTECT, related_name="peer")
    key = models.CharField(max_length=43)
    key_name = models.CharField(max_length=43, unique=True)
    version = models.CharField(max_length=40, blank=True)
    met_at = models.DateTimeField()
    trusted_at = models.DateTimeField(null=True, blank=True)
    blocked_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("peer")
        verbose_name_plural = _("peers")
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug

    @property
    def identity(self) -> PublicIdentity:
        """Give the pinned key."""
        return PublicIdentity.of_text(self.key)

    @property
    def reader(self) -> Reader:
        """Give who it is at the door."""
        return Reader(None, self.party)


class SpentNonce(models.Model):
    """A signature that was used; kept until it would be too old anyway."""

    nonce = models.CharField(max_length=64)
    key_name = models.CharField(max_length=43)
    until = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("spent signature")
        verbose_name_plural = _("spent signatures")
        constraints = (
            models.UniqueConstraint(fields=("key_name", "nonce"), name="signature_once"),
        )

    def __str__(self) -> str:
        return self.nonce


def meet(described: Description, now: datetime) -> Peer:
    """Enter a node that described itself; it is not trusted by that.

    Raises:
        Conflict: the address is known with another key that the pinned one does not vouch for.
    """
    known = Peer.objects.filter(base_url=described.base_url).first()
    if known is not None:
        return _met_again(known, described)
    with transaction.atomic():
        slug = _free_slug(described.base_url)
        party = Party.objects.create(kind=PartyKind.ORGANISATION, name=described.title)
        source = Source.objects.create(
            slug=f"peer-{slug}"[:60], name=described.title, nature=Nature.MEASURED
        )
        return Peer.objects.create(
            slug=slug,
            base_url=described.base_url,
            title=described.title,
            party=party,
            source=source,
            key=described.key.text,
            key_name=described.key.name,
            version=described.version,
            met_at=now,
        )


def trust(peer: Peer, fingerprint: str, now: datetime) -> None:
    """Trust a peer whose fingerprint a person read out.

    Raises:
        Refused: the fingerprint is another.
    """
    if fingerprint.split() != peer.identity.fingerprint.split():
        raise Refused(
            "peer.fingerprint",
            "this is not the fingerprint of the peer's key",
            hint="somebody else may answer at its address: do not trust it; call its operator",
        )
    Peer.objects.filter(pk=peer.pk).update(trusted_at=now, blocked_at=None)


def named(slug: str) -> Peer:
    """Find a peer by what it is called here.

    Raises:
        Missing: there is none.
    """
    found = Peer.objects.select_related("party", "source").filter(slug=slug).first()
    if found is None:
        raise Missing("peer.absent", "there is no such peer", hint="see kevre peer list")
    return found


def trusted(key_name: str) -> Peer | None:
    """Find a peer that is trusted by the name of its key."""
    return (
        Peer.objects.select_related("party", "source")
        .filter(key_name=key_name, trusted_at__isnull=False, blocked_at__isnull=True)
        .first()
    )


def all_trusted() -> list[Peer]:
    """Give every peer that is trusted now."""
    heard = Q(trusted_at__isnull=False, blocked_at__isnull=True)
    return list(Peer.objects.select_related("party", "source").filter(heard))


def forget_signatures(now: datetime) -> int:
    """Forget the signatures that are too old to be used again; count them."""
    count, _ = SpentNonce.objects.filter(until__lt=now).delete()
    return count


def _met_again(known: Peer, described: Description) -> Peer:
    if described.key.text != known.key:
        voucher = described.voucher
        if (
            voucher is None
            or voucher.key.text != known.key
            or not vouches(known.identity, voucher.signature, described.key)
        ):
            raise Conflict(
                "peer.key_changed",
                "the node at this address has another key than the one that is trusted",
                hint="call its operator; if it was made anew, block this peer and meet it again",
            )
        known.key, known.key_name = described.key.text, described.key.name
    known.title, known.version = described.title, described.version
    known.save(update_fields=["key", "key_name", "title", "version"])
    return known


def _free_slug(base_url: str) -> str:
    wanted = slugify(urlsplit(base_url).netloc.replace(".", "-").replace(":", "-"))[:60] or "peer"
    taken = set(Peer.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    candidates = [wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3))]
    return next(one for one in candidates if one not in taken)

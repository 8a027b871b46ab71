"""Contacts: XMPP addresses that are let in, each for a party; what they read is its grants."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from kevre.places.party import Party, PartyKind
from kevre.places.source import Nature, Source
from kevre.rights.gate import Reader


class Contact(models.Model):
    """One bare JID; its server vouches for it, as XMPP has it.

    Attributes:
        source: what series say that come from it; none, and nothing is taken from it.
    """

    jid = models.CharField(max_length=200, unique=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="contacts")
    source = models.OneToOneField(
        Source, on_delete=models.PROTECT, null=True, blank=True, related_name="contact"
    )
    added_at = models.DateTimeField()
    blocked_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("XMPP contact")
        verbose_name_plural = _("XMPP contacts")
        ordering = ("jid",)

    def __str__(self) -> str:
        return self.jid

    @property
    def reader(self) -> Reader:
        """Give who it is at the door."""
        return Reader(None, self.party)


def allow(jid: str, title: str, now: datetime, *, takes: bool) -> Contact:
    """Let an address in, or in again; `takes` also takes in what it sends."""
    found = Contact.objects.select_related("party", "source").filter(jid=jid).first()
    if found is None:
        party = Party.objects.filter(name=title).first() or Party.objects.create(
            kind=PartyKind.ORGANISATION, name=title
        )
        found = Contact.objects.create(jid=jid, party=party, added_at=now)
    found.blocked_at = None
    if takes and found.source is None:
        found.source = Source.objects.create(
            slug=f"xmpp-{found.pk}", name=title, nature=Nature.MEASURED
        )
    found.save(update_fields=["blocked_at", "source"])
    return found


def named(jid: str) -> Contact | None:
    """Find an address that is let in."""
    return (
        Contact.objects.select_related("party", "source")
        .filter(jid=jid, blocked_at__isnull=True)
        .first()
    )

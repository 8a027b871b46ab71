"""Feeds: what this node receives from a peer, and how far it has come."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from kevre.federate.peer import Peer
from kevre.places.site import Site

_LONGEST_ERROR = 300


class Feed(models.Model):
    """A subscription at a peer, seen from the receiver.

    Attributes:
        handle: what both sides call it.
        selector: what was asked for.
        site: where newly known points are placed; none leaves them for a person to place.
        cursor: up to which number all is committed here.
        news_at: when readings last came.
        error: why nothing comes, in words; empty while all is well.
    """

    peer = models.ForeignKey(Peer, on_delete=models.PROTECT, related_name="feeds")
    handle = models.CharField(max_length=16)
    selector = models.CharField(max_length=200)
    site = models.ForeignKey(
        Site, on_delete=models.PROTECT, null=True, blank=True, related_name="feeds"
    )
    cursor = models.BigIntegerField(default=0)
    readings = models.BigIntegerField(default=0)
    bytes_received = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    news_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=_LONGEST_ERROR, blank=True)
    error_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("feed")
        verbose_name_plural = _("feeds")
        constraints = (models.UniqueConstraint(fields=("peer", "handle"), name="feed_once"),)

    def __str__(self) -> str:
        return f"{self.peer_id} · {self.selector}"

    @property
    def origin(self) -> str:
        """Give what arrivals and quarantine call it."""
        return f"peer:{self.peer.slug}"


def living() -> list[Feed]:
    """Give the feeds that should flow."""
    return list(
        Feed.objects.select_related("peer__party", "peer__source", "site").filter(
            ended_at__isnull=True,
            peer__trusted_at__isnull=False,
            peer__blocked_at__isnull=True,
        )
    )


def note_error(feed: Feed, error: str, now: datetime) -> None:
    """Remember why nothing comes; empty when it does again."""
    Feed.objects.filter(pk=feed.pk).update(error=error[:_LONGEST_ERROR], error_at=now)

"""Collectors: the small agents in the field, what they last said, and what they should do."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kevre.formats.word import TICKET_BYTES
from kevre.model.errors import Refused
from kevre.places.point import MeteringPoint
from kevre.rights.key import Key

TICKET_LASTS = timedelta(hours=48)
_WHOLE_NUMBERS = (
    "waiting", "unset", "set_aside", "sent", "merged", "thinned", "dropped", "damaged", "bytes",
)  # fmt: skip
_TEXTS = ("version", "clock", "refusal")
_LONGEST = 300
_MOST_DEVICES = 100


class Collector(models.Model):
    """One agent. It has a key once it is paired; `state` is its last word about itself."""

    name = models.CharField(max_length=80, help_text=_("What it is called, never after a person"))
    key = models.OneToOneField(
        Key, on_delete=models.SET_NULL, null=True, blank=True, related_name="collector"
    )
    points = models.ManyToManyField(
        MeteringPoint,
        related_name="collectors",
        blank=True,
        help_text=_("What it may write, from the next pairing on"),
    )
    configuration = models.TextField(
        blank=True, help_text=_("Its devices and periods in TOML; empty: those of its own file")
    )
    configuration_version = models.PositiveIntegerField(default=0, editable=False)
    silent_after_s = models.PositiveIntegerField(
        default=7_200, help_text=_("Silent for longer than this, somebody is told; 0: nobody")
    )
    alert_to = models.EmailField(
        blank=True, help_text=_("Who is told; empty: the operators of the node")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    heard_at = models.DateTimeField(null=True, blank=True, editable=False)
    alerted_at = models.DateTimeField(null=True, blank=True, editable=False)
    state = models.JSONField(default=dict, blank=True, editable=False)
    ticket_digest = models.CharField(max_length=64, blank=True, db_index=True, editable=False)
    ticket_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("collector")
        verbose_name_plural = _("collectors")
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    def configure(self, text: str) -> None:
        """Put another configuration in force; the collector fetches it when it calls next."""
        if text == self.configuration:
            return
        self.configuration = text
        self.configuration_version += 1
        self.save(update_fields=("configuration", "configuration_version"))

    def is_silent(self, now: datetime) -> bool:
        """Say whether it has been silent for longer than it should; one never heard is not."""
        if self.heard_at is None or not self.silent_after_s:
            return False
        return now - self.heard_at > timedelta(seconds=self.silent_after_s)


def of_key(key: Key) -> Collector:
    """Give the collector that holds a key; it appears with its first word.

    The successor of a key is held by the same collector: with its first word it takes over.
    """
    found = Collector.objects.filter(key=key).first()
    if found is not None:
        return found
    before = Q(key__lineage=key.lineage) if key.lineage else Q(pk__in=())
    if key.lineage:
        before |= Q(key__name=key.lineage)
    heir = Collector.objects.filter(before).order_by("-heard_at").first()
    if heir is None:
        found, _created = Collector.objects.get_or_create(key=key, defaults={"name": key.origin})
        return found
    heir.key = key
    heir.save(update_fields=("key",))
    return heir


def of_ticket(ticket: bytes, now: datetime) -> Collector:
    """Give the collector that a ticket was given to.

    Raises:
        Refused: nobody's, too old, or its key is revoked.
    """
    is_good = Q(key__valid_until__isnull=True) | Q(key__valid_until__gt=now)
    found = Collector.objects.filter(
        is_good,
        ticket_digest=_digest(ticket),
        ticket_at__gt=now - TICKET_LASTS,
        key__revoked_at=None,
    )
    collector = found.select_related("key").first()
    if collector is None or collector.key is None:
        raise Refused("key.refused", "a valid key is needed", hint="show the key again")
    return collector


def new_ticket(collector: Collector, now: datetime) -> bytes:
    """Give a ticket, eight bytes that stand for the key for two days; the one before ends."""
    ticket = secrets.token_bytes(TICKET_BYTES)
    collector.ticket_digest, collector.ticket_at = _digest(ticket), now
    collector.save(update_fields=("ticket_digest", "ticket_at"))
    return ticket


def hear(collector: Collector, now: datetime, waiting: int, state: object) -> None:
    """Write down that it spoke, and what it said of itself."""
    collector.heard_at = now
    told = _cleaned(state) if isinstance(state, Mapping) else collector.state
    collector.state = told | {"waiting": min(max(waiting, 0), 2**31)}
    collector.save(update_fields=("heard_at", "state"))


def _cleaned(state: Mapping[Any, Any]) -> dict[str, Any]:
    """Keep of a word what is known here, each in its type and short."""
    kept: dict[str, Any] = {
        name: state[name]
        for name in _WHOLE_NUMBERS
        if isinstance(state.get(name), int) and 0 <= state[name] < 2**53
    }
    kept |= {name: _text(state[name]) for name in _TEXTS if isinstance(state.get(name), str)}
    off_by_s = state.get("off_by_s")
    if isinstance(off_by_s, int | float) and abs(off_by_s) < 2**40:
        kept["off_by_s"] = round(float(off_by_s), 1)
    devices = state.get("devices")
    if isinstance(devices, list):
        kept["devices"] = [
            [_text(part) for part in one]
            for one in devices[:_MOST_DEVICES]
            if isinstance(one, list) and len(one) == 4  # noqa: PLR2004 name, driver, how, error
        ]
    return kept


def _text(part: object) -> str:
    return str(part)[:_LONGEST].replace("\x00", "\ufffd")


def _digest(ticket: bytes) -> str:
    return hashlib.sha256(ticket).hexdigest()

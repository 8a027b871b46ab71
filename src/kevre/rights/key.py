"""Keys of origins: each writes the series of its own points, and reads nothing."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kevre.model.errors import Refused
from kevre.places.point import MeteringPoint

_PREFIX = "kvw"
_NAME_LENGTH = 12
# emonHub takes keys of this form alone: 128 random bits, found by their digest.
_SHORT = re.compile(r"[0-9a-f]{32}\Z")
_USE_NOTED_EVERY = timedelta(minutes=1)
DEFAULT_PER_MINUTE = 6_000
# What software in homes and schools measures; a key with prefixes may bring inputs of its own.
MAKER = ("consumption/", "production/", "temperature/", "humidity/", "co2/", "frequency/",
         "irradiance/")  # fmt: skip


class Key(models.Model):
    """A write key. Only a digest of it is stored: it is shown once, when it is made."""

    origin = models.CharField(max_length=80, help_text=_("What holds it, never a person's name"))
    name = models.CharField(max_length=_NAME_LENGTH, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False, db_index=True)
    lineage = models.CharField(max_length=_NAME_LENGTH, blank=True, editable=False)
    points = models.ManyToManyField(MeteringPoint, related_name="keys")
    prefixes = models.JSONField(
        default=list, blank=True, help_text=_("Beginnings of the paths it writes; none for all")
    )
    per_minute = models.PositiveIntegerField(
        default=DEFAULT_PER_MINUTE, help_text=_("Most requests a minute; 0 for no limit")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("key")
        verbose_name_plural = _("keys")

    def __str__(self) -> str:
        return f"{self.origin} ({self.name})"


def issue(
    origin: str,
    points: list[MeteringPoint],
    *,
    is_short: bool = False,
    prefixes: list[str] | None = None,
    per_minute: int = DEFAULT_PER_MINUTE,
) -> tuple[Key, str]:
    """Make a key for these points; the second part is the secret, shown only now."""
    name = secrets.token_hex(_NAME_LENGTH // 2)
    secret = secrets.token_hex(16) if is_short else f"{_PREFIX}_{name}_{secrets.token_urlsafe(32)}"
    key = Key.objects.create(
        origin=origin,
        name=name,
        digest=_digest(secret),
        lineage=name,
        prefixes=prefixes or [],
        per_minute=per_minute,
    )
    key.points.set(points)
    return key, secret


def rotate(old: Key, until: datetime, *, is_short: bool = False) -> tuple[Key, str]:
    """Make the successor of a key; the old one is good until a moment, so there is no gap.

    The inputs of both are the same: what a person accepted stays accepted.
    """
    points = list(old.points.all())
    new, secret = issue(
        old.origin,
        points,
        is_short=is_short,
        prefixes=list(old.prefixes),
        per_minute=old.per_minute,
    )
    new.lineage = old.lineage or old.name
    new.save(update_fields=["lineage"])
    Key.objects.filter(pk=old.pk).update(valid_until=until)
    return new, secret


def revoke(key: Key, now: datetime) -> None:
    """End a key at once."""
    Key.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=now)


def find(secret: str, now: datetime | None = None) -> Key:
    """Find the key of a secret, in time that tells nothing about it; note its use.

    Raises:
        Refused: there is none, or it is revoked, or its time is over.
    """
    at = now or timezone.now()
    digest = _digest(secret)
    alive = Key.objects.filter(revoked_at__isnull=True)
    alive = alive.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=at))
    key = alive.filter(digest=digest).first() if _SHORT.match(secret) else _named(alive, secret)
    expected = key.digest if key else "0" * 64
    if not hmac.compare_digest(expected, digest) or key is None:
        raise Refused(
            "key.refused", "this key is not known here", hint="check it, or issue another"
        )
    if key.last_used_at is None or at - key.last_used_at >= _USE_NOTED_EVERY:
        Key.objects.filter(pk=key.pk).update(last_used_at=at)
    return key


def _named(alive: models.QuerySet[Key], secret: str) -> Key | None:
    parts = secret.split("_", 2)
    name = parts[1] if len(parts) == 3 else ""  # noqa: PLR2004 - prefix, name, secret
    return alive.filter(name=name).first()


def _digest(secret: str) -> str:
    # A plain digest is enough: the secret holds 128 random bits at least: no guessing it.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()

"""Keys of origins: each writes the series of its own points, and reads nothing."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _

from kevre.model.errors import Refused
from kevre.places.point import MeteringPoint

_PREFIX = "kvw"
_NAME_LENGTH = 12


class Key(models.Model):
    """A write key. Only a digest of it is stored: it is shown once, when it is made."""

    origin = models.CharField(max_length=80, help_text=_("What holds it, never a person's name"))
    name = models.CharField(max_length=_NAME_LENGTH, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    points = models.ManyToManyField(MeteringPoint, related_name="keys")
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("key")
        verbose_name_plural = _("keys")

    def __str__(self) -> str:
        return f"{self.origin} ({self.name})"


def issue(origin: str, points: list[MeteringPoint]) -> tuple[Key, str]:
    """Make a key for these points; the second part is the secret, shown only now."""
    name = secrets.token_hex(_NAME_LENGTH // 2)
    secret = f"{_PREFIX}_{name}_{secrets.token_urlsafe(32)}"
    key = Key.objects.create(origin=origin, name=name, digest=_digest(secret))
    key.points.set(points)
    return key, secret


def find(secret: str) -> Key:
    """Find the key of a secret, in time that tells nothing about it.

    Raises:
        Refused: there is none, or it is revoked.
    """
    parts = secret.split("_", 2)
    name = parts[1] if len(parts) == 3 else ""  # noqa: PLR2004 - prefix, name, secret
    key = Key.objects.filter(name=name, revoked_at__isnull=True).first()
    expected = key.digest if key else "0" * 64
    if not hmac.compare_digest(expected, _digest(secret)) or key is None:
        raise Refused(
            "key.refused", "this key is not known here", hint="check it, or issue another"
        )
    return key


def _digest(secret: str) -> str:
    # A plain digest is enough: the secret holds 256 random bits, so there is no guessing it.
    return hashlib.sha256(secret.encode()).hexdigest()

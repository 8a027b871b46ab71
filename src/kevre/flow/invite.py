"""Invites: a short code that makes a machine in the field a collector of this node, once."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta

from django.db import models, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from kevre.flow.collector import Collector
from kevre.model.errors import Refused, Unavailable
from kevre.rights import key as keys

LASTS = timedelta(hours=1)
# Nothing that is read one for the other: no 0 O 1 I L U. 30^8 codes are 39 bits.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 8
# So guessing one of a few open codes within their hour has odds of one in ten thousand million.
_MOST_FAILURES = 20
_WITHIN = timedelta(minutes=10)
_MOST_OPEN = 200


class Invite(models.Model):
    """A code that was given out; only a digest of it is stored."""

    collector = models.ForeignKey(Collector, on_delete=models.CASCADE, related_name="invites")
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("invite")
        verbose_name_plural = _("invites")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.collector} · {self.created_at:%Y-%m-%d}"


class Failure(models.Model):
    """One code that was wrong: too many of them close the entrance for a while."""

    at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("wrong code")
        verbose_name_plural = _("wrong codes")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


def invite(collector: Collector, now: datetime, lasts: timedelta = LASTS) -> str:
    """Make a code for a collector, shown only now; codes given before for it end."""
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    Invite.objects.filter(collector=collector, used_at=None).delete()
    Invite.objects.create(
        collector=collector, digest=_digest(code), created_at=now, expires_at=now + lasts
    )
    half = _LENGTH // 2
    return f"{code[:half]}-{code[half:]}"


def claim(code: str, now: datetime) -> tuple[Collector, str]:
    """Turn a code into the collector's key, which is shown only now; a former key ends.

    Raises:
        Refused: nobody was given it, or it is used up or too old.
        Unavailable: too many wrong codes came lately.
    """
    Failure.objects.filter(at__lte=now - _WITHIN).delete()
    if Failure.objects.count() >= _MOST_FAILURES:
        raise Unavailable(
            "invite.too_many",
            "too many wrong codes came in the last minutes",
            hint="wait ten minutes",
            retry_after_s=int(_WITHIN.total_seconds()),
        )
    found = _found(code, now)
    if found is None:
        Failure.objects.create(at=now)
        raise _unknown()
    with transaction.atomic():
        # Of two that come at once one finds it unused.
        if Invite.objects.filter(pk=found.pk, used_at=None).update(used_at=now) != 1:
            raise _unknown()
        return found.collector, _new_key(found.collector, now)


def _found(code: str, now: datetime) -> Invite | None:
    """Look at every open code, so that the time taken tells nothing."""
    given = _digest("".join(letter for letter in code.upper() if letter in _ALPHABET))
    found = None
    still = Invite.objects.filter(used_at=None, expires_at__gt=now)
    for one in still.select_related("collector")[:_MOST_OPEN]:
        if hmac.compare_digest(one.digest, given):
            found = one
    return found


def _new_key(collector: Collector, now: datetime) -> str:
    former = collector.key
    collector.key, secret = keys.issue(collector.name, list(collector.points.all()))
    collector.ticket_digest = ""
    collector.save(update_fields=("key", "ticket_digest"))
    if former is not None:
        former.revoked_at = now
        former.save(update_fields=("revoked_at",))
    return secret


def _digest(code: str) -> str:
    return salted_hmac("kevre.flow.invite", code, algorithm="sha256").hexdigest()


def _unknown() -> Refused:
    return Refused(
        "invite.refused",
        "this code is not known here, or not any more",
        hint="ask the operator for another",
    )

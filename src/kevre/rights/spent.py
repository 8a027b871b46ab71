"""Refresh tokens that were used: who shows one again may have stolen it, or been stolen from.

Then nobody can tell who is who, and all that came of it ends (RFC 9700, 4.14.2).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.idp.oidc.models import Client, Token
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from kevre.rights.account import Account

# As long as the refresh token that took its place may live.
_KEPT = timedelta(days=90)


class SpentToken(models.Model):
    """The digest of a refresh token that was exchanged for another."""

    digest = models.CharField(max_length=64, unique=True)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("used token")
        verbose_name_plural = _("used tokens")

    def __str__(self) -> str:
        return f"{self.client_id} · {self.at:%Y-%m-%d %H:%M}"


def alive(secret: str) -> Token | None:
    """Find a refresh token that may be exchanged."""
    found: Token | None = Token.objects.lookup(Token.Type.REFRESH_TOKEN, secret)
    return found


def note(token: Token, now: datetime) -> None:
    """Remember a token that was exchanged."""
    SpentToken.objects.get_or_create(
        digest=token.hash,
        defaults={"client_id": token.client_id, "account_id": token.user_id, "at": now},
    )


def shown_again(digest: str) -> int:
    """End all that came of a token that was exchanged before; count the tokens."""
    with transaction.atomic():
        found = SpentToken.objects.filter(digest=digest).first()
        if found is None:
            return 0
        gone: int
        gone, _each = Token.objects.filter(client=found.client_id, user=found.account_id).delete()
    return gone


def forget(now: datetime) -> int:
    """Let those go whose successors are over; count them."""
    gone: int
    gone, _each = SpentToken.objects.filter(at__lt=now - _KEPT).delete()
    return gone

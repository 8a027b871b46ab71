"""Acting for a person in support: announced before it begins, to look only, for half an hour."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models, transaction
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kevre.model.errors import Refused
from kevre.rights import role
from kevre.rights.account import Account
from kevre.rights.role import Power

LASTS = timedelta(minutes=30)
# The purpose of what is read meanwhile; it stands in the person's access log.
PURPOSE = "support"


class Acting(models.Model):
    """That somebody saw the pages as another person sees them, and why."""

    actor = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="actings")
    reason = models.CharField(max_length=200)
    began_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("support visit")
        verbose_name_plural = _("support visits")
        ordering = ("-began_at",)
        indexes = (models.Index(fields=("account", "-began_at"), name="acting_of_account"),)

    def __str__(self) -> str:
        return f"{self.actor_id} > {self.account_id} · {self.began_at:%Y-%m-%d %H:%M}"


def begin(actor: Account, account: Account, reason: str, now: datetime, *, page: str) -> Acting:
    """Begin to act for a person, whom a mail tells first; if it cannot be sent, nothing begins.

    Args:
        actor: who sees the pages.
        account: as whom.
        reason: told to the person.
        now: of the beginning.
        page: address at which the person sees all such visits.

    Raises:
        Refused: the actor may not do so for this person.
    """
    if not role.accounts(actor, Power.SUPPORT).filter(pk=account.pk, is_active=True).exists():
        raise Refused("acting.refused", "you may not act for this person")
    with transaction.atomic():
        acting = Acting.objects.create(
            actor=actor, account=account, reason=reason, began_at=now, until=now + LASTS
        )
        _announce(acting, page)
    return acting


def current(pk: int, actor: Account, now: datetime) -> Acting | None:
    """Give the acting that a session names, as long as it lasts and is still allowed."""
    acting = (
        Acting.objects.filter(pk=pk, actor=actor, ended_at=None, until__gt=now)
        .select_related("account", "actor")
        .first()
    )
    if acting is None or not acting.account.is_active:
        return None
    allowed = role.accounts(actor, Power.SUPPORT).filter(pk=acting.account_id)
    return acting if allowed.exists() else None


def end(acting: Acting, now: datetime) -> None:
    """End an acting at once."""
    Acting.objects.filter(pk=acting.pk, ended_at=None).update(ended_at=now)


def of(account: Account) -> tuple[Acting, ...]:
    """Give all the times that somebody acted for a person, the newest first."""
    return tuple(Acting.objects.filter(account=account).select_related("actor"))


def _announce(acting: Acting, page: str) -> None:
    facts = {"actor": str(acting.actor), "reason": acting.reason, "page": page}
    # What a person reads best is not known here: the node's first language.
    with translation.override(settings.LANGUAGE_CODE):
        subject = gettext("Support looks at your pages")
        words = gettext(
            "%(actor)s sees the pages of your account as you see them, for half an hour at most,"
            " and can change nothing. The reason given: %(reason)s\n\n"
            "Every such visit stands on your page: %(page)s"
        )
    EmailMessage(subject, words % facts, to=[acting.account.email]).send()

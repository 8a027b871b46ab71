"""Silence of collectors: somebody is told once when one falls silent, and once when it is back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext

from kevre.flow.collector import Collector
from kevre.rights.account import Account


def watch(now: datetime, *, language: str, base_url: str) -> int:
    """Look at every collector, and tell of those that fell silent or are back; give how many.

    A mail that cannot be sent raises, and is tried again with the next look: what was told is
    marked one by one, after it was told.

    Args:
        now: of this look.
        language: of the mail.
        base_url: how people reach the node.
    """
    told = 0
    with translation.override(language):
        for collector in Collector.objects.exclude(heard_at=None):
            is_silent = collector.is_silent(now)
            if is_silent == (collector.alerted_at is not None):
                continue
            _mail(collector, base_url, is_silent=is_silent)
            collector.alerted_at = now if is_silent else None
            collector.save(update_fields=("alerted_at",))
            told += 1
    return told


def _mail(collector: Collector, base_url: str, *, is_silent: bool) -> None:
    to = [collector.alert_to] if collector.alert_to else _operators()
    if not to:
        return
    last = f"{collector.heard_at:%Y-%m-%d %H:%M} UTC"
    facts = {"name": collector.name, "last": last}
    if is_silent:
        subject = gettext("Collector %(name)s is silent") % facts
        words = gettext(
            "The collector %(name)s has said nothing since %(last)s. Its readings wait on the spot;"
            " look at its power supply and its network."
        )
    else:
        subject = gettext("Collector %(name)s is back") % facts
        words = gettext("The collector %(name)s speaks again, last at %(last)s.")
    address = f"{base_url.rstrip('/')}/{translation.get_language()}/collectors/{collector.pk}/"
    # One by one: nobody learns who else is told.
    for one in to:
        EmailMessage(subject, f"{words % facts}\n\n{address}\n", to=[one]).send()


def _operators() -> Sequence[str]:
    return list(
        Account.objects.filter(is_superuser=True, is_active=True).values_list("email", flat=True)
    )

"""Sessions: where an account is signed in, and how it is signed out there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet

from kevre.rights.account import Account

# The library wants an address; this is none.
_NOWHERE = "0.0.0.0"  # noqa: S104 - nothing is bound to it
_MOST_SIGNS = 40


@dataclass(frozen=True, slots=True)
class Place:
    """One browser in which an account is signed in."""

    pk: int
    began_at: datetime
    seen_at: datetime
    browser: str
    is_current: bool


def places(account: Account, current: str, now: datetime) -> tuple[Place, ...]:
    """Give the sessions of an account that are alive, the newest first.

    Args:
        account: whose.
        current: key of the session that asks.
        now: of the question.
    """
    found = UserSession.objects.filter(user=account, session_key__in=_alive(now))
    return tuple(
        Place(
            one.pk,
            one.created_at,
            one.last_seen_at,
            one.user_agent,
            is_current=one.session_key == current,
        )
        for one in found.order_by("-created_at")
    )


def revoke(account: Account, pk: int) -> int:
    """Sign an account out of one place, at once; count the places."""
    return _end(account, {"pk": pk}, "")


def revoke_others(account: Account, current: str) -> int:
    """Sign an account out of all places but one, at once; count the places."""
    return _end(account, {}, current)


def spare(instance: UserSession, **_: Any) -> None:
    """Keep neither the address of a machine nor more of a browser than its name; before saving."""
    instance.ip = _NOWHERE
    instance.user_agent = browser(instance.user_agent) or instance.user_agent[:_MOST_SIGNS]


def forget(now: datetime) -> int:
    """Let go what is told of sessions that are over; count it."""
    Session.objects.filter(expire_date__lt=now).delete()
    gone: int
    gone, _each = UserSession.objects.exclude(session_key__in=_alive(now)).delete()
    return gone


def browser(agent: str) -> str:
    """Name a browser and its system by what it says of itself; empty if it is not known.

    What it names is named the same again.

    >>> browser("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox, Linux'
    >>> browser("Firefox, Linux")
    'Firefox, Linux'
    """
    # The order decides: each of the first says that it is one of the later too.
    names = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrom", "Chromium"), ("Safari", "Safari"))
    systems = (
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("macOS", "macOS"),
        ("Linux", "Linux"),
    )
    found = (next((name for sign, name in each if sign in agent), "") for each in (names, systems))
    return ", ".join(name for name in found if name)


def _alive(now: datetime) -> QuerySet[Session, Any]:
    return Session.objects.filter(expire_date__gte=now).values("session_key")


def _end(account: Account, chosen: dict[str, int], kept: str) -> int:
    with transaction.atomic():
        found = UserSession.objects.filter(user=account, **chosen).exclude(session_key=kept)
        keys = list(found.values_list("session_key", flat=True))
        Session.objects.filter(session_key__in=keys).delete()
        found.delete()
    return len(keys)

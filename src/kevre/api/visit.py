"""Who calls: an application by its token, the account of a session, or a guest."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone

from kevre.model.errors import Refused, Unavailable
from kevre.rights import application as applications
from kevre.rights import consent
from kevre.rights.account import Account
from kevre.rights.application import Application
from kevre.rights.gate import Reader
from kevre.rights.rate import Rate

PURPOSE = "api"
# The largest key that a registry can hold.
LARGEST_KEY = 2**63 - 1
# For people and guests, who have no number of their own.
_PER_MINUTE = 300
RATE = Rate()


def visit(request: HttpRequest) -> tuple[Reader, datetime]:
    """Give who asks and when; each request is counted once.

    Raises:
        Refused: the token is not known, or over.
        Unavailable: who asks has asked too often in this minute.
    """
    known: tuple[Reader, datetime] | None = getattr(request, "kevre_visit", None)
    if known is None:
        known = _visit(request, timezone.now())
        request.kevre_visit = known  # type: ignore[attr-defined]  # ours
    return known


def application(request: HttpRequest) -> tuple[Application, Account | None] | None:
    """Give the application that asks and the person behind it, if one does."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return None
    found = applications.of_token(secret.strip()) if scheme.lower() == "bearer" else None
    if found is None:
        raise Refused(
            "token.refused",
            "this token is not known, or its time is over",
            hint="ask for another with the refresh token, or ask the person",
        )
    return found


def caller(request: HttpRequest) -> Account | None:
    """Give the account of the session, if there is one."""
    return request.user if isinstance(request.user, Account) else None


def person(request: HttpRequest) -> Account:
    """Give the account of the session.

    Raises:
        Refused: nobody is signed in, or an application asks, which this is not for.
    """
    account = caller(request)
    if account is None or "Authorization" in request.headers:
        raise Refused("account.needed", "this is for people who are signed in", hint="sign in")
    return account


def _visit(request: HttpRequest, now: datetime) -> tuple[Reader, datetime]:
    at_s = int(now.timestamp())
    found = application(request)
    if found is None:
        account = caller(request)
        who = f"account {account.pk}" if account else f"guest {request.META.get('REMOTE_ADDR')}"
        RATE.count(who, _PER_MINUTE, at_s)
        return Reader(account, is_support=hasattr(request, "acting")), now
    asking, person = found
    try:
        RATE.count(f"application {asking.pk}", asking.per_minute, at_s)
    except Unavailable:
        applications.note(asking, now.date(), refused=True)
        raise
    applications.note(asking, now.date())
    return Reader(None, asking.party, only=consent.grants(asking, person)), now

"""One's account: how one signs in, where one is signed in, and who looked in support."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache

from kevre.model.window import PARIS
from kevre.rights import acting, role, session
from kevre.rights.account import Account
from kevre.rights.role import Power, RoleKind
from kevre.web import words
from kevre.web.visit import Visit, visit


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey as a line of the page."""

    pk: int
    name: str
    made: str
    used: str


@dataclass(frozen=True, slots=True)
class Line:
    """One session, or one visit of support, as a line of the page."""

    pk: int
    began: str
    about: str
    ended: str = ""
    is_current: bool = False
    who: str = ""


@login_required
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Show how and where an account signs in; sign it out where it says so."""
    look = visit(request)
    account = look.reader.account
    assert account is not None  # noqa: S101 - the decorator holds it
    if request.method == "POST":
        _sign_out(request, account)
        return redirect("web:security")
    view = {
        "here": "account",
        "passkeys": _passkeys(account, look),
        "has_codes": _authenticators(account, Authenticator.Type.RECOVERY_CODES).exists(),
        "sessions": _sessions(request, account, look),
        "actings": _actings(account, look),
        "roles": [(RoleKind(one.kind).label, one.territory) for one in role.held(account)],
        "towns": settings.CONFIG.oidc,
        "manages_people": role.may(account, Power.ACCOUNTS) or role.may(account, Power.SUPPORT),
    }
    return render(request, "security.html", view)


def _sign_out(request: HttpRequest, account: Account) -> None:
    current = request.session.session_key or ""
    chosen = request.POST.get("session", "")
    if chosen.isdecimal():
        count = session.revoke(account, int(chosen))
    else:
        count = session.revoke_others(account, current)
    told = ngettext("Signed out in %(count)s place.", "Signed out in %(count)s places.", count)
    messages.success(request, told % {"count": count})


def _authenticators(account: Account, kind: Authenticator.Type):  # type: ignore[no-untyped-def]  # noqa: ANN202 - allauth has no types
    return Authenticator.objects.filter(user=account, type=kind)


def _passkeys(account: Account, look: Visit) -> tuple[Passkey, ...]:
    return tuple(
        Passkey(
            one.pk,
            one.wrap().name,
            _clock(one.created_at, look),
            _clock(one.last_used_at, look),
        )
        for one in _authenticators(account, Authenticator.Type.WEBAUTHN)
    )


def _sessions(request: HttpRequest, account: Account, look: Visit) -> tuple[Line, ...]:
    current = request.session.session_key or ""
    return tuple(
        Line(
            one.pk,
            _clock(one.began_at, look),
            one.browser or gettext("a browser that is not known"),
            is_current=one.is_current,
        )
        for one in session.places(account, current, look.now)
    )


def _actings(account: Account, look: Visit) -> tuple[Line, ...]:
    return tuple(
        Line(
            one.pk,
            _clock(one.began_at, look),
            one.reason,
            _clock(min(one.ended_at or one.until, one.until), look),
            who=str(one.actor) if one.actor else gettext("an account that is gone"),
        )
        for one in acting.of(account)
    )


def _clock(at: datetime | None, look: Visit) -> str:
    return words.clock_text(at, PARIS, look.now, look.locale) if at else ""

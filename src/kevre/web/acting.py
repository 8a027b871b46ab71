"""Seeing the pages as a person sees them, in support: to look only, under a banner."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from kevre.model.errors import Refused
from kevre.rights import acting
from kevre.rights.account import Account
from kevre.rights.acting import Acting
from kevre.web.problem import problem

SESSION_KEY = "acting"
_LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})


class ActingMiddleware(MiddlewareMixin):
    """Puts the person in the place of who supports, and lets nothing be changed."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Exchange the account of the request; refuse what is not looking."""
        running = _running(request)
        if running is None:
            return None
        request.acting = running  # type: ignore[attr-defined]  # ours, for templates and visits
        if request.path == reverse("web:acting-end"):
            return None
        # Ways to sign in and applications are the person's alone; the administration has no use.
        closed = (reverse("account_login").removesuffix("login/"), reverse("admin:index"))
        if request.method not in _LOOKING or request.path.startswith(closed):
            return problem(
                request,
                Refused(
                    "acting.looks_only",
                    gettext_noop("Support looks, and changes nothing for a person."),
                    hint=gettext_noop("End the visit first, by the button above."),
                ),
            )
        request.user = running.account
        return None


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End the visit, and go back to the people."""
    running: Acting | None = getattr(request, "acting", None)
    if running is not None:
        acting.end(running, timezone.now())
    request.session.pop(SESSION_KEY, None)
    return redirect("web:people")


def start(request: HttpRequest, running: Acting) -> HttpResponse:
    """Go to the person's first page."""
    request.session[SESSION_KEY] = running.pk
    return HttpResponseRedirect(reverse("web:home"), status=HTTPStatus.SEE_OTHER)


def _running(request: HttpRequest) -> Acting | None:
    pk = request.session.get(SESSION_KEY)
    if pk is None:
        return None
    actor = request.user
    found = acting.current(pk, actor, timezone.now()) if isinstance(actor, Account) else None
    if found is None:
        del request.session[SESSION_KEY]
    return found

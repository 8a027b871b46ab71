"""The people of a territory, for those who look after their accounts and roles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.mail import EmailMessage
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from kevre.model.errors import Conflict, Missing
from kevre.places.territory import Territory
from kevre.rights import acting, role
from kevre.rights.account import Account
from kevre.rights.role import Power, Role, RoleKind
from kevre.web import acting as acting_page
from kevre.web.visit import visit

_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Person:
    """One account as a line of the page; a role that may not be taken has no key."""

    account: Account
    roles: tuple[tuple[int | None, str], ...]


class RoleForm(forms.Form):
    """Which role, and where."""

    kind = forms.ChoiceField(label=_("Role"), choices=RoleKind.choices)
    territory = forms.ModelChoiceField(label=_("Territory"), queryset=Territory.objects.none())

    def __init__(self, actor: Account, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places: QuerySet[Territory] = role.territories(actor, Power.ACCOUNTS)
        self.fields["territory"].queryset = places  # type: ignore[attr-defined]  # ModelChoiceField
        if not actor.is_superuser:
            kinds = [one for one in RoleKind.choices if one[0] != RoleKind.OPERATOR]
            self.fields["kind"].choices = kinds  # type: ignore[attr-defined]  # ChoiceField


class NewForm(RoleForm):
    """A new account with its first role."""

    email = forms.EmailField(label=_("E-mail address"))
    field_order = ("email", "kind", "territory")


class VisitForm(forms.Form):
    """Why support looks at the pages of a person."""

    reason = forms.CharField(label=_("Reason, which the person reads"), max_length=200)


@login_required
@never_cache
def fleet(request: HttpRequest) -> HttpResponse:
    """List the accounts that the reader looks after; make another."""
    actor = _actor(request)
    form = NewForm(actor, request.POST or None)
    if request.method == "POST" and form.is_valid():
        account = _invite(actor, form)
        if account is not None:
            _welcome(account)
            messages.success(request, gettext("Account made; a mail tells how to sign in."))
            return redirect("web:person", account.pk)
    wanted = request.GET.get("q", "").strip()
    found = _reached(actor).order_by("email").prefetch_related("roles__territory")
    if wanted:
        found = found.filter(email__icontains=wanted)
    view = {
        "here": "account",
        "people": Paginator(found, _A_PAGE).get_page(request.GET.get("page")),
        "form": form if role.may(actor, Power.ACCOUNTS) else None,
        "wanted": wanted,
    }
    return render(request, "people.html", view)


@login_required
@never_cache
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one account: give and take roles, or look at its pages in support."""
    actor = _actor(request)
    account = _reached(actor).filter(pk=pk).first()
    if account is None:
        raise _absent()
    look = visit(request)
    support = VisitForm(request.POST if "visit" in request.POST else None)
    given = RoleForm(actor, request.POST if "give" in request.POST else None)
    if request.method == "POST":
        if support.is_bound and support.is_valid():
            return acting_page.start(
                request, _begin(actor, account, support.cleaned_data["reason"], look.now)
            )
        if _change(request, actor, account, given):
            return redirect("web:person", pk)
    manages = role.accounts(actor, Power.ACCOUNTS).filter(pk=pk).exists()
    view = {
        "here": "account",
        "person": _person(actor, account),
        "role_form": given if manages else None,
        "visit_form": support if role.accounts(actor, Power.SUPPORT).filter(pk=pk) else None,
    }
    return render(request, "person.html", view)


def _begin(actor: Account, account: Account, reason: str, now: datetime) -> acting.Acting:
    address = f"{settings.CONFIG.base_url.rstrip('/')}{reverse('web:security')}"
    return acting.begin(actor, account, reason, now, page=address)


def _change(request: HttpRequest, actor: Account, account: Account, form: RoleForm) -> bool:
    chosen = request.POST.get("take", "")
    if chosen.isdecimal():
        held = account.roles.filter(pk=int(chosen)).select_related("territory").first()
        if held is not None:
            role.take(actor, held)
        return True
    if form.is_bound and form.is_valid():
        role.give(
            actor, account, RoleKind(form.cleaned_data["kind"]), form.cleaned_data["territory"]
        )
        return True
    return False


def _invite(actor: Account, form: NewForm) -> Account | None:
    wanted = form.cleaned_data
    try:
        return role.invite(actor, wanted["email"], RoleKind(wanted["kind"]), wanted["territory"])
    except Conflict:
        form.add_error("email", gettext("There is an account with this address already."))
        return None


def _welcome(account: Account) -> None:
    facts = {
        "node": settings.CONFIG.title,
        "page": f"{settings.CONFIG.base_url.rstrip('/')}{reverse('account_request_login_code')}",
    }
    words = gettext(
        "An account was made for you at %(node)s. To sign in, ask for a code that is sent to this"
        " address: %(page)s\n\nThere you can also set a passkey or a password."
    )
    subject = gettext("Your account at %(node)s")
    EmailMessage(subject % facts, words % facts, to=[account.email]).send()


def _actor(request: HttpRequest) -> Account:
    actor = request.user
    if not isinstance(actor, Account):
        raise _absent()
    if not role.may(actor, Power.ACCOUNTS) and not role.may(actor, Power.SUPPORT):
        raise _absent()
    return actor


def _reached(actor: Account) -> QuerySet[Account]:
    return role.accounts(actor, Power.ACCOUNTS) | role.accounts(actor, Power.SUPPORT)


def _person(actor: Account, account: Account) -> Person:
    def named(one: Role) -> tuple[int | None, str]:
        kind = RoleKind(one.kind)
        key = one.pk if role.may_give(actor, kind, one.territory) else None
        return key, f"{kind.label} · {one.territory}"

    return Person(account, tuple(named(one) for one in role.held(account)))


def _absent() -> Missing:
    return Missing(
        "person.absent",
        gettext_noop("There is no such account here, or you do not look after it."),
    )

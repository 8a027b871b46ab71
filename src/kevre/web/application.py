"""The pages of developers: register an application, rotate its secret, see how it is used."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.idp.oidc.models import Client
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from kevre.model.errors import Missing
from kevre.model.step import Resolution
from kevre.rights import application as applications
from kevre.rights import hook, role
from kevre.rights.account import Account
from kevre.rights.application import Application, Kind
from kevre.rights.hook import EventKind, HookEvent
from kevre.rights.role import Power
from kevre.web.consent import RESOLUTIONS
from kevre.web.visit import Visit, visit

_MOST_LINES = 31
_LONGEST_DAYS = 1_095
# Schemes that a browser would run, or that name its own files.
_NEVER = frozenset({"javascript", "data", "vbscript", "file", "blob", "about"})


class WhereForm(forms.Form):
    """Where people and messages are sent; this may change later."""

    redirects = forms.CharField(
        label=_("Addresses to which people are sent back, one a line"),
        widget=forms.Textarea({"rows": 2}),
        max_length=2_000,
        required=False,
    )
    hook_url = forms.URLField(
        label=_("Address that is told of changes (webhook); empty for none"),
        max_length=300,
        required=False,
        assume_scheme="https",
    )

    def clean_redirects(self) -> list[str]:
        """Hold each address to what OAuth 2.1 allows: exact, encrypted unless on one's machine."""
        lines = [one.strip() for one in self.cleaned_data["redirects"].splitlines() if one.strip()]
        if not all(map(_is_redirect, lines)):
            raise forms.ValidationError(
                gettext(
                    "Each begins with https://, with http://127.0.0.1 or with an app's own scheme."
                )
            )
        return lines


class NewForm(WhereForm):
    """What an application is; people read it, so it does not change later."""

    name = forms.CharField(label=_("Name, as people read it"), max_length=80)
    page = forms.URLField(
        label=_("Page where people read about it"), max_length=200, assume_scheme="https"
    )
    kind = forms.ChoiceField(label=_("Who gives it access"), choices=Kind.choices)
    purpose = forms.CharField(label=_("Purpose, as people read it"), max_length=120)
    prefixes = forms.CharField(
        label=_(
            "Beginnings of the paths it reads, such as consumption/, one a line; empty for all"
        ),
        widget=forms.Textarea({"rows": 2}),
        max_length=1_000,
        required=False,
    )
    finest = forms.ChoiceField(
        label=_("How finely, at most"),
        choices=[(one.value, text) for one, text in RESOLUTIONS.items()],
        initial=Resolution.DAY.value,
    )
    lasts_days = forms.IntegerField(
        label=_("Days that a consent lasts, at most"),
        min_value=1,
        max_value=_LONGEST_DAYS,
        initial=365,
    )
    back_days = forms.IntegerField(
        label=_("Days of the past that it reads too"),
        min_value=0,
        max_value=10 * 365,
        initial=0,
    )
    field_order = (
        "name", "page", "kind", "purpose", "prefixes", "finest", "lasts_days", "back_days",
        "redirects", "hook_url",
    )  # fmt: skip

    def clean_prefixes(self) -> list[str]:
        """Cut into lines."""
        return [one.strip() for one in self.cleaned_data["prefixes"].splitlines() if one.strip()]

    def clean(self) -> dict[str, Any]:
        """Hold that whoever is sent away has somewhere to come back to."""
        wanted = super().clean() or {}
        if not wanted.get("redirects") and "redirects" not in self.errors:
            self.add_error("redirects", gettext("At least one address is needed."))
        return wanted


@login_required
@never_cache
def fleet(request: HttpRequest) -> HttpResponse:
    """List the applications that the reader answers for; register another."""
    look = visit(request)
    account = _account(look)
    form = NewForm(request.POST or None)
    manages = role.may(account, Power.APPLICATIONS)
    if request.method == "POST" and manages and form.is_valid():
        made = _wanted(form.cleaned_data)
        secret = applications.register(
            account, made, form.cleaned_data["name"], form.cleaned_data["redirects"], look.now
        )
        return _shown(request, made, secret)
    view = {
        "here": "account",
        "applications": applications.owned(account),
        "form": form if manages else None,
    }
    return render(request, "applications.html", view)


@login_required
@never_cache
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one application; change where it is, rotate its secret, end it."""
    look = visit(request)
    found = applications.owned(_account(look)).filter(pk=pk).first()
    if found is None:
        raise Missing(
            "application.absent",
            gettext_noop("There is no such application here, or it is not yours."),
        )
    if request.method != "POST":
        return _shown(request, found)
    if "rotate" in request.POST:
        return _shown(request, found, applications.rotate(found))
    form = WhereForm(request.POST)
    if "where" in request.POST and not form.is_valid():
        return _shown(request, found, form=form)
    _change(request, found, form, look)
    return redirect("web:application", pk)


def _change(request: HttpRequest, found: Application, form: WhereForm, look: Visit) -> None:
    if "where" in request.POST:
        applications.change(found, form.cleaned_data["redirects"], form.cleaned_data["hook_url"])
        messages.success(request, gettext("Saved."))
    elif "test" in request.POST:
        hook.put(found, EventKind.TEST, {"test": []}, look.now)
        messages.success(request, gettext("A test message waits; it is sent within seconds."))
    elif "block" in request.POST:
        applications.block(found, look.now)
        messages.success(request, gettext("Ended: its tokens are good for nothing any more."))


def _shown(
    request: HttpRequest, found: Application, secret: str = "", form: WhereForm | None = None
) -> HttpResponse:
    """Show one application; a secret stands on this page alone, and nowhere else."""
    client: Client = found.client
    where = {"redirects": "\n".join(client.get_redirect_uris()), "hook_url": found.hook_url}
    base = settings.CONFIG.base_url.rstrip("/")
    view = {
        "here": "account",
        "application": found,
        "finest": RESOLUTIONS[Resolution(found.finest)],
        "secret": secret,
        "form": form or WhereForm(initial=where),
        "has_secret": found.kind != Kind.PUBLIC,
        "uses": found.uses.all()[:_MOST_LINES],
        "people": found.consents.filter(grant__withdrawn_at=None)
        .values("account").distinct().count(),
        "events": HookEvent.objects.filter(application=found)[:_MOST_LINES],
        "authorize_url": f"{base}/oauth/authorize",
        "token_url": f"{base}{reverse('oauth-token')}",
        "scopes": client.get_scopes(),
    }  # fmt: skip
    return render(request, "application.html", view)


def _wanted(given: dict[str, Any]) -> Application:
    names = ("page", "kind", "purpose", "prefixes", "finest", "lasts_days", "back_days", "hook_url")
    return Application(**{name: given[name] for name in names})


def _is_redirect(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.fragment or "*" in address or parts.scheme in _NEVER or any(map(str.isspace, address)):
        return False
    if parts.scheme == "http":
        return parts.hostname in {"127.0.0.1", "::1"}
    if parts.scheme == "https":
        return bool(parts.hostname)
    # RFC 8252: a scheme of one's own is a name of one's own, turned round.
    return "." in parts.scheme


def _account(look: Visit) -> Account:
    account = look.reader.account
    assert account is not None  # noqa: S101 - the decorators hold it
    return account

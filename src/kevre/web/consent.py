"""The consent screen of OAuth 2: what an application asks, in plain words; two equal answers.

OAuth 2.1: the code flow with PKCE (RFC 7636, S256) and nothing else; the rest is allauth's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from allauth.idp.oidc.views import AuthorizationView
from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import get_language, gettext_noop, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from kevre.model.errors import Malformed, Refused
from kevre.model.step import Resolution
from kevre.places.series import Series
from kevre.rights import application as applications
from kevre.rights import consent
from kevre.rights.account import Account
from kevre.rights.application import Application
from kevre.web import words

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_SPANS_DAYS = (1, 7, 30, 90, 180, 365, 730, 1_095)
RESOLUTIONS: dict[Resolution, Promise] = {
    Resolution.RAW: _("every reading as it was measured"),
    Resolution.TEN_MINUTES: _("one value for ten minutes"),
    Resolution.HALF_HOUR: _("one value for half an hour"),
    Resolution.HOUR: _("one value for an hour"),
    Resolution.DAY: _("one value for a day"),
    Resolution.WEEK: _("one value for a week"),
    Resolution.MONTH: _("one value for a month"),
    Resolution.YEAR: _("one value for a year"),
}
# What each of the finer ones can tell of a home.
REVEALS: dict[bool, Promise] = {
    True: _("So fine a curve can show when somebody is at home, sleeps or cooks."),
    False: _("This shows how much is used, not what is done at which hour."),
}


class SiteChoice(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # takes none at run time
    """Names a site with the series that are meant."""

    paths: Sequence[str] = ("",)

    def label_from_instance(self, obj: Any) -> str:
        """Give the name of a site, and what is measured there."""
        every = Series.objects.filter(point__site=obj).order_by("urn")
        asked = [words.series_name(one) for one in every if one.path.startswith(tuple(self.paths))]
        return f"{obj.name}: {', '.join(dict.fromkeys(asked)) or words.DASH}"


class ConsentForm(forms.Form):
    """Which sites, how finely, for how long; no site is chosen beforehand."""

    request = forms.CharField(widget=forms.HiddenInput)
    sites = SiteChoice(
        queryset=None, widget=forms.CheckboxSelectMultiple, label=_("Which sites, which series")
    )
    resolution = forms.ChoiceField(label=_("How finely, at most"))
    days = forms.TypedChoiceField(label=_("For how long"), coerce=int)

    def __init__(
        self,
        *args: Any,
        user: Account,
        application: Application,
        requested_scopes: Sequence[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        sites: Any = self.fields["sites"]
        sites.queryset, sites.paths = consent.sites(user), application.paths
        asked = min(map(applications.resolution_of, requested_scopes), key=lambda one: one.least_s)
        coarser = [one for one in application.resolutions if one.least_s >= asked.least_s]
        chosen: Any = self.fields["resolution"]
        chosen.choices = [(one.value, RESOLUTIONS[one]) for one in coarser]
        spans = [one for one in _SPANS_DAYS if one < application.lasts_days]
        lasting: Any = self.fields["days"]
        lasting.choices = [(one, days_text(one)) for one in (*spans, application.lasts_days)]
        lasting.initial = application.lasts_days


class ConsentView(AuthorizationView):  # type: ignore[misc]  # allauth has no types
    """Asks the person, makes the grants, sends the code back."""

    form_class = ConsentForm
    template_name = "consent.html"
    _application: Application

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show what is asked; a request that is not whole gets no screen."""
        self._find(request.GET.get("client_id", ""))
        fault = _fault(request)
        if fault:
            return self._told(request, fault)
        answer: HttpResponse = super().get(request, *args, **kwargs)
        return answer

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Take the answer."""
        if "request" not in request.POST:
            raise Malformed("consent.request", gettext_noop("This request is not whole."))
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer

    def get_form_kwargs(self) -> dict[str, Any]:
        """Give the form what it needs to know."""
        self._find(self._request_info["client_id"])
        return dict(super().get_form_kwargs()) | {"application": self._application}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the person reads."""
        found = self._application
        asked = Resolution(found.finest)
        shown = {
            "here": "consent",
            "application": found,
            "finest": RESOLUTIONS[asked],
            "reveals": REVEALS[asked.least_s < Resolution.DAY.least_s],
            "lasts": days_text(found.lasts_days),
            "back": days_text(found.back_days) if found.back_days else "",
            "has_sites": consent.sites(self.request.user).exists(),
            "leads_to": urlsplit(self._request_info["redirect_uri"]).netloc or found.party.name,
        }
        return dict(super().get_context_data(**kwargs)) | shown

    def form_valid(self, form: ConsentForm) -> HttpResponse:
        """Make the grants, then the code; both or neither."""
        wanted = form.cleaned_data
        resolution = Resolution(wanted["resolution"])
        choice = consent.Choice(resolution, wanted["days"], get_language() or "fr")
        with transaction.atomic():
            consent.give(
                self.request.user, self._application, wanted["sites"], choice, timezone.now()
            )
            # The scope of the token is that of the grants.
            wanted["scopes"] = [applications.scope(resolution)]
            answer: HttpResponse = super().form_valid(form)
        return answer

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Let the form lead on to the application, whose address was registered."""
        answer: HttpResponse = super().render_to_response(context, **kwargs)
        where = urlsplit(self._request_info["redirect_uri"])
        is_web = where.scheme in {"http", "https"}
        source = f"{where.scheme}://{where.netloc}" if is_web else f"{where.scheme}:"
        answer._csp_update = {"form-action": [source]}  # type: ignore[attr-defined]  # noqa: SLF001 - django-csp's way
        answer["Cache-Control"] = "no-store"
        return answer

    def _skip_consent(self) -> HttpResponse:
        raise Refused("consent.skipped", gettext_noop("Consent is never taken for granted."))

    def _find(self, client_id: str) -> None:
        found = applications.of_client(client_id)
        if found is None:
            raise Malformed(
                "consent.client",
                gettext_noop("No such application is registered here."),
                hint=gettext_noop("Go back, and tell those who run it."),
            )
        self._application = found

    def _told(self, request: HttpRequest, fault: str) -> HttpResponse:
        """Send an error back, to a registered address only."""
        where = request.GET.get("redirect_uri", "")
        if where not in self._application.client.get_redirect_uris():
            raise Malformed("consent.redirect", gettext_noop("This address is not registered."))
        told = {"error": fault}
        if "state" in request.GET:
            told["state"] = request.GET["state"]
        answer = HttpResponse(status=302)
        answer["Location"] = f"{where}{'&' if '?' in where else '?'}{urlencode(told)}"
        return answer


def days_text(days: int) -> str:
    """Write a number of days, in years where they are whole."""
    if days % 365 == 0:
        years = days // 365
        return str(ngettext_lazy("%(count)s year", "%(count)s years", years) % {"count": years})
    return str(ngettext_lazy("%(count)s day", "%(count)s days", days) % {"count": days})


def _fault(request: HttpRequest) -> str:
    """Name what RFC 6749 calls an error of the request; nothing if it is whole."""
    challenge = request.GET.getlist("code_challenge")
    methods = request.GET.getlist("code_challenge_method")
    if methods != ["S256"] or len(challenge) != 1 or not _CHALLENGE.match(challenge[0]):
        return "invalid_request"
    if "none" in request.GET.get("prompt", "").split():
        return "consent_required"
    return ""


page = ConsentView.as_view()

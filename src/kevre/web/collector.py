"""The pages of collectors: how each stands, and for operators what it should do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from babel.numbers import format_decimal
from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from kevre.flow import invite
from kevre.flow.collector import Collector
from kevre.model.errors import Missing
from kevre.model.window import PARIS
from kevre.places.point import MeteringPoint
from kevre.rights import role
from kevre.rights.account import Account
from kevre.rights.role import Power
from kevre.web import words
from kevre.web.visit import Visit, visit

_CLOCKS: dict[str, Promise] = {
    "unset": _("not set yet"),
    "node": _("set by the node"),
    "synchronised": _("synchronised"),
    "held": _("held: its machine's clock is not to be trusted"),
}
_CONDITIONS: dict[str, Promise] = {
    "starting": _("starting"),
    "running": _("running"),
    "failing": _("failing"),
    "stopped": _("stopped"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One collector as a line of the page; what is not known is an empty text."""

    collector: Collector
    heard: str
    waiting: str
    each: str
    clock: str
    version: str
    failing: tuple[str, ...]
    is_silent: bool
    refusal: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    devices: tuple[tuple[str, str, str, str], ...] = field(default=())


class NewForm(forms.Form):
    """What a new collector is called, and what it may write."""

    name = forms.CharField(label=_("Name"), max_length=80)
    points = forms.CharField(
        label=_("Metering points, one URN a line"), widget=forms.Textarea({"rows": 3})
    )

    def __init__(self, account: Account | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._account = account

    def clean_points(self) -> list[MeteringPoint]:
        """Find the points; all must be in the registry, and where the account may do so."""
        urns = {line.strip() for line in self.cleaned_data["points"].splitlines() if line.strip()}
        found = list(_managed_points(self._account).filter(urn__in=urns))
        if len(found) != len(urns) or not urns:
            raise forms.ValidationError(gettext("A metering point is not registered here."))
        return found


class SettingForm(forms.Form):
    """What a collector should do, and when somebody is told that it is silent."""

    configuration = forms.CharField(
        label=_("Configuration, in TOML; empty for that of its own file"),
        widget=forms.Textarea({"rows": 16, "spellcheck": "false"}),
        max_length=60_000,
        required=False,
        strip=False,
    )
    silent_after_min = forms.IntegerField(
        label=_("Minutes of silence after which somebody is told; 0 for nobody"),
        min_value=0,
        max_value=100_000,
    )
    alert_to = forms.EmailField(
        label=_("Address that is told; empty for the operators of the node"), required=False
    )


@never_cache
def fleet(request: HttpRequest) -> HttpResponse:
    """List the collectors that the reader looks after; an operator makes another here."""
    look = visit(request)
    account = look.reader.account
    form = NewForm(account, request.POST or None)
    manages = role.may(account, Power.COLLECTORS)
    if request.method == "POST" and manages and form.is_valid():
        collector = Collector.objects.create(name=form.cleaned_data["name"])
        collector.points.set(form.cleaned_data["points"])
        _give_code(request, collector, look)
        return redirect("web:collector", collector.pk)
    view = {
        "here": "collectors",
        "rows": [_row(look, one) for one in _seen(look)],
        "form": form if manages else None,
    }
    return render(request, "collectors.html", view)


@never_cache
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one collector; an operator changes what it should do, or pairs it anew."""
    look = visit(request)
    collector = next((one for one in _seen(look) if one.pk == pk), None)
    if collector is None:
        raise _absent()
    form = SettingForm(request.POST or None, initial=_initial(collector))
    manages = _manages(look.reader.account, collector)
    if request.method == "POST" and manages:
        if "pair" in request.POST:
            _give_code(request, collector, look)
            return redirect("web:collector", pk)
        if form.is_valid():
            _change(collector, form.cleaned_data)
            messages.success(request, gettext("Saved; it takes effect with the next call."))
            return redirect("web:collector", pk)
    view = {
        "here": "collectors",
        "row": _row(look, collector),
        "points": collector.points.all(),
        "form": form if manages else None,
    }
    return render(request, "collector.html", view)


def _seen(look: Visit) -> list[Collector]:
    """Give the collectors of a reader: those where it has the power, and those of its own sites.

    Raises:
        Missing: a guest has none, and is not told whether there are any.
    """
    account = look.reader.account
    if account is None:
        raise _absent()
    found = Collector.objects.select_related("key")
    if not look.reader.is_operator:
        own = Q(site__party__memberships__account=account) | Q(pk__in=_managed_points(account))
        near = MeteringPoint.objects.filter(own).values("pk")
        found = (found.filter(points__in=near) | found.filter(key__points__in=near)).distinct()
    return list(found)


def _managed_points(account: Account | None) -> QuerySet[MeteringPoint]:
    """Give the points whose collectors an account sets up; those of no site for operators alone."""
    if account is not None and account.is_superuser:
        return MeteringPoint.objects.all()
    places = role.territories(account, Power.COLLECTORS).values("pk")
    return MeteringPoint.objects.filter(site__territory__in=places)


def _manages(account: Account | None, collector: Collector) -> bool:
    """Say whether an account sets a collector up: it has the power where every point stands."""
    if account is not None and account.is_superuser:
        return True
    written = Q(pk__in=collector.points.values("pk")) | Q(keys=collector.key_id)
    points = set(MeteringPoint.objects.filter(written).values_list("pk", flat=True))
    managed = _managed_points(account).filter(pk__in=points).values_list("pk", flat=True)
    return bool(points) and points == set(managed)


def _row(look: Visit, collector: Collector) -> Row:
    state: dict[str, Any] = collector.state
    devices = state.get("devices", ())
    sent, crossed = state.get("sent", 0), state.get("bytes", 0)
    each = words.number_text(round(crossed / sent, 1), look.locale) if sent else ""
    heard = collector.heard_at
    return Row(
        collector,
        words.clock_text(heard, PARIS, look.now, look.locale) if heard else "",
        format_decimal(state.get("waiting", 0), locale=look.locale),
        each,
        str(_CLOCKS.get(state.get("clock", ""), "")),
        state.get("version", ""),
        tuple(name for name, _driver, how, _error in devices if how == "failing"),
        collector.is_silent(look.now),
        state.get("refusal", ""),
        tuple(_facts(look, state)),
        tuple(
            (name, driver, str(_CONDITIONS.get(how, how)), error)
            for name, driver, how, error in devices
        ),
    )


def _facts(look: Visit, state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    names = (
        ("sent", gettext("Readings kept by the node")),
        ("bytes", gettext("Bytes on the wire for them")),
        ("merged", gettext("Left out, as they said nothing new")),
        ("thinned", gettext("Made coarser, as its spool was full")),
        ("dropped", gettext("Dropped, as its spool was full")),
        ("unset", gettext("Waiting for the time")),
        ("set_aside", gettext("Refused by the node, set aside")),
        ("damaged", gettext("Damaged spools, moved aside")),
    )
    for name, label in names:
        yield label, format_decimal(state.get(name, 0), locale=look.locale)


def _initial(collector: Collector) -> dict[str, object]:
    return {
        "configuration": collector.configuration,
        "silent_after_min": collector.silent_after_s // 60,
        "alert_to": collector.alert_to,
    }


def _change(collector: Collector, wanted: dict[str, Any]) -> None:
    collector.configure(wanted["configuration"].replace("\r\n", "\n"))
    collector.silent_after_s = 60 * wanted["silent_after_min"]
    collector.alert_to = wanted["alert_to"]
    collector.save(update_fields=("silent_after_s", "alert_to"))


def _give_code(request: HttpRequest, collector: Collector, look: Visit) -> None:
    code = invite.invite(collector, look.now)
    told = gettext(
        "Type on the machine, within an hour: kevre-collect pair %(code)s --node %(node)s"
    )
    node = request.build_absolute_uri("/").rstrip("/")
    messages.info(request, told % {"code": code, "node": node})


def _absent() -> Missing:
    return Missing(
        "collector.absent",
        gettext_noop("There is no such collector here, or you may not see it."),
        hint=gettext_noop("Operators see all, members of a party those of its sites."),
    )

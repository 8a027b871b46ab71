"""The page of the tray: inputs that nobody knows yet, and what they may measure."""

from __future__ import annotations

import time
from dataclasses import dataclass

from babel.numbers import format_decimal
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from kevre.flow import input as inputs
from kevre.flow import tray, way
from kevre.flow.input import Input, State
from kevre.model import identifier
from kevre.model import unit as units
from kevre.model.errors import KevreError, Malformed, Missing
from kevre.places.point import MeteringPoint
from kevre.quality import proposal
from kevre.rights.key import Key
from kevre.web import words
from kevre.web.visit import Visit, visit

_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One input as a card of the page."""

    input: Input
    sender: str
    readings: str
    thinned: str
    refused: str
    span: str
    heard: str
    form: DecisionForm


class DecisionForm(forms.Form):
    """What an input measures, of which part, in which unit, at which point."""

    path = forms.ChoiceField(label=_("What it measures"))
    part = forms.CharField(
        label=_("Of which part; empty for the whole"), max_length=40, required=False
    )
    unit = forms.ChoiceField(label=_("Unit of its numbers"))
    point = forms.ChoiceField(label=_("Metering point"))
    is_signed = forms.BooleanField(
        label=_("Below zero it flows the other way: keep both directions"),
        required=False,
        label_suffix="",
    )

    def __init__(
        self, found: Input, points: list[MeteringPoint], given: QueryDict | None = None
    ) -> None:
        super().__init__(given, prefix=f"i{found.pk}", auto_id=f"i{found.pk}_%s")
        guess = found.proposal
        part = identifier.part_of(guess.path) if guess.path else ""
        family = guess.path.removesuffix(f"/{part}") if part else guess.path
        self.initial = {
            "path": family,
            "part": part,
            "unit": guess.unit,
            "is_signed": guess.is_signed,
            "point": points[0].urn if points else "",
        }
        self.fields["path"].choices = [("", "—"), *_paths()]  # type: ignore[attr-defined]  # a choice field
        symbols = [(one, words.symbol(one)) for one in units.UNITS]
        self.fields["unit"].choices = [("", "—"), *symbols]  # type: ignore[attr-defined]
        self.fields["point"].choices = [(one.urn, str(one)) for one in points]  # type: ignore[attr-defined]


@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Show what waits, and let a person decide."""
    look = visit(request)
    seen = _seen(look)
    if request.method == "POST":
        failed = _decided(request, seen)
        if failed is None:
            return redirect("web:tray")
    else:
        failed = None
    undecided = [one for one in seen if one.state == State.WAITING]
    view = {
        "here": "tray",
        "rows": [_row(look, one, failed) for one in undecided[:_MOST_SHOWN]],
        "more": max(len(undecided) - _MOST_SHOWN, 0),
        "decided": [_row(look, one, None) for one in seen if one.state != State.WAITING],
    }
    return render(request, "tray.html", view)


def _seen(look: Visit) -> list[Input]:
    """Give the inputs of a reader: all for an operator, those at its own points for a member.

    Raises:
        Missing: a guest has none, and is not told whether there are any.
    """
    account = look.reader.account
    if account is None:
        raise Missing(
            "tray.absent",
            gettext_noop("There is nothing here, or you may not see it."),
            hint=gettext_noop("Sign in: the tray is for who looks after the meters."),
        )
    found = Input.objects.select_related("point")
    if not look.reader.is_operator:
        own = MeteringPoint.objects.filter(site__party__memberships__account=account)
        keys = Key.objects.filter(points__in=own).exclude(
            points__in=MeteringPoint.objects.exclude(pk__in=own.values("pk"))
        )
        found = found.filter(lineage__in=keys.values("lineage"))
    return list(found)


def _decided(request: HttpRequest, seen: list[Input]) -> tuple[int, DecisionForm] | None:
    """Do what a person asked for; give the form back that cannot be done."""
    asked = str(request.POST.get("accept") or request.POST.get("refuse") or "")
    found = next((one for one in seen if str(one.pk) == asked), None)
    if found is None:
        raise Missing("input.absent", gettext_noop("There is no such input, or not any more."))
    if "refuse" in request.POST:
        tray.refuse(found)
        messages.info(request, gettext("Refused: %(name)s") % {"name": found})
        return None
    points = inputs.points_of(found.lineage)
    form = DecisionForm(found, points, request.POST)
    if not form.is_valid():
        return found.pk, form
    try:
        _accept(found, points, form)
    except KevreError as error:
        hint = f" ({gettext(error.hint)})" if error.hint else ""
        form.add_error(None, f"{gettext(error.message)}{hint}")
        return found.pk, form
    messages.success(request, gettext("Accepted: %(name)s") % {"name": found})
    return None


def _accept(found: Input, points: list[MeteringPoint], form: DecisionForm) -> None:
    wanted = form.cleaned_data
    point = next(one for one in points if one.urn == wanted["point"])
    part = proposal.part(wanted["part"])
    path = f"{wanted['path']}/{part}" if part else wanted["path"]
    kind = identifier.kind_of(path)
    if kind is not None and units.unit(wanted["unit"]).base != kind.unit:
        raise Malformed("input.unit", gettext_noop("this unit does not fit that quantity"))
    inputs.decide(found, point, path, wanted["unit"], is_signed=wanted["is_signed"])
    tray.drain(way.current().gate, int(time.time()))


def _row(look: Visit, found: Input, failed: tuple[int, DecisionForm] | None) -> Row:
    key = inputs.keys_of(found.lineage).first()
    points = inputs.points_of(found.lineage)
    form = failed[1] if failed and failed[0] == found.pk else DecisionForm(found, points)
    span = ""
    if found.least is not None and found.most is not None:
        low = words.number_text(found.least, look.locale)
        high = words.number_text(found.most, look.locale)
        span = f"{low} {words.DASH} {high}" if low != high else low
    return Row(
        found,
        key.origin if key else "",
        format_decimal(found.waiting, locale=look.locale),
        format_decimal(found.thinned, locale=look.locale) if found.thinned else "",
        format_decimal(found.refused, locale=look.locale) if found.refused else "",
        f"{span} {found.said_unit}".strip(),
        words.ago_text(found.heard_at, look.now, look.locale),
        form,
    )


def _paths() -> list[tuple[str, str]]:
    """Give the quantities that an input can be, by their names for people."""
    named = [
        (path, f"{words.kind_name(kind)} ({path})")
        for path, kind in identifier.KINDS.items()
        if kind.statistic in inputs.STATISTICS
    ]
    return sorted(named, key=lambda one: one[1])

"""The page of the quarantine: what could not be kept, and what to do about it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from kevre.flow import quarantine, way
from kevre.flow.quarantine import Group, Wanted
from kevre.flow.replay import Mending, replay
from kevre.model import unit as units
from kevre.model.errors import KevreError, Missing
from kevre.web import words
from kevre.web.visit import Visit, visit

_MOST_SHOWN = 40
# What the gate says most often, for people; the rest stands as it was said.
_REASONS = {
    "reading.bound": (
        _("A value that cannot be true"),
        _("Check the unit; some devices write 65535 or -1 where they have none."),
    ),
    "reading.time": (
        _("A time that cannot be"),
        _("Check the clock and the time zone of what sends."),
    ),
    "reading.contradicts": (
        _("Two values for one instant"),
        _("The later one was kept."),
    ),
    "series.not_yours": (
        _("A metering point that this key may not write"),
        _("Add the point to the key, then replay."),
    ),
    "series.not_in_scope": (
        _("A quantity that this key may not write"),
        _("Widen the key, then replay."),
    ),
    "series.unknown": (_("A series that nobody knows"), _("Enter it, then replay.")),
    "series.other_kind": (
        _("Another quantity or unit than the series has"),
        _("Say in which unit or to which series they belong, then replay."),
    ),
    "series.of_another": (
        _("A series that somebody else brought first"),
        _("Two sources measure under one name: give one of them another."),
    ),
    "feed.not_granted": (
        _("A peer may not send this any more"),
        _("Ask its holder for a grant."),
    ),
}
_FILTERS = ("origin", "code", "series")


@dataclass(frozen=True, slots=True)
class Row:
    """One group of lines as a card of the page."""

    group: Group
    title: str
    said: str
    hint: str
    lines: str
    count: str
    when: str


@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Show what waits in quarantine, and do what an operator asks for."""
    look = visit(request)
    if not look.reader.is_operator:
        raise Missing(
            "quarantine.hidden",
            gettext_noop("There is nothing here, or you may not see it."),
            hint=gettext_noop("Sign in: the quarantine is for who runs this node."),
        )
    if request.method == "POST":
        _do(request)
        return redirect(request.get_full_path())
    asked = {name: request.GET.get(name, "")[:200] for name in _FILTERS}
    found = quarantine.groups(Wanted(**asked), _MOST_SHOWN + 1)
    view = {
        "here": "quarantine",
        "rows": [_row(look, one) for one in found[:_MOST_SHOWN]],
        "is_more": len(found) > _MOST_SHOWN,
        "asked": asked,
        "is_filtered": any(asked.values()),
        "units": [(one, words.symbol(one)) for one in units.UNITS],
    }
    return render(request, "quarantine.html", view)


def _do(request: HttpRequest) -> None:
    given = {name: str(request.POST.get(name, ""))[:200] for name in ("origin", "code", "of")}
    wanted = Wanted(given["origin"], given["code"], urn=given["of"])
    if "forget" in request.POST:
        count = quarantine.forget(wanted, visit(request).now)
        messages.info(request, gettext("%(count)s lines forgotten.") % {"count": count})
        return
    mending = Mending(
        str(request.POST.get("urn", "")).strip(),
        str(request.POST.get("unit", "")),
        "is_doubtful" in request.POST,
    )
    try:
        done = replay(way.current().gate, wanted, mending, now_s=int(time.time()))
    except KevreError as error:
        hint = f" ({gettext(error.hint)})" if error.hint else ""
        messages.error(request, f"{gettext(error.message)}{hint}")
        return
    told = gettext("%(entered)s readings entered; %(returned)s faults went back.")
    facts = {"entered": done.entered, "returned": done.returned}
    messages.success(request, told % facts)


def _row(look: Visit, one: Group) -> Row:
    as_said = one.newest.message or one.code, one.newest.hint
    title, hint = _REASONS.get(one.code, as_said)
    said = one.newest.message if one.code in _REASONS else ""
    return Row(
        one,
        str(title),
        said,
        str(hint),
        words.number_text(one.lines, look.locale),
        words.number_text(one.count, look.locale),
        words.ago_text(one.newest.received_at, look.now, look.locale),
    )

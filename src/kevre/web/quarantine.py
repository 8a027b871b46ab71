"""The page of the quarantine: what could not be kept, and what to do about it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.cache import never_cache

from kevre.flow import quarantine, way
from kevre.flow.quarantine import Group, Wanted
from kevre.flow.replay import Mending, replay
from kevre.model import unit as units
from kevre.model.errors import KevreError, Missing
from kevre.web import words
from kevre.web.visit import Visit, visit

_MOST_SHOWN = 40
_FILTERS = ("origin", "code", "series")


@dataclass(frozen=True, slots=True)
class Row:
    """One group of lines as a card of the page."""

    group: Group
    message: str
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
    return Row(
        one,
        gettext(one.newest.message) if one.newest.message else one.code,
        gettext(one.newest.hint) if one.newest.hint else "",
        words.number_text(one.lines, look.locale),
        words.number_text(one.count, look.locale),
        words.ago_text(one.newest.received_at, look.now, look.locale),
    )

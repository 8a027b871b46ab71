"""The commands of Quoalise 0, version 1 and 2, and ours beside them: fields in, words out.

Sources: the nodes, fields, defaults and answers that the programs of the first federation use;
see docs/protocol/quoalise.md. A command knows no stanza; `bindings.xmpp` carries it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from kevre.federate import serve
from kevre.federate.contact import Contact
from kevre.flow import notice
from kevre.flow.read import Door
from kevre.model import identifier
from kevre.model.batch import Column
from kevre.model.errors import Malformed, Missing
from kevre.model.window import PARIS, Window, instant, midnight

MOST_READINGS = 5_000
_DIGITS = re.compile(r"[0-9]{1,6}\Z")
_PAGE = 1_000_000


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form (XEP-0004).

    Attributes:
        default: makes what stands in the form when it is asked for, and counts when left out.
    """

    name: str
    label: str
    kind: str = "text-single"
    is_required: bool = True
    default: Callable[[datetime], str] | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks what, over which readings."""

    door: Door
    contact: Contact
    fields: Mapping[str, str]
    now: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer says.

    Attributes:
        label: what was done.
        columns: readings, one series each; None where the command gives none.
        fields: more fields of the answer's form, each with its lines.
        v1_start_s: the start of the period asked for, where the answer is of version 1.
    """

    label: str
    columns: tuple[Column, ...] | None = None
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    v1_start_s: int | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """One node of the list of commands (XEP-0050)."""

    name: str
    title: str
    fields: tuple[Field, ...]
    run: Callable[[Asked], Outcome]


def checked(command: Command, given: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Give all fields of a command, with their defaults.

    Raises:
        Malformed: a required one is missing.
    """
    found: dict[str, str] = {}
    for one in command.fields:
        value = given.get(one.name, "").strip()
        if not value and one.default is not None:
            value = one.default(now)
        if not value and one.is_required:
            raise Malformed("command.field", "a field is missing", where=one.name)
        found[one.name] = value
    return found


def _midnight(days: int) -> Callable[[datetime], str]:
    return lambda now: midnight(_day(now, days), PARIS).astimezone(PARIS).isoformat()


def _date(days: int) -> Callable[[datetime], str]:
    return lambda now: _day(now, days).isoformat()


def _day(now: datetime, days: int) -> date:
    return now.astimezone(PARIS).date() + timedelta(days=days)


def _history(asked: Asked) -> Outcome:
    urn = asked.fields["identifier"]
    window = Window(_instant(asked, "start_time"), _instant(asked, "end_time"))
    return _readings(asked, urn, window)


def _records(asked: Asked) -> Outcome:
    """Version 1.5 named the period by days."""
    window = Window(_local(asked, "start_date"), _local(asked, "end_date"))
    return _readings(asked, asked.fields["identifier"], window)


def _readings(asked: Asked, urn: str, window: Window) -> Outcome:
    page = asked.fields.get("max_records", "")
    if page and not _DIGITS.match(page):
        raise Malformed("command.field", "this is not a number of records", where="max_records")
    most = min(int(page), MOST_READINGS) if page else MOST_READINGS
    whole = serve.history(
        asked.door, asked.contact, urn, window, asked.now, most=_PAGE if page else most
    )
    part = serve.first(whole, most)
    more: dict[str, tuple[str, ...]] = {}
    if len(part) < len(whole):
        following = datetime.fromtimestamp(whole.start_s[len(part)], UTC)
        more["next_start_time"] = (following.isoformat(),)
    return Outcome(f"Get {urn}", (part,), more)


def _curve_v1(asked: Asked) -> Outcome:
    return _v1(asked, "power/active/raw", "load curve")


def _daily_v1(asked: Asked) -> Outcome:
    return _v1(asked, "energy/active/daily", "daily data")


def _v1(asked: Asked, path: str, what: str) -> Outcome:
    direction = asked.fields["direction"]
    if direction not in {"consumption", "production"}:
        raise Malformed("command.field", "consumption or production", where="direction")
    urn = f"{identifier.prm_point(asked.fields['usage_point_id'])}_{direction}/{path}"
    window = Window(_local(asked, "start_date"), _local(asked, "end_date"))
    column = serve.history(asked.door, asked.contact, urn, window, asked.now, most=MOST_READINGS)
    return Outcome(f"Get {direction} {what}", (column,), v1_start_s=window.start_s)


def _subscribe(asked: Asked) -> Outcome:
    urn = asked.fields["identifier"]
    serve.subscribe(asked.contact, urn, asked.now, address=asked.contact.jid)
    return Outcome(f"Subscribe to {urn}")


def _unsubscribe(asked: Asked) -> Outcome:
    urn = asked.fields["identifier"]
    serve.unsubscribe(asked.contact.party, urn, asked.now, address=asked.contact.jid)
    return Outcome(f"Unsubscribe from {urn}")


def _list_series(asked: Asked) -> Outcome:
    after = asked.fields["after"]
    if not _DIGITS.match(after):
        raise Malformed("command.field", "this is not a number", where="after")
    page = serve.list_series(asked.contact, asked.now, after=int(after))
    more: dict[str, tuple[str, ...]] = {
        "identifiers": tuple(one.urn for one in page.series),
        "units": tuple(one.unit for one in page.series),
    }
    if page.following is not None:
        more["next_after"] = (str(page.following),)
    return Outcome("List series", fields=more)


def _list_grants(asked: Asked) -> Outcome:
    lines = tuple(
        f"{one.site.slug} {one.path_prefix or '*'} {one.finest} "
        f"until {one.valid_until.isoformat() if one.valid_until else 'withdrawn'}: {one.purpose}"
        for one in serve.list_grants(asked.contact, asked.now)
    )
    return Outcome("List grants", fields={"grants": lines})


def _list_subscriptions(asked: Asked) -> Outcome:
    living = serve.list_subscriptions(asked.contact.party, asked.contact.jid)
    return Outcome(
        "List subscriptions", fields={"identifiers": tuple(one.selector for one in living)}
    )


def _confirm_notice(asked: Asked) -> Outcome:
    number, done = asked.fields["number"], asked.fields["done"]
    if not number.isdecimal():
        raise Malformed("command.field", "this is not a number", where="number")
    mine = serve.list_subscriptions(asked.contact.party, asked.contact.jid)
    said = [(int(number), done)]
    if not sum(notice.receipt(one, said, asked.now) for one in mine):
        raise Missing("command.notice", "no notice of this number waits for a receipt")
    return Outcome("Confirm notice")


def _instant(asked: Asked, name: str) -> datetime:
    try:
        return instant(asked.fields[name])
    except Malformed as error:
        error.where = name
        raise


def _local(asked: Asked, name: str) -> datetime:
    try:
        return midnight(date.fromisoformat(asked.fields[name]), PARIS)
    except ValueError as error:
        raise Malformed(
            "command.date", "this is not a day", where=name, hint="2026-01-31"
        ) from error


_IDENTIFIER = Field("identifier", "Identifier of the series")
_PAGING = Field("max_records", "Most records in one answer", is_required=False)
_PERIOD = (
    Field("start_time", "Start", default=_midnight(-1)),
    Field("end_time", "End, not included", default=_midnight(0)),
)
_DAYS = (
    Field("start_date", "First day", default=_date(-1)),
    Field("end_date", "Day after the last", default=_date(0)),
)
_POINT = (
    Field("usage_point_id", "Metering point, 14 digits"),
    Field(
        "direction",
        "Direction",
        "list-single",
        default=lambda _: "consumption",
        options=("consumption", "production"),
    ),
)
_DAILY = (
    Field("start_date", "First day", default=_date(-30)),
    Field("end_date", "Day after the last", default=_date(-15)),
)
_AFTER = Field("after", "Continue after", is_required=False, default=lambda _: "0")

COMMANDS = {
    one.name: one
    for one in (
        Command("get_history", "Get history", (_IDENTIFIER, *_PERIOD, _PAGING), _history),
        Command("subscribe", "Subscribe", (_IDENTIFIER,), _subscribe),
        Command("unsubscribe", "Unsubscribe", (_IDENTIFIER,), _unsubscribe),
        Command("list_series", "List series", (_AFTER,), _list_series),
        Command("list_grants", "List grants", (), _list_grants),
        Command("list_subscriptions", "List subscriptions", (), _list_subscriptions),
        Command(
            "confirm_notice",
            "Confirm notice",
            (Field("number", "Number of the notice"), Field("done", "What was done")),
            _confirm_notice,
        ),
        Command("get_measurements", "Get measurements", (_IDENTIFIER, *_DAYS), _records),
        Command("get_records", "Get records", (_IDENTIFIER, *_DAYS), _records),
        Command("get_load_curve", "Get load curve", (*_POINT, *_DAYS), _curve_v1),
        Command("get_consumption_load_curve", "Get load curve", (*_POINT, *_DAYS), _curve_v1),
        Command("get_daily", "Get daily data", (*_POINT, *_DAILY), _daily_v1),
    )
}

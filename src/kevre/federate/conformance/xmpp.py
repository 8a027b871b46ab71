"""The checks of Quoalise over XMPP; each asks by a connection of its own."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from kevre.federate import quoalise
from kevre.federate.bindings.xmpp import COMMANDS, FORM, Address
from kevre.federate.conformance.check import Broken, Check, NotTried, hold
from kevre.formats import quoalise as wire
from kevre.formats.quoalise import NAMESPACE
from kevre.model.errors import KevreError, Malformed, Missing, Refused

_ITEMS = "http://jabber.org/protocol/disco#items"
_WANTED = ("get_history", "subscribe", "unsubscribe")
_PERIOD = ("start_time", "end_time")


@dataclass(frozen=True, slots=True)
class Service:
    """The service that is held to the protocol, and who asks.

    Attributes:
        address: an account that the service lets in.
        jid: of the service, with its resource.
        urn: of a series that the account may read; empty if there is none.
    """

    address: Address
    jid: str
    urn: str

    @classmethod
    def at(cls, jid: str, address: Address, urn: str = "") -> Service:
        """Meet a service; without a series the first is taken that it lists."""
        met = cls(address, jid, urn)
        if urn:
            return met
        try:
            listed = told(met.ask("list_series"), "identifiers")
        except KevreError:
            listed = []
        return cls(address, jid, listed[0] if listed else "")

    def ask(self, name: str, **fields: str) -> Element:
        """Run a command directly."""
        return quoalise.ask(self.address, self.jid, name, fields)

    def series(self) -> str:
        """Give the series that is asked for."""
        if not self.urn:
            raise NotTried("the service lists no series: name one with --series")
        return self.urn

    def refuses(self, family: type[KevreError], name: str, **fields: str) -> None:
        """Hold that a command is refused in one way."""
        try:
            self.ask(name, **fields)
        except family:
            return
        except KevreError as error:
            raise Broken(f"refused otherwise: {error}") from error
        raise Broken("it was answered")


def told(answer: Element, name: str) -> list[str]:
    """Give the lines of a field of an answer's form."""
    for one in answer.iter(f"{{{FORM}}}field"):
        if one.get("var") == name:
            return [value.text or "" for value in one.iter(f"{{{FORM}}}value")]
    return []


def lists_commands(service: Service) -> None:
    """The commands are found by discovery."""
    query = Element(f"{{{_ITEMS}}}query", {"node": COMMANDS})
    answer = quoalise.exchange(service.address, service.jid, query, "get")
    nodes = {one.get("node") for one in answer.iter(f"{{{_ITEMS}}}item")}
    lacking = [name for name in _WANTED if name not in nodes]
    hold(that=not lacking, found=f"not listed: {lacking}")


def answers_both_ways(service: Service) -> None:
    """A command with its form, and one that asks for the form first, get the same."""
    direct = _records(service.ask("get_history", identifier=service.series()))
    first = quoalise.command_of(
        quoalise.exchange(service.address, service.jid, quoalise.request("get_history", None))
    )
    hold(that=first.get("status") == "executing", found=f"status {first.get('status')}")
    defaults = {name: "".join(told(first, name)) for name in _PERIOD}
    hold(that=all(defaults.values()), found=f"no default for {defaults}")
    fields = defaults | {"identifier": service.series()}
    request = quoalise.request("get_history", fields, first.get("sessionid", ""))
    second = quoalise.command_of(quoalise.exchange(service.address, service.jid, request))
    hold(that=second.get("status") == "completed", found=f"status {second.get('status')}")
    interactive = _records(second)
    hold(that=direct == interactive, found=f"{len(direct)} readings, then {len(interactive)}")


def gives_what_was_asked(service: Service) -> None:
    """Readings come beside the form, named and inside the period."""
    period = {"start_time": "2020-01-01T00:00:00Z", "end_time": "2090-01-01T00:00:00Z"}
    answer = service.ask("get_history", identifier=service.series(), max_records="10", **period)
    found = answer.find(f"{{{NAMESPACE}}}quoalise")
    hold(that=found is not None, found="no quoalise beside the form")
    parts = list(answer.iter(f"{{{NAMESPACE}}}data"))
    hold(that=len(parts) == 1, found=f"{len(parts)} data for one series")
    hold(that=parts[0].find(f"{{{NAMESPACE}}}meta") is not None, found="no meta")
    records = _records(answer)
    if not records:
        raise NotTried("the series has no readings")
    names = {name for name, _ in records}
    hold(that=names == {service.series()}, found=f"readings of {names}")
    hold(that=len(records) <= 10, found=f"{len(records)} readings, 10 were asked for")  # noqa: PLR2004


def tells_errors_apart(service: Service) -> None:
    """Each situation has its condition."""
    unknown = f"urn:dev:prm:{secrets.randbelow(10**14):014}_consumption/power/active/raw"
    service.refuses(Missing, f"get_{secrets.token_hex(4)}")
    service.refuses(Malformed, "get_history", identifier="urn:dev:prm:x")
    service.refuses(Malformed, "get_history", identifier=service.series(), start_time="soon")
    service.refuses(Refused, "get_history", identifier=unknown)
    service.refuses(Refused, "subscribe", identifier=unknown)


def subscribes_and_ends(service: Service) -> None:
    """Both succeed twice."""
    for name in ("subscribe", "subscribe", "unsubscribe", "unsubscribe"):
        answer = service.ask(name, identifier=service.series())
        hold(that=answer.get("status") == "completed", found=f"{name}: {answer.get('status')}")


def lists_subscriptions(service: Service) -> None:
    """What was subscribed to is listed while it lives."""
    service.ask("subscribe", identifier=service.series())
    listed = told(_known(service, "list_subscriptions"), "identifiers")
    service.ask("unsubscribe", identifier=service.series())
    after = told(_known(service, "list_subscriptions"), "identifiers")
    hold(that=service.series() in listed, found=listed)
    hold(that=service.series() not in after, found=after)


def lists_series(service: Service) -> None:
    """Series are listed with their units."""
    answer = _known(service, "list_series")
    names, units = told(answer, "identifiers"), told(answer, "units")
    hold(that=len(names) == len(units), found=f"{len(names)} names, {len(units)} units")
    hold(that=service.series() in names, found=f"{service.series()} is not among {len(names)}")


def answers_version_1(service: Service) -> None:
    """Version 1 gets the same values under its own name."""
    point, _, path = service.series().partition("_")
    if not point.startswith("urn:dev:prm:") or path != "consumption/power/active/raw":
        raise NotTried("the series is no consumption curve of a PRM")
    asked = {"usage_point_id": point[-14:], "direction": "consumption"}
    answer = service.ask("get_load_curve", **asked)
    names = [one.get("bn") for one in answer.iter() if one.get("bn")]
    hold(that=names in ([], [f"{point}_consumption_load"]), found=names)


def _known(service: Service, name: str, fields: Mapping[str, str] | None = None) -> Element:
    try:
        return service.ask(name, **dict(fields or {}))
    except Missing as error:
        raise NotTried(f"the service does not know {name}") from error


def _records(answer: Element) -> list[tuple[str, int]]:
    """Give the name and the instant of every reading in an answer."""
    found = answer.find(f"{{{NAMESPACE}}}quoalise")
    if found is None:
        return []
    read = wire.batch(found, now_s=0, origin="conformance", source="conformance")
    return [(one.series, start) for one in read.columns for start in one.start_s]


CHECKS: tuple[Check[Service], ...] = (
    Check("Quoalise: Commands", "commands are found by discovery", lists_commands),
    Check("Quoalise: Commands", "direct and interactive get the same", answers_both_ways),
    Check("Quoalise: Readings", "readings stand beside the form", gives_what_was_asked),
    Check("Quoalise: Errors", "each situation has its condition", tells_errors_apart),
    Check("Quoalise: Commands", "subscribing and ending succeed twice", subscribes_and_ends),
    Check("Quoalise: Commands", "subscriptions are listed", lists_subscriptions),
    Check("Quoalise: Commands", "series are listed with their units", lists_series),
    Check("Quoalise: Commands", "version 1 is answered", answers_version_1),
)

"""Quoalise seen from the other side: asks any service of it, and lets what it gives in.

Time-outs and broken links become `Unavailable`, refusals what they are; a service that passes on
an error of the operator behind it is named with that operator's code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Literal
from xml.etree.ElementTree import Element, SubElement

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout

from kevre.federate.bindings.xmpp import COMMANDS, FORM, Address
from kevre.formats import quoalise
from kevre.model.errors import KevreError, Malformed, Missing, Refused, Unavailable

Kind = Literal["get", "set"]
_PATIENCE_S = 10.0
# Operators behind a service can be slow.
_ANSWER_S = 90.0


def ask(address: Address, service: str, name: str, fields: Mapping[str, str]) -> Element:
    """Run one command of a service; give the `command` element that it answers with.

    Raises:
        Refused, Malformed, Missing: as the service answers.
        Unavailable: it does not, or the operator behind it refused.
    """
    return command_of(exchange(address, service, request(name, fields)))


def exchange(address: Address, service: str, content: Element, kind: Kind = "set") -> Element:
    """Send one stanza of type `iq`; give the one that answers it.

    Raises:
        Refused, Malformed, Missing: as the service answers.
        Unavailable: it does not, or the operator behind it refused.
    """
    return asyncio.run(_exchange(address, service, content, kind))


def command_of(answer: Element) -> Element:
    """Give the `command` element of an answer.

    Raises:
        Malformed: it holds none.
    """
    found = answer.find(f"{{{COMMANDS}}}command")
    if found is None:
        raise Malformed("quoalise.answer", "the service's answer holds no command")
    return found


def payload(answer: Element) -> Element | None:
    """Give the readings in an answer, or None."""
    return answer.find(f"{{{quoalise.NAMESPACE}}}quoalise")


def request(name: str, fields: Mapping[str, str] | None, session: str = "") -> Element:
    """Write a command: with a form, or without one to be asked for it."""
    about = {"node": name, "action": "execute"} | ({"sessionid": session} if session else {})
    command = Element(f"{{{COMMANDS}}}command", about)
    if fields is None:
        return command
    form = SubElement(command, f"{{{FORM}}}x", {"type": "submit"})
    for key, value in fields.items():
        entry = SubElement(form, f"{{{FORM}}}field", {"var": key})
        SubElement(entry, f"{{{FORM}}}value").text = value
    return command


async def _exchange(address: Address, service: str, content: Element, kind: Kind) -> Element:
    # The library takes the loop that runs when its client is made.
    return await _Caller(address).run(service, content, kind)


class _Caller(slixmpp.ClientXMPP):
    """One connection for one command."""

    def __init__(self, address: Address) -> None:
        super().__init__(f"{slixmpp.JID(address.jid).bare}/ask", address.password)
        self._address = address
        self._state: asyncio.Queue[str] = asyncio.Queue()
        if address.authority is not None:
            self.ca_certs = address.authority
        self.enable_direct_tls = False
        self.register_plugin("xep_0050")
        for event in ("session_start", "failed_all_auth", "connection_failed", "disconnected"):
            self.add_event_handler(event, self._noting(event))

    async def run(self, service: str, content: Element, kind: Kind) -> Element:
        """Sign in, ask, sign out."""
        self.connect(self._address.host or None, self._address.port or None)
        try:
            await self._signed_in()
            # Below zero: such a session gets no messages that are meant for the service.
            self.send_presence(ppriority=-1)
            iq: Any = self.make_iq(ito=service, itype=kind)
            iq.xml.append(content)
            answer = await iq.send(timeout=_ANSWER_S)
        except IqError as error:
            raise _error(error.iq) from error
        except IqTimeout as error:
            raise _silent() from error
        finally:
            self.cancel_connection_attempt()
            await self.disconnect(wait=1.0)
        found: Element = answer.xml
        return found

    async def _signed_in(self) -> None:
        try:
            state = await asyncio.wait_for(self._state.get(), _PATIENCE_S)
        except TimeoutError as error:
            raise _silent() from error
        if state == "failed_all_auth":
            raise Refused(
                "xmpp.sign_in", "the XMPP server refuses this account", hint="check its password"
            )
        if state != "session_start":
            raise Unavailable(
                "xmpp.unreachable",
                "the XMPP server does not answer",
                hint="check xmpp_server and its certificate",
            )

    def _noting(self, event: str) -> Any:
        def note(_: object) -> None:
            self._state.put_nowait(event)

        return note


def _error(iq: Any) -> KevreError:
    """Make of an error stanza the error that the service had."""
    text = str(iq["error"]["text"] or iq["error"]["condition"])[:200]
    upstream = iq.xml.find(f".//{{{quoalise.NAMESPACE}}}upstream-error")
    if upstream is not None:
        issuer, code = upstream.get("issuer", ""), upstream.get("code", "")
        return Unavailable("quoalise.upstream", text, where=f"{issuer} {code}".strip())
    condition = iq["error"]["condition"]
    if condition in {"not-authorized", "forbidden"}:
        return Refused("quoalise.refuses", text)
    if condition == "bad-request":
        return Malformed("quoalise.rejects", text)
    if condition in {"item-not-found", "feature-not-implemented"}:
        return Missing("quoalise.lacks", text)
    return Unavailable("quoalise.unavailable", text)


def _silent() -> Unavailable:
    return Unavailable("quoalise.silent", "the service does not answer", hint="try again later")

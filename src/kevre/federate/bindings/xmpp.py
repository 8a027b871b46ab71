"""The XMPP binding: ad-hoc commands (XEP-0050) that carry Quoalise, and its pushed messages.

A command is answered at once when the form comes with it, and with the form when it does not;
nothing is remembered between the two, so a session of one cannot be used by another. Who asks is
the bare JID that the servers authenticated.

A pushed frame is acknowledged when our own server has answered a ping sent after it: by then the
server has the messages, and keeps them for a receiver that is away. If it dies before, they are
sent again, which changes nothing at a receiver that keys readings by series and time.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import slixmpp
from asgiref.sync import sync_to_async
from django.db import close_old_connections
from slixmpp.exceptions import IqError, IqTimeout, XMPPError
from slixmpp.xmlstream.handler import CoroutineCallback
from slixmpp.xmlstream.matcher import MatchXPath, StanzaPath

from kevre.federate import command, contact, deliver
from kevre.federate.command import Asked, Command, Outcome
from kevre.federate.contact import Contact
from kevre.federate.deliver import Sender, gathered
from kevre.federate.identity import Identity
from kevre.flow import notice, outbox
from kevre.flow.accept import Writer
from kevre.flow.subscription import Subscription
from kevre.flow.way import Way
from kevre.formats import quoalise
from kevre.model.errors import Conflict, KevreError, Malformed, Missing, Refused, Unavailable

log = logging.getLogger(__name__)
COMMANDS = "http://jabber.org/protocol/commands"
FORM = "jabber:x:data"
PING_EVERY_S = 15
RETRY_S = 5.0
_PUSH_EVERY_S = 1.0
_PUSHED_AT_ONCE = 1_000
_PATIENCE_S = 30.0
# How our families of errors are told (RFC 6120, 8.3.3).
_CONDITIONS: dict[type[KevreError], tuple[str, str]] = {
    Malformed: ("bad-request", "modify"),
    Refused: ("not-authorized", "auth"),
    Missing: ("item-not-found", "cancel"),
    Conflict: ("conflict", "cancel"),
    Unavailable: ("resource-constraint", "wait"),
}


@dataclass(frozen=True, slots=True)
class Address:
    """The node's XMPP account.

    Attributes:
        jid: with its resource, which others address.
        host, port: of the server, where DNS does not tell; empty and 0 else.
        authority: file of the authority that signed the server's certificate; None for those
            of the system.
    """

    jid: str
    password: str
    host: str = ""
    port: int = 0
    authority: Path | None = None


class Service:
    """The node on XMPP, in a thread of its own; it comes back for as long as it is not closed."""

    def __init__(self, way: Way, own: Identity, address: Address) -> None:
        self._way = way
        self._own = own
        self._address = address
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="xmpp", daemon=True)

    def start(self) -> None:
        """Connect, and stay connected."""
        self._thread.start()

    def close(self) -> None:
        """Leave."""
        self._closing.set()
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        try:
            asyncio.run(self._stay())
        finally:
            close_old_connections()

    async def _stay(self) -> None:
        while not self._closing.is_set():
            session = _Session(self._way, self._own, self._address)
            try:
                await session.live(self._closing.is_set)
            except Exception:
                log.exception("xmpp session failed")
            for _ in range(int(RETRY_S * 10)):
                if self._closing.is_set():
                    return
                await asyncio.sleep(0.1)


class _Session(slixmpp.ClientXMPP):
    """One connection, from sign-in until it breaks."""

    def __init__(self, way: Way, own: Identity, address: Address) -> None:
        super().__init__(address.jid, address.password)
        self._way = way
        self._own = own
        self._address = address
        self._started = asyncio.Event()
        self._ended = asyncio.Event()
        if address.authority is not None:
            self.ca_certs = address.authority
        # Debian's Prosody speaks STARTTLS; trying direct TLS first would count as a failure.
        self.enable_direct_tls = False
        for plugin in ("xep_0030", "xep_0004", "xep_0050", "xep_0199"):
            self.register_plugin(plugin)
        self.remove_handler("Ad-Hoc Execute")
        self.register_handler(
            CoroutineCallback("command", StanzaPath("iq@type=set/command"), self._command)
        )
        self.add_event_handler("session_start", self._on_start)
        self.register_handler(
            CoroutineCallback(
                "pushed",
                MatchXPath(f"{{jabber:client}}message/{{{quoalise.NAMESPACE}}}quoalise"),
                self._on_message,
            )
        )
        for event in ("disconnected", "failed_all_auth", "connection_failed"):
            self.add_event_handler(event, self._on_end)

    async def live(self, is_closing: Callable[[], bool]) -> None:
        """Sign in, serve, push; return when the connection is gone."""
        host, port = self._address.host or None, self._address.port or None
        self.connect(host, port)
        try:
            await asyncio.wait_for(self._first(), _PATIENCE_S)
            while not self._ended.is_set() and not is_closing():
                await self._push()
                await asyncio.sleep(_PUSH_EVERY_S)
        finally:
            self.cancel_connection_attempt()
            await self.disconnect(wait=1.0)

    async def _first(self) -> None:
        waits = [asyncio.ensure_future(one.wait()) for one in (self._started, self._ended)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()

    async def _on_start(self, event: object) -> None:
        del event
        for one in command.COMMANDS.values():
            self.plugin["xep_0050"].add_command(node=one.name, name=one.title, handler=None)
        self.plugin["xep_0199"].enable_keepalive(interval=PING_EVERY_S, timeout=PING_EVERY_S)
        self.send_presence(ppriority=0)
        self._started.set()
        log.info("xmpp connected")

    def _on_end(self, event: object) -> None:
        log.info("xmpp connection ended", extra={"event": type(event).__name__})
        self._ended.set()

    async def _command(self, iq: Any) -> None:
        try:
            await self._answer(iq)
        except KevreError as error:
            _refuse(iq, error)
        except XMPPError as error:
            iq.exception(error)
        except Exception:
            log.exception("command failed")
            _refuse(iq, Unavailable("command.failed", "the node could not answer"))

    async def _answer(self, iq: Any) -> None:
        asked = iq.xml.find(f"{{{COMMANDS}}}command")
        name = asked.get("node", "")
        found = command.COMMANDS.get(name)
        if found is None:
            raise Missing("command.absent", "there is no such command", where=name[:40])
        jid = iq["from"].bare
        who = await sync_to_async(contact.named)(jid)
        if who is None:
            raise Refused("contact.unknown", "Unknown user")
        session = asked.get("sessionid") or self.new_id()
        form = asked.find(f"{{{FORM}}}x[@type='submit']")
        if asked.get("action") == "cancel":
            _reply(iq, _element(name, session, "canceled"))
        elif form is None and found.fields:
            reply = _element(name, session, "executing")
            reply.append(_form(found, datetime.now(UTC)))
            _reply(iq, reply)
        else:
            outcome = await sync_to_async(self._run_command)(found, who, _values(form))
            reply = _element(name, session, "completed")
            _fill(reply, found, outcome)
            _reply(iq, reply)

    def _run_command(self, found: Command, who: Contact, given: dict[str, str]) -> Outcome:
        now = datetime.now(UTC)
        Contact.objects.filter(pk=who.pk).update(heard_at=now)
        fields = command.checked(found, given, now)
        return found.run(Asked(self._way.door, who, fields, now))

    async def _push(self) -> None:
        server = slixmpp.JID(self.boundjid.domain)
        for held in await sync_to_async(_pushed)():
            if not await self._push_notices(held, server):
                return
            frames = await sync_to_async(self._next)(held)
            for cursor, messages in frames:
                if not await self._sent(held.address, messages, server):
                    return
                await sync_to_async(_sent)(held, cursor)

    async def _push_notices(self, held: Subscription, server: slixmpp.JID) -> bool:
        """Tell under what terms series are lent and which are no more, before any readings."""
        news = await sync_to_async(notice.unsent)(held, _PUSHED_AT_ONCE)
        if not news:
            return True
        said = [quoalise.notice(deliver.told(one).attributes()) for one in news]
        if not await self._sent(held.address, said, server):
            return False
        await sync_to_async(notice.sent)(news, datetime.now(UTC))
        return True

    async def _sent(self, address: str, messages: Sequence[Element], server: slixmpp.JID) -> bool:
        """Send messages; say whether our server has them all."""
        for one in messages:
            stanza = self.make_message(mto=address)
            stanza.xml.append(one)
            stanza.send()
        try:
            await self.plugin["xep_0199"].ping(server, timeout=_PATIENCE_S)
        except (IqError, IqTimeout):
            return False
        return True

    def _next(self, held: Subscription) -> list[tuple[int, list[Element]]]:
        after = held.acknowledged
        sender = Sender(self._way.door, self._own, held)
        made = []
        for one in gathered(sender.frames(after, datetime.now(UTC))):
            columns = [piece.column for piece in one.pieces if len(piece.column)]
            parts = (part for whole in columns for part in quoalise.chunks(whole, _PUSHED_AT_ONCE))
            made.append((one.cursor, [quoalise.element([part]) for part in parts]))
        return made

    async def _on_message(self, stanza: Any) -> None:
        """Take what another service pushes, if we asked for it."""
        found = stanza.xml.find(f"{{{quoalise.NAMESPACE}}}quoalise")
        if found is None or stanza["type"] == "error":
            return
        try:
            await sync_to_async(self._take)(stanza["from"].bare, found)
        except KevreError as error:
            log.warning("pushed data refused", extra={"code": error.code})
        except Exception:
            log.exception("pushed data failed")

    def _take(self, jid: str, found: Element) -> None:
        who = contact.named(jid)
        if who is None or who.source is None:
            raise Refused("contact.unknown", "nothing is taken from this address")
        take(self._way, who, found, datetime.now(UTC))


def take(way: Way, who: Contact, found: Element, now: datetime) -> int:
    """Let the readings of a `quoalise` element in by the gate; count those that are kept.

    Raises:
        Malformed: it holds no readings.
        Refused: nothing is taken from this contact.
    """
    if who.source is None:
        raise Refused("contact.unknown", "nothing is taken from this address")
    now_s = int(now.timestamp())
    origin = f"xmpp:{who.pk}"
    batch = quoalise.batch(found, now_s=now_s, origin=origin, source="quoalise")
    return way.gate.accept(batch, Writer.peer(origin, None, who.source), now_s=now_s).kept


def _pushed() -> list[Subscription]:
    living = Subscription.objects.select_related("party").filter(ended_at__isnull=True)
    return [one for one in living.exclude(address="") if contact.named(one.address)]


def _sent(held: Subscription, cursor: int) -> None:
    held.refresh_from_db()
    outbox.acknowledge(held, cursor)


def _reply(iq: Any, element: Element) -> None:
    answer = iq.reply(clear=True)
    answer.xml.append(element)
    answer.send()


def _refuse(iq: Any, error: KevreError) -> None:
    condition, kind = next(
        told for family, told in _CONDITIONS.items() if isinstance(error, family)
    )
    text = f"{error.message} ({error.hint})" if error.hint else error.message
    answer = iq.reply(clear=True)
    answer["error"]["type"] = kind
    answer["error"]["condition"] = condition
    answer["error"]["text"] = f"{error.where}: {text}" if error.where else text
    answer["type"] = "error"
    answer.send()


def _element(name: str, session: str, status: str) -> Element:
    return Element(f"{{{COMMANDS}}}command", {"node": name, "sessionid": session, "status": status})


def _form(found: Command, now: datetime) -> Element:
    form = Element(f"{{{FORM}}}x", {"type": "form"})
    _text(form, "title", found.title)
    for one in found.fields:
        about = {"var": one.name, "type": one.kind, "label": one.label}
        entry = _child(form, "field", about)
        if one.is_required:
            _child(entry, "required", {})
        if one.default is not None:
            _text(entry, "value", one.default(now))
        for option in one.options:
            _text(_child(entry, "option", {"label": option}), "value", option)
    return form


def _values(form: Element | None) -> dict[str, str]:
    if form is None:
        return {}
    return {
        one.get("var", ""): "\n".join(value.text or "" for value in one.iter(f"{{{FORM}}}value"))
        for one in form.iter(f"{{{FORM}}}field")
    }


def _fill(reply: Element, found: Command, outcome: Outcome) -> None:
    form = _child(reply, "x", {"type": "result"})
    _text(form, "title", found.title)
    done = _child(form, "field", {"var": "result", "type": "fixed", "label": outcome.label})
    _text(done, "value", "Success")
    for name, lines in outcome.fields.items():
        entry = _child(form, "field", {"var": name, "type": "text-multi"})
        for line in lines:
            _text(entry, "value", line)
    if outcome.columns is not None:
        reply.append(quoalise.element(outcome.columns, start_s=outcome.v1_start_s))


def _child(parent: Element, name: str, attributes: dict[str, str]) -> Element:
    child = Element(f"{{{FORM}}}{name}", attributes)
    parent.append(child)
    return child


def _text(parent: Element, name: str, text: str) -> None:
    _child(parent, name, {}).text = text

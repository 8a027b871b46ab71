"""The node's subscription to an MQTT broker: acknowledged after what it brought is on disk.

The broker keeps what this node did not acknowledge (QoS 1, a lasting session): through a
restart of either, and while the readings cannot be written. What is sent again and says its
own time changes nothing; what does not is stamped when it arrives.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import queue
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from django.db import DataError, close_old_connections

from kevre.collect.broker import unreachable
from kevre.collect.driver import lacking
from kevre.federate import identity
from kevre.flow import entrance
from kevre.flow.entrance import Parcel
from kevre.flow.way import Way
from kevre.formats import message as messages
from kevre.formats.message import Message
from kevre.model.errors import Malformed, Missing
from kevre.model.input import Posted
from kevre.model.reading import Fault
from kevre.node.config import Config
from kevre.rights.key import Key

if TYPE_CHECKING:
    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

log = logging.getLogger(__name__)

_KEEPALIVE_S = 60
_LOOK_S = 5
_LONGEST_PAUSE_S = 30
_MOST_WAITING = 10_000
_AT_ONCE = 1_000
_QOS = 1
_SOURCE = "mqtt"
# What a value can be at fault for; that a database is locked or full is not among it.
_ODD = (DataError, ValueError, TypeError, OverflowError)


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A message, and what is needed to acknowledge it on the connection that brought it."""

    message: Message
    number: int
    qos: int
    connection: int


def listener(config: Config, way: Way) -> Listener | None:
    """Give the subscription that the configuration asks for, not started; None for none.

    Raises:
        Malformed: the address, topics or key of it cannot be.
        Missing: paho-mqtt is not installed, or there is no such key.
    """
    if not config.mqtt_url:
        return None
    address = _address(config)
    key = Key.objects.filter(name=config.mqtt_key).first()
    if key is None:
        raise Missing(
            "key.absent", "there is no key of this name", where="mqtt_key", hint="kevre keys list"
        )
    own = hashlib.sha256(identity.hold(config.home).public.text.encode()).hexdigest()
    return Listener(way, address, config.mqtt_topics, key.name, f"kevre-{own[:12]}")


def look(config: Config) -> str:
    """Say whether the broker of the configuration is there.

    Raises:
        Malformed: its settings cannot be.
        Unavailable: nothing answers there.
    """
    address = _address(config)
    try:
        socket.create_connection((str(address.hostname), _port(address)), _LOOK_S).close()
    except OSError as error:
        raise unreachable(type(error).__name__) from error
    return f"answers; {len(config.mqtt_topics)} topics"


class Listener:
    """Listens in a thread of the library, writes in one of its own, until it is closed."""

    def __init__(
        self, way: Way, address: SplitResult, topics: Sequence[str], key: str, name: str
    ) -> None:
        self._way = way
        self._address = address
        self._topics = topics
        self._key = key
        self._arrived: queue.Queue[_Arrived] = queue.Queue(_MOST_WAITING)
        self._stop = threading.Event()
        self._connection = 0
        self._client = self._made(address, name)
        self._thread = threading.Thread(target=self._work, name="mqtt", daemon=True)

    def start(self) -> None:
        """Connect, now or when the broker is there."""
        host, port = str(self._address.hostname), _port(self._address)
        self._client.connect_async(host, port, _KEEPALIVE_S)
        self._client.loop_start()
        self._thread.start()

    def close(self) -> None:
        """Write what arrived, then leave; what is not acknowledged comes again next time."""
        self._stop.set()
        self._thread.join(timeout=30)
        self._client.disconnect()
        self._client.loop_stop()

    def _made(self, address: SplitResult, name: str) -> Client:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise lacking("paho-mqtt", "mqtt") from error
        client = Client(CallbackAPIVersion.VERSION2, name, clean_session=False, manual_ack=True)
        client.reconnect_delay_set(1, _LONGEST_PAUSE_S)
        if address.username:
            client.username_pw_set(unquote(address.username), unquote(address.password or ""))
        if address.scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context())
        client.on_connect, client.on_message = self._on_connect, self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    # The next three run in the thread of the library.

    def _on_connect(
        self, client: Client, _: object, __: ConnectFlags, code: ReasonCode, ___: Properties | None
    ) -> None:
        if code.is_failure:
            log.warning("broker refused", extra={"why": str(code)})
            return
        self._connection += 1
        client.subscribe([(topic, _QOS) for topic in self._topics])

    def _on_disconnect(
        self,
        _: Client,
        __: object,
        ___: DisconnectFlags,
        code: ReasonCode,
        ____: Properties | None,
    ) -> None:
        if code.is_failure:
            log.warning("broker lost", extra={"why": str(code)})

    def _on_message(self, _: Client, __: object, message: MQTTMessage) -> None:
        read = Message(
            message.topic, bytes(message.payload), int(time.time()), is_kept=message.retain
        )
        one = _Arrived(read, message.mid, message.qos, self._connection)
        # When the node cannot write, reading stops here, and the broker keeps the rest.
        while not self._stop.is_set():
            with contextlib.suppress(queue.Full):
                self._arrived.put(one, timeout=0.5)
                return

    def _work(self) -> None:
        pause_s = 1
        some: list[_Arrived] = []
        while not (self._stop.is_set() and not some and self._arrived.empty()):
            some = some or self._gathered()
            try:
                if some:
                    close_old_connections()
                    self._write(some)
            except Exception:
                log.exception("messages not written, tried again", extra={"pause_s": pause_s})
                if self._stop.wait(pause_s):
                    return
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            some, pause_s = [], 1
        close_old_connections()

    def _gathered(self) -> list[_Arrived]:
        some: list[_Arrived] = []
        with contextlib.suppress(queue.Empty):
            some.append(self._arrived.get(timeout=0.5))
            while len(some) < _AT_ONCE:
                some.append(self._arrived.get_nowait())
        return some

    def _write(self, some: Sequence[_Arrived]) -> None:
        """Let messages in; acknowledge them once they are on disk."""
        key = Key.objects.get(name=self._key, revoked_at=None)
        let_in(self._way, key, [one.message for one in some], int(time.time()))
        for one in some:
            # A number means another message on another connection.
            if one.qos and one.connection == self._connection:
                self._client.ack(one.number, one.qos)


def let_in(way: Way, key: Key, some: Sequence[Message], now_s: int) -> None:
    """Let in what messages say, as a key; durable when it returns.

    One that no code foresaw must not keep the others waiting for ever: it is quarantined.
    """
    try:
        _receive(way, key, _together([messages.read(one) for one in some]), now_s)
    except _ODD:
        log.exception("a message could not be kept")
        for one in some if len(some) > 1 else ():
            let_in(way, key, [one], now_s)
        if len(some) == 1:
            error = Malformed("message.odd", "this message could not be kept")
            raw = some[0].payload[:150].decode("utf-8", "replace")
            fault = Fault.of(error, line=1, field=some[0].topic[-80:], raw=raw)
            _receive(way, key, Posted((), (fault,)), now_s)


def _receive(way: Way, key: Key, posted: Posted, now_s: int) -> None:
    if not posted.values and not posted.faults:
        return
    content = repr((posted.values, posted.faults)).encode("utf-8", "replace")
    digest = hashlib.sha256(content).hexdigest()[:40]
    entrance.receive(way.gate, Parcel(posted, key, digest, _SOURCE), now_s)


def _together(posts: Sequence[Posted]) -> Posted:
    """Put what several messages said one after the other, numbered as they came."""
    numbered = list(enumerate(posts, 1))
    values = [replace(one, line=number) for number, post in numbered for one in post.values]
    faults = [replace(one, line=number) for number, post in numbered for one in post.faults]
    return Posted(tuple(values), tuple(faults), sum(post.nulls for post in posts))


def _address(config: Config) -> SplitResult:
    """Read where the broker is.

    Raises:
        Malformed: it cannot be there, or nothing is subscribed to.
    """
    address = urlsplit(config.mqtt_url)
    try:
        is_good = address.scheme in {"mqtt", "mqtts"} and address.hostname and address.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise Malformed(
            "mqtt.url",
            "mqtt_url is no address of a broker",
            where="mqtt_url",
            hint="mqtt://user:password@broker.example:1883, or mqtts://…",
        )
    if not config.mqtt_topics or not config.mqtt_key:
        raise Malformed(
            "mqtt.settings",
            "a broker needs topics, and the name of the key that its messages write by",
            where="mqtt_topics, mqtt_key",
            hint="see docs/operators/mqtt.md",
        )
    return address


def _port(address: SplitResult) -> int:
    return address.port or (8_883 if address.scheme == "mqtts" else 1_883)

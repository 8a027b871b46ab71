"""A subscription to an MQTT broker: connected, fed by the library's thread, read by ours."""

from __future__ import annotations

import contextlib
import queue
import ssl
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kevre.collect.driver import lacking
from kevre.model.errors import Malformed, Refused, Unavailable

if TYPE_CHECKING:
    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

_CONNECT_S = 10.0
_KEEPALIVE_S = 60
_MOST_WAITING = 2_000  # messages between two reads; beyond it the oldest are dropped


@dataclass(frozen=True, slots=True)
class Broker:
    """Where to subscribe, and as whom."""

    host: str
    port: int
    user: str = ""
    password_file: Path | None = None
    is_secure: bool = False


class Subscription:
    """One connection to a broker and what arrives on it, until it is lost or closed.

    It does not connect again by itself: whoever reads it is told, and decides.

    Raises:
        Missing: paho-mqtt is not installed.
        Unavailable: no broker there.
        Refused: it does not let this user in, or not to these topics.
    """

    def __init__(self, broker: Broker, topics: Sequence[str]) -> None:
        self._topics = topics
        self._arrived: queue.Queue[tuple[str, bytes]] = queue.Queue(_MOST_WAITING)
        self._is_settled = threading.Event()
        self._is_refused = False
        self.is_lost = False
        self.counts = Counter({"messages": 0, "dropped": 0})
        self._client = self._made(broker)
        try:
            self._client.connect(broker.host, broker.port, _KEEPALIVE_S)
        except (OSError, ValueError) as error:
            raise unreachable(type(error).__name__) from error
        self._client.loop_start()
        try:
            self._settle()
        except (Refused, Unavailable):
            self.close()
            raise

    def messages(self, wait_s: float) -> Iterator[tuple[str, bytes]]:
        """Give (topic, payload) of what arrived, waiting for the first."""
        with contextlib.suppress(queue.Empty):
            yield self._arrived.get(timeout=wait_s)
            while True:
                yield self._arrived.get_nowait()

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _made(self, broker: Broker) -> Client:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise lacking("paho-mqtt", "mqtt") from error
        client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        if broker.user:
            client.username_pw_set(broker.user, _password(broker.password_file))
        if broker.is_secure:
            client.tls_set_context(ssl.create_default_context())
        client.on_connect, client.on_subscribe = self._on_connect, self._on_subscribe
        client.on_disconnect, client.on_message = self._on_disconnect, self._on_message
        return client

    def _settle(self) -> None:
        """Wait until the broker took the subscription, or did not."""
        has_answered = self._is_settled.wait(_CONNECT_S)
        if self._is_refused:
            raise Refused(
                "mqtt.refused",
                "the broker does not let this user in, or not to this topic",
                hint="check user, password_file and the broker's access list",
            )
        if not has_answered or self.is_lost:
            raise unreachable("no answer")

    # What follows runs in the thread of the library, which must never wait.

    def _on_connect(
        self, client: Client, _: object, __: ConnectFlags, code: ReasonCode, ___: Properties | None
    ) -> None:
        if code.is_failure:
            self._is_refused = True
            self._is_settled.set()
            return
        client.subscribe([(topic, 0) for topic in self._topics])

    def _on_subscribe(
        self, _: Client, __: object, ___: int, codes: list[ReasonCode], ____: Properties | None
    ) -> None:
        self._is_refused = any(code.is_failure for code in codes)
        self._is_settled.set()

    def _on_disconnect(
        self,
        _: Client,
        __: object,
        ___: DisconnectFlags,
        ____: ReasonCode,
        _____: Properties | None,
    ) -> None:
        self.is_lost = True
        self._is_settled.set()

    def _on_message(self, _: Client, __: object, message: MQTTMessage) -> None:
        if message.retain:
            return
        self.counts["messages"] += 1
        while True:
            with contextlib.suppress(queue.Full):
                self._arrived.put_nowait((message.topic, bytes(message.payload)))
                return
            with contextlib.suppress(queue.Empty):
                self._arrived.get_nowait()
                self.counts["dropped"] += 1


def _password(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(
            "mqtt.password",
            "the password file cannot be read",
            where=path.name,
            hint="it holds the password alone, and this user may read it",
        ) from error


def unreachable(why: str) -> Unavailable:
    """Make the error of a broker that is not there, or no longer."""
    return Unavailable(
        "mqtt.unreachable",
        f"the broker is out of reach ({why})",
        hint="does it run, and does it listen beyond its own machine?",
    )

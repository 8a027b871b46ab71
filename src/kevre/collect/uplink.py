"""The way to a node: one POST of tightly written readings over a connection that is kept.

Speaks `POST <node>/up` as docs/developers/uplink.md has it. It never tries again later and
never waits: `delivery.py` owns the queue and decides. Every byte that crosses is counted.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

import cbor2

from kevre.collect import wire
from kevre.formats import tight, word
from kevre.model.batch import Column
from kevre.model.errors import KevreError, Malformed, Refused, Unavailable

_TIMEOUT_S = 20.0
_LONGEST_ANSWER = 256 * 1024  # bytes
_GONE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)
_WAIT_STATUSES = frozenset({408, 425, 429})
_RIGHT_STATUSES = frozenset({401, 403})
_PLACE_STATUSES = frozenset({404, 405, 410})


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the node says: every reading sent is on its disk, or quarantined there.

    Attributes:
        quarantined: how many the node put aside as faulty.
        codes: of the first faults.
        wire_bytes: that crossed in both directions for it, TLS and HTTP included.
        node_s: the node's time [epoch s]; None where it told none.
        configuration: (version, text) that the node wants in force.
        live_s: somebody looks: send at once for so long [s].
        wants_state: whether the node does not know how this collector stands.
    """

    quarantined: int = 0
    codes: tuple[str, ...] = ()
    wire_bytes: int = 0
    node_s: float | None = None
    configuration: tuple[int, str] | None = None
    live_s: int = 0
    wants_state: bool = False


@dataclass(slots=True)
class Uplink:
    """One kept connection to one node.

    Args:
        node: address of the node, such as https://kevre.example; may have a path.
        key: the origin's key; sent inside the body, never logged or shown.
        plain_http: allow an address that would show the key to the network.
        trust: file of certificates that are trusted besides the system's, for a node with
            its own.

    Raises:
        Malformed: the address or the key cannot be used.
        Refused: the key would cross a network in clear.
    """

    node: str
    key: str
    plain_http: bool = False
    timeout_s: float = _TIMEOUT_S
    trust: str | None = None
    _ticket: bytes = b""
    _connection: http.client.HTTPConnection | None = None
    _counted: int = 0  # bytes, for the parcel that is sent now
    _crossed: int = 0  # bytes that this connection has carried
    _context: ssl.SSLContext | None = None
    _session: ssl.SSLSession | None = None
    _address: SplitResult = field(init=False)

    def __post_init__(self) -> None:
        """Check the address and the key."""
        self._address = checked_address(self.node, plain_http=self.plain_http)
        word.of_key(self.key)

    def close(self) -> None:
        """Close the connection; the next parcel opens another."""
        if self._connection is not None:
            if self._connection.sock is not None:
                self._count(self._connection.sock, 0)
            self._connection.close()
            self._connection = None

    def send(self, columns: Sequence[Column], meta: object = None) -> Receipt:
        """Post readings, and what is told beside them; give the node's receipt.

        Raises:
            Unavailable: no node, no answer, or not now; `retry_after_s` is the node's wish.
            Refused: the node does not accept the key.
            Malformed: the node refuses these readings whole.
        """
        content = tight.encode(meta, columns)
        try:
            try:
                return self._sent(content)
            except Refused:
                if not self._ticket:
                    raise
                self._ticket = b""  # it has run out: show the key once more
                return self._sent(content)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unavailable(
                "uplink.unreachable",
                f"the node does not answer ({type(error).__name__})",
                hint="readings wait in the spool; look at the network and the address",
                retry_after_s=0,
            ) from error

    def _sent(self, content: bytes) -> Receipt:
        credential = word.of_ticket(self._ticket) if self._ticket else word.of_key(self.key)
        body, check = word.sealed(credential, content)
        response, answer = self._exchange(body)
        told = _told(response, answer, check)
        ticket = told.get(word.TICKET)
        if isinstance(ticket, bytes) and len(ticket) == word.TICKET_BYTES:
            self._ticket = ticket
        # With what crossed for attempts that failed.
        wire_bytes, self._counted = self._counted, 0
        return _receipt(told, wire_bytes, response.getheader("Date", ""))

    def _exchange(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        """Post once; a kept connection that the node has closed meanwhile is replaced.

        The second post harms nothing: a reading that arrives twice is kept once.
        """
        if self._connection is not None:
            try:
                return self._post(self._connection, body)
            except _GONE:
                self.close()
        self._connection, self._crossed = self._connected(), 0
        return self._post(self._connection, body)

    def _connected(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._address.scheme == "http":
            plain = http.client.HTTPConnection(host, port, timeout=self.timeout_s)
            plain.connect()
            plain.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return plain
        if self._context is None:
            self._context = ssl.create_default_context()
            if self.trust:
                self._context.load_verify_locations(self.trust)
        link = http.client.HTTPConnection(host, port or 443, timeout=self.timeout_s)
        link.connect()
        # The session of the connection before spares the certificates on the way.
        link.sock = self._context.wrap_socket(
            link.sock, server_hostname=host, session=self._session
        )
        return link

    def _post(
        self, connection: http.client.HTTPConnection, body: bytes
    ) -> tuple[http.client.HTTPResponse, bytes]:
        # Written by hand and in one piece: two pieces would be two records of TLS, and the
        # headers that http.client adds say nothing here.
        place = self._address.netloc
        head = f"POST {self._address.path}{word.PATH} HTTP/1.1\r\nHost: {place}\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        connection.sock.sendall(head.encode("ascii") + body)
        response = http.client.HTTPResponse(connection.sock, method="POST")
        try:
            response.begin()
            answer = response.read(_LONGEST_ANSWER)
            is_over = not response.isclosed() or response.will_close
        finally:
            response.close()
        self._count(connection.sock, len(head) + len(body) + _heard_bytes(response, answer))
        if isinstance(connection.sock, ssl.SSLSocket):
            self._session = connection.sock.session
        if is_over:
            self.close()
        return response, answer

    def _count(self, line: socket.socket, http_bytes: int) -> None:
        crossed = wire.crossed(line)
        if crossed is None:
            self._counted += http_bytes
            return
        self._counted += crossed - self._crossed
        self._crossed = crossed


def checked_address(node: str, *, plain_http: bool) -> SplitResult:
    """Read the address of a node.

    Raises:
        Malformed: it cannot be used.
        Refused: what is secret would cross a network in clear.
    """
    try:
        address = urlsplit(node.strip().rstrip("/"))
        is_usable = address.scheme in {"http", "https"} and bool(address.hostname)
        is_usable = is_usable and address.netloc.isascii() and address.path.isascii()
        _ = address.port
    except ValueError:
        is_usable = False
    if not is_usable or address.query or address.fragment or address.username is not None:
        raise Malformed(
            "uplink.address",
            "the node's address cannot be used",
            hint="it reads like https://kevre.example",
        )
    if address.scheme == "http" and not plain_http and not _is_this_machine(address.hostname or ""):
        raise Refused(
            "uplink.plain",
            "over http:// anyone on the way could read the key",
            hint="use https://, or allow it for a network that you trust",
        )
    return address


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _heard_bytes(response: http.client.HTTPResponse, answer: bytes) -> int:
    """Give about how long the answer was, where the kernel does not count."""
    headers = sum(len(f"{name}: {text}\r\n") for name, text in response.getheaders())
    return 25 + headers + len(answer)


def _told(response: http.client.HTTPResponse, answer: bytes, check: int) -> dict[int, Any]:
    """Read the answer; only one that names our checksum speaks of what we sent.

    Raises:
        Unavailable, Refused, Malformed: as `Uplink.send`.
    """
    is_ours = response.getheader(word.ECHO, "") == f"{check:08x}"
    if not 200 <= response.status < 300:  # noqa: PLR2004
        raise _problem(response.status, response.getheader("Retry-After", ""), is_ours=is_ours)
    try:
        told = cbor2.loads(answer) if answer else {}
    except Exception as error:  # cbor2 lets errors of tags it builds through as they are
        raise _no_receipt() from error
    if not is_ours or not isinstance(told, dict):
        raise _no_receipt()
    return told


def _problem(status: int, retry_after: str, *, is_ours: bool) -> KevreError:
    said = f"the node answers with status {status}"
    if status in _RIGHT_STATUSES:
        return Refused("uplink.refused", said, hint="the key is wrong, revoked or for other points")
    if status in _PLACE_STATUSES or 300 <= status < 400:  # noqa: PLR2004
        return Refused("uplink.wrong_place", said, hint="the address is not that of a Kevre node")
    if 400 <= status < 500 and status not in _WAIT_STATUSES and is_ours:  # noqa: PLR2004
        return Malformed("uplink.not_accepted", said, hint="the node refuses these readings whole")
    wait_s = int(retry_after) if retry_after.isascii() and retry_after.isdecimal() else 0
    return Unavailable("uplink.not_now", said, retry_after_s=wait_s)


def _receipt(told: dict[int, Any], wire_bytes: int, date: str) -> Receipt:
    try:
        version, text = told.get(word.CONFIGURATION) or (None, "")
        return Receipt(
            int(told.get(word.QUARANTINED, 0)),
            tuple(str(code)[:80] for code in told.get(word.CODES, ())),
            wire_bytes,
            _instant(date),
            None if version is None else (int(version), str(text)),
            int(told.get(word.LIVE_S, 0)),
            bool(told.get(word.WANTS_STATE)),
        )
    except (ValueError, TypeError) as error:
        raise _no_receipt() from error


def _instant(date: str) -> float | None:
    """Read an HTTP date [epoch s]; the middle of the second that it names."""
    try:
        return parsedate_to_datetime(date).timestamp() + 0.5
    except (ValueError, TypeError):
        return None


def _no_receipt() -> Unavailable:
    return Unavailable(
        "uplink.no_receipt",
        "the answer is not a receipt",
        hint="a sign-in page of the network may stand in between",
        retry_after_s=0,
    )

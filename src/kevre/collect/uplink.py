"""The way to a node: one POST of SenML CBOR per parcel over a connection that is kept.

Speaks `POST <node>/api/v1/readings` with a bearer key, and reads the receipt. It never
tries again and never waits: `delivery.py` owns the queue and decides.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from kevre.model.batch import Column
from kevre.model.errors import KevreError, Malformed, Refused, Unavailable

READINGS_PATH = "/api/v1/readings"
_TIMEOUT_S = 20.0
_LONGEST_ANSWER = 256 * 1024  # bytes
_GONE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)
_WAIT_STATUSES = frozenset({408, 425, 429})
_RIGHT_STATUSES = frozenset({401, 403})
_PLACE_STATUSES = frozenset({404, 405, 410})

Encoder = Callable[[Sequence[Column]], bytes]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the node says it did: every reading sent is kept or quarantined.

    Attributes:
        kept: on the node's disk; `changed` (new or corrected) and `same` together.
        quarantined: how many the node put aside as faulty.
        codes: of the first faults.
        sent_bytes: size of the body.
    """

    kept: int
    changed: int
    same: int
    quarantined: int
    codes: tuple[str, ...] = ()
    sent_bytes: int = 0


class Uplink:
    """One kept connection to one node.

    Args:
        node: address of the node, such as https://kevre.example; may have a path.
        key: the origin's key; sent in a header, never logged or shown.
        encode: makes the body of columns.
        plain_http: allow an address that would show the key to the network.

    Raises:
        Malformed: the address or the key cannot be used.
        Refused: the key would cross a network in clear.
    """

    def __init__(
        self,
        node: str,
        key: str,
        *,
        encode: Encoder,
        plain_http: bool = False,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._address = _address(node, plain_http=plain_http)
        self._key = _checked_key(key)
        self._encode = encode
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        """Close the connection; the next parcel opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def send(self, columns: Sequence[Column]) -> Receipt:
        """Post readings and give the node's receipt.

        Raises:
            Unavailable: no node, no answer, or not now; `retry_after_s` is the node's wish.
            Refused: the node does not accept the key.
            Malformed: the node refuses these readings whole.
        """
        body = self._encode(columns)
        try:
            status, retry_after, answer = self._exchange(body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unavailable(
                "uplink.unreachable",
                f"the node does not answer ({type(error).__name__})",
                hint="readings wait in the spool; look at the network and the address",
                retry_after_s=0,
            ) from error
        if not 200 <= status < 300:  # noqa: PLR2004
            raise _problem(status, retry_after)
        return _receipt(answer, len(body))

    def _exchange(self, body: bytes) -> tuple[int, str, bytes]:
        """Post once; a kept connection that the node has closed meanwhile is replaced.

        The second post harms nothing: a reading that arrives twice is kept once.
        """
        if self._connection is not None:
            try:
                return self._post(self._connection, body)
            except _GONE:
                self.close()
        self._connection = self._connect()
        return self._post(self._connection, body)

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._address.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=context)

    def _post(self, connection: http.client.HTTPConnection, body: bytes) -> tuple[int, str, bytes]:
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/senml+cbor",
            "Accept": "application/json",
        }
        connection.request("POST", self._address.path + READINGS_PATH, body, headers)
        response = connection.getresponse()
        answer = response.read(_LONGEST_ANSWER)
        if not response.isclosed():
            self.close()
        return response.status, response.getheader("Retry-After", ""), answer


def _address(node: str, *, plain_http: bool) -> SplitResult:
    try:
        address = urlsplit(node.strip().rstrip("/"))
        is_usable = address.scheme in {"http", "https"} and bool(address.hostname)
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


def _checked_key(key: str) -> str:
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise Malformed(
            "key.malformed",
            "the key is empty or holds characters that no key has",
            hint="copy it again from the node",
        )
    return key


def _problem(status: int, retry_after: str) -> KevreError:
    said = f"the node answers with status {status}"
    if status in _RIGHT_STATUSES:
        return Refused("uplink.refused", said, hint="the key is wrong, revoked or for other points")
    if status in _PLACE_STATUSES or 300 <= status < 400:  # noqa: PLR2004
        return Refused("uplink.wrong_place", said, hint="the address is not that of a Kevre node")
    if 400 <= status < 500 and status not in _WAIT_STATUSES:  # noqa: PLR2004
        return Malformed("uplink.not_accepted", said, hint="the node refuses these readings whole")
    wait_s = int(retry_after) if retry_after.isascii() and retry_after.isdecimal() else 0
    return Unavailable("uplink.not_now", said, retry_after_s=wait_s)


def _receipt(answer: bytes, sent_bytes: int) -> Receipt:
    """Read a receipt; the page of a captive portal, also a 200, must not pass for one."""
    try:
        told = json.loads(answer)
        kept, changed, same = (_count(told[name]) for name in ("kept", "changed", "same"))
        codes = tuple(str(fault["code"])[:80] for fault in told["quarantined"])
        # The list is cut at its hundredth; `faults` counts them all.
        quarantined = _count(told.get("faults", len(codes)))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _no_receipt() from error
    return Receipt(kept, changed, same, quarantined, codes, sent_bytes)


def _count(told: object) -> int:
    if not isinstance(told, int):
        raise TypeError
    return told


def _no_receipt() -> Unavailable:
    return Unavailable(
        "uplink.no_receipt",
        "the answer is not a receipt",
        hint="a sign-in page of the network may stand in between",
        retry_after_s=0,
    )

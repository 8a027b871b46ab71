"""The envelope of what a collector tells its node, and the words of the answer.

A body is: one byte that says which credential follows, the credential, four bytes of CRC-32
over all the rest, then readings (`tight`). The answer names that checksum again, so that no
page of a network in between passes for a receipt. See docs/developers/uplink.md.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass

from kevre.model.errors import Malformed, Unavailable

PATH = "/up"
PAIR_PATH = "/up/pair"
ECHO = "kv"  # header of the answer: the checksum, in hexadecimal
# Labels of the answer's map, where there is more to say than that all was kept.
QUARANTINED, CODES, TICKET, CONFIGURATION, LIVE_S, WANTS_STATE, ERROR = range(1, 8)

_TEXT, _KEY, _TICKET = 0, 1, 2
_KEY_BYTES, TICKET_BYTES, _CHECK_BYTES = 38, 8, 4
_KEY_FORM = re.compile(r"kvw_([0-9a-f]{12})_([A-Za-z0-9_-]{43})\Z")
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Sealed:
    """An opened envelope: a key as people hold it, or a ticket, and what it brings."""

    key: str
    ticket: bytes
    content: bytes
    check: int


def of_key(key: str) -> bytes:
    """Write a key; one of this node's form takes 39 bytes.

    Raises:
        Malformed: no key can be so.
    """
    found = _KEY_FORM.match(key)
    if found is not None:
        secret = base64.urlsafe_b64decode(found[2] + "=")
        if base64.urlsafe_b64encode(secret).decode().rstrip("=") == found[2]:
            return bytes([_KEY]) + bytes.fromhex(found[1]) + secret
    if not key or len(key) > _LONGEST_TEXT or not key.isascii() or not key.isprintable():
        raise _no_key()
    if " " in key:
        raise _no_key()
    return bytes([_TEXT, len(key)]) + key.encode("ascii")


def of_ticket(ticket: bytes) -> bytes:
    """Write a ticket, which stands for a key for a while."""
    return bytes([_TICKET]) + ticket


def sealed(credential: bytes, content: bytes) -> tuple[bytes, int]:
    """Give the body, and its checksum."""
    check = zlib.crc32(credential + content)
    return credential + check.to_bytes(_CHECK_BYTES, "big") + content, check


def opened(body: bytes) -> Sealed:
    """Take an envelope apart.

    Raises:
        Unavailable: it was damaged on its way; the same will pass when sent again.
    """
    kind = body[0] if body else _TEXT
    end = {_KEY: 1 + _KEY_BYTES, _TICKET: 1 + TICKET_BYTES}.get(kind)
    if end is None:
        end = 2 + (body[1] if len(body) > 1 else 0)
    credential, content = body[:end], body[end + _CHECK_BYTES :]
    check = zlib.crc32(credential + content)
    if body[end : end + _CHECK_BYTES] != check.to_bytes(_CHECK_BYTES, "big") or kind > _TICKET:
        raise Unavailable("uplink.damaged", "the body was damaged on its way", hint="send it again")
    if kind == _TICKET:
        return Sealed("", credential[1:], content, check)
    return Sealed(_key(kind, credential), b"", content, check)


def _key(kind: int, credential: bytes) -> str:
    if kind == _TEXT:
        return credential[2:].decode("ascii", "replace")
    secret = base64.urlsafe_b64encode(credential[7:]).decode().rstrip("=")
    return f"kvw_{binascii.hexlify(credential[1:7]).decode()}_{secret}"


def _no_key() -> Malformed:
    return Malformed(
        "key.malformed",
        "the key is empty or holds characters that no key has",
        hint="copy it again from the node, or pair anew",
    )

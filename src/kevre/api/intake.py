"""What the entrances of other software have in common: long bodies, keys, the way in."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Iterator

from django.http import HttpRequest
from django.http.request import UnreadablePostError

from kevre.api.reading import RATE
from kevre.flow import entrance, way
from kevre.flow import input as inputs
from kevre.flow.entrance import Parcel, Sorted
from kevre.model.errors import Malformed, Refused, Unavailable
from kevre.model.input import Posted
from kevre.rights import key as keys
from kevre.rights.key import Key

_PIECE = 64 * 1024
_GZIP = 31  # of zlib's window bits: with a gzip header


def pieces(request: HttpRequest, most: int) -> Iterator[bytes]:
    """Give the body piece by piece, unpacked if it is packed by gzip.

    Raises:
        Malformed: it is larger than `most` when unpacked, or damaged.
        Unavailable: it did not arrive whole.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise Malformed("request.encoding", "only gzip is unpacked here", where="Content-Encoding")
    unpacker = zlib.decompressobj(_GZIP) if encoding == "gzip" else None
    total = 0
    for packed in _read(request):
        rest = packed
        while rest:
            piece = _unpacked(unpacker, rest) if unpacker else rest
            rest = unpacker.unconsumed_tail if unpacker else b""
            total += len(piece)
            if total > most:
                raise Malformed("request.too_large", "the body is too large", hint="send less")
            yield piece
    if unpacker is not None and not unpacker.eof:
        raise Malformed("request.torn", "the packed body is torn", hint="send it again")


def shown(request: HttpRequest) -> str:
    """Find the key where clients put it: Token, Bearer, password of Basic, or `p`.

    Raises:
        Refused: none is shown.
    """
    scheme, _space, said = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            said = base64.b64decode(said, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise no_key() from error
    # InfluxDB 2 takes the user and password of version 1 as one token.
    secret = said.rpartition(":")[2].strip() or str(request.GET.get("p") or "")
    if not secret:
        raise no_key()
    return secret


def admitted(secret: str, now_s: int) -> Key:
    """Give the key of a secret, if it brings inputs and does not send too often.

    Raises:
        Refused: it is not known, or it only writes series by their identifiers.
        Unavailable: it sends too often.
    """
    key = keys.find(secret)
    RATE.check(key, now_s)
    if not inputs.brings(key):
        raise inputs.brings_none()
    return key


def receive(key: Key, posted: Posted, source: str, now_s: int) -> Sorted:
    """Let in what was sent; durable when it returns. The same content again is recognised."""
    content = repr((posted.values, posted.faults))
    digest = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:40]
    return entrance.receive(way.current().gate, Parcel(posted, key, digest, source), now_s)


def _read(request: HttpRequest) -> Iterator[bytes]:
    try:
        while piece := request.read(_PIECE):
            yield piece
    except UnreadablePostError as error:
        raise Unavailable("request.cut", "the body did not arrive whole") from error


def _unpacked(unpacker: zlib._Decompress, packed: bytes) -> bytes:
    try:
        return unpacker.decompress(packed, _PIECE)
    except zlib.error as error:
        raise Malformed("request.torn", "the packed body is torn", hint="send it again") from error


def no_key() -> Refused:
    """Make the error of a request that shows no key."""
    return Refused("key.refused", "a valid key is needed", hint="make one: kevre key --maker")

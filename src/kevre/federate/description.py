"""What a node says of itself at `/.well-known/kevre`, to anybody.

Unknown members are ignored and missing ones have defaults, so that an old node and a new one
understand each other; `protocols` says in which versions they can talk.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kevre.federate.identity import PublicIdentity, text_of
from kevre.model.errors import Malformed

PATH = "/.well-known/kevre"
PROTOCOL = "kevre-1"
LARGEST = 262_144
_LONGEST_TITLE = 160


@dataclass(frozen=True, slots=True)
class Voucher:
    """The key before the present one, and its signature over the present one."""

    key: PublicIdentity
    signature: bytes


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A node that the describing one trusts."""

    title: str
    base_url: str
    key: PublicIdentity


@dataclass(frozen=True, slots=True)
class Description:
    """One node as it describes itself.

    Attributes:
        protocols: versions of this protocol that it speaks.
        territory: code and name of the territory that it opens with, if any.
        contact: how its operator is reached.
    """

    title: str
    base_url: str
    key: PublicIdentity
    version: str
    protocols: tuple[str, ...] = (PROTOCOL,)
    territory: str = ""
    contact: str = ""
    voucher: Voucher | None = None
    neighbours: tuple[Neighbour, ...] = ()

    def write(self) -> bytes:
        """Write it as it is served."""
        return json.dumps(
            {
                "software": "Kevre",
                "version": self.version,
                "protocols": self.protocols,
                "title": self.title,
                "base_url": self.base_url,
                "territory": self.territory,
                "contact": self.contact,
                "key": _jwk(self.key),
                "services": {"federation": "/federation/v1/", "api": "/api/v1/"},
                "previous": self.voucher
                and {
                    "key": _jwk(self.voucher.key),
                    "signature": text_of(self.voucher.signature),
                },
                "peers": [
                    {"title": one.title, "base_url": one.base_url, "key": _jwk(one.key)}
                    for one in self.neighbours
                ],
            },
            ensure_ascii=False,
        ).encode()


def read(content: bytes) -> Description:
    """Read what a node says of itself.

    Raises:
        Malformed: it is no such document; or the node speaks no version that is known here.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise _malformed("the document") from error
    if not isinstance(document, dict):
        raise _malformed("the document")
    protocols = document.get("protocols")
    if not isinstance(protocols, list) or PROTOCOL not in protocols:
        raise Malformed(
            "peer.protocol",
            "this node speaks no version of the protocol that is known here",
            where="protocols",
            hint=f"one of the two must be brought up to date; here: {PROTOCOL}",
        )
    previous = document.get("previous")
    return Description(
        title=_text(document, "title"),
        base_url=address(_text(document, "base_url")),
        key=_key(document.get("key")),
        version=_text(document, "version", "")[:40],
        protocols=tuple(str(one) for one in protocols),
        territory=_text(document, "territory", ""),
        contact=_text(document, "contact", ""),
        voucher=_voucher(previous) if isinstance(previous, dict) else None,
        neighbours=tuple(_neighbours(document.get("peers"))),
    )


def address(text: str) -> str:
    """Check how a node is reached; give it without a slash at the end.

    Raises:
        Malformed: it is no address of a node.
    """
    parts = urlsplit(text.strip())
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username is not None:
        raise Malformed(
            "peer.address", "this is no address of a node", hint="as https://energie.example"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _neighbours(found: object) -> list[Neighbour]:
    """Give the neighbours that can be read: one that is amiss does not hide the others."""
    neighbours = []
    for one in found if isinstance(found, list) else []:
        if not isinstance(one, dict):
            continue
        try:
            base_url = address(_text(one, "base_url"))
            neighbours.append(Neighbour(_text(one, "title"), base_url, _key(one.get("key"))))
        except Malformed:
            continue
    return neighbours


def _jwk(key: PublicIdentity) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": key.text}


def _key(found: object) -> PublicIdentity:
    if not isinstance(found, dict) or found.get("crv") != "Ed25519":
        raise _malformed("key")
    return PublicIdentity.of_text(str(found.get("x", "")))


def _voucher(found: dict[str, Any]) -> Voucher:
    text = str(found.get("signature", ""))
    try:
        signature = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise _malformed("previous") from error
    return Voucher(_key(found.get("key")), signature)


def _text(document: dict[str, Any], name: str, default: str | None = None) -> str:
    value = document.get(name, default)
    if not isinstance(value, str) or len(value) > _LONGEST_TITLE:
        raise _malformed(name)
    return value


def _malformed(where: str) -> Malformed:
    return Malformed(
        "peer.description",
        "this node does not describe itself as it should",
        where=where,
        hint=f"is there a Kevre at this address? it answers at {PATH}",
    )

"""Targets: addresses that others name and this node calls; never those of its own surroundings.

A name is resolved once, every address it has is checked, and the call goes to the address that
was checked: a name that changes its mind in between leads nowhere.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from kevre.model.errors import Refused, Unavailable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes, and under which name.

    Attributes:
        url: as it was named.
        pinned: the same with the address that was checked in place of the name.
        host: the name, for the Host line and the certificate.
    """

    url: str
    pinned: str
    host: str
    name: str


def find(url: str, networks: Sequence[Network] = ()) -> Target:
    """Resolve an address and hold it to the rules.

    Args:
        url: as somebody named it.
        networks: surroundings that the operator opens, also without encryption.

    Raises:
        Refused: it leads to the node itself, to its network, or is not encrypted.
        Unavailable: the name cannot be resolved.
    """
    parts, port = _parts(url)
    found = _resolved(parts.hostname or "", port)
    opened = all(any(one in network for network in networks) for one in found)
    if not opened and (parts.scheme != "https" or not all(map(_is_public, found))):
        raise _refused()
    address = found[0]
    literal = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004
    return Target(
        url,
        parts._replace(netloc=f"{literal}:{port}", fragment="").geturl(),
        parts.netloc,
        parts.hostname or "",
    )


def _parts(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise _refused() from error
    if not parts.hostname or not port or parts.username or parts.password:
        raise _refused()
    return parts, port


def _resolved(host: str, port: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable("hook.name", "this name cannot be resolved") from error
    # An IPv6 address may carry the name of an interface.
    return [ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_, place in found]


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if inner is not None:
        return _is_public(inner)
    return address.is_global and not address.is_multicast


def _refused() -> Refused:
    return Refused(
        "hook.address",
        "this address may not be called",
        hint="https, and a name on the public network; or let the operator open a network",
    )

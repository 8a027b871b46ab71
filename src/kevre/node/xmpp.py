"""The node's XMPP account, if it has one: a node works without."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kevre.federate import identity
from kevre.flow.way import Way
from kevre.model.errors import Malformed, Missing
from kevre.node.config import Config

if TYPE_CHECKING:  # the library is loaded only where there is an account
    from kevre.federate.bindings.xmpp import Address, Service


def service(config: Config, way: Way) -> Service | None:
    """Give the node's service on XMPP, not started; None where there is no account."""
    if not config.xmpp_jid:
        return None
    from kevre.federate.bindings.xmpp import Service

    return Service(way, identity.hold(config.home), address(config))


def address(config: Config) -> Address:
    """Give the node's account.

    Raises:
        Missing: it has none.
        Malformed: the server is not `host:port`.
    """
    if not config.xmpp_jid:
        raise Missing(
            "xmpp.no_account", "this node has no XMPP account", hint="run `kevre xmpp setup`"
        )
    from kevre.federate.bindings.xmpp import Address

    host, _, port = config.xmpp_server.rpartition(":")
    if config.xmpp_server and not (host and port.isdecimal()):
        raise Malformed("xmpp.server", "the server is host:port", where="xmpp_server")
    authority = Path(config.xmpp_authority) if config.xmpp_authority else None
    return Address(config.xmpp_jid, config.xmpp_password, host, int(port or 0), authority)

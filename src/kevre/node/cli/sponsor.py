"""`kevre peer sponsor`, `entrust` and `recovery`: encrypted copies at other nodes."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from kevre.model.errors import Unavailable
from kevre.node import start

out = Console(highlight=False)
Name = Annotated[str, typer.Argument(help="What the peer is called here, see `kevre peer list`.")]
_GB = 1_000_000_000


def sponsor(
    name: Name,
    *,
    quota_gb: Annotated[float, typer.Option(help="How much it may leave here [GB].")] = 10.0,
) -> None:
    """Keep encrypted copies of a peer, which only its operator can read."""
    start.ready()
    from kevre.federate import peer
    from kevre.federate import sponsor as sponsors

    held = sponsors.offer(peer.named(name), int(quota_gb * _GB))
    out.print(
        f"{name} may leave {held.quota_bytes / _GB:g} GB here; "
        f"{held.used_bytes / _GB:.3f} GB are used.",
        markup=False,
    )


def entrust(name: Name) -> None:
    """Leave an encrypted copy of this node with a peer, now and every night."""
    config = start.ready()
    from kevre.federate import peer, recovery
    from kevre.federate.models import Entrusted
    from kevre.node import sponsorship, wire

    fresh = {"copied_at": None, "tried_at": None}
    made, _ = Entrusted.objects.update_or_create(peer=peer.named(name), defaults=fresh)
    is_first = not (config.home / recovery.FILE).exists()
    code = recovery.hold(config.home).code
    if is_first:
        _show(code)
    try:
        with wire.opened(config) as way:
            sent = sponsorship.leave(config, way, made, lambda step: out.print(f"{step}…"))
    except Unavailable as error:
        if error.code != "store.locked":
            raise
        out.print("The running node leaves the copy within a minute: see kevre peer list.")
        return
    out.print(f"{sent.size / 1e6:.3f} MB, of which {sent.sent / 1e6:.3f} MB had to be sent.")


def show_code() -> None:
    """Show the recovery code, to write down: without it no copy can be read."""
    config = start.ready()
    from kevre.federate import recovery

    _show(recovery.hold(config.home).code)


def _show(code: str) -> None:
    out.print("Write this recovery code down and keep it away from the node. With it and the")
    out.print("address of a sponsor, `kevre restore --from-peer` gets everything back; without")
    out.print("it nobody can read a copy.")
    out.print(f"\n  {code}\n", markup=False)

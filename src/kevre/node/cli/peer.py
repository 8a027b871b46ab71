"""`kevre peer`: other nodes, from meeting them to receiving what they lend."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from kevre.model.errors import Missing
from kevre.node import start
from kevre.node.cli import sponsor

if TYPE_CHECKING:
    from kevre.federate.models import Peer

app = typer.Typer(help="Other nodes: meet, trust, receive.", no_args_is_help=True)
app.command("sponsor")(sponsor.sponsor)
app.command("entrust")(sponsor.entrust)
app.command("recovery")(sponsor.show_code)
out = Console(highlight=False)
Name = Annotated[str, typer.Argument(help="What the peer is called here, see `kevre peer list`.")]


@app.command("own")
def own() -> None:
    """Show this node's own fingerprint, to read out to another operator."""
    config = start.ready()
    from kevre.federate import identity

    out.print(identity.hold(config.home).public.fingerprint, markup=False)


@app.command("rotate")
def rotate() -> None:
    """Make a new key that the present one vouches for; peers follow by themselves."""
    config = start.ready()
    from kevre.federate import identity

    out.print(identity.rotate(config.home).public.fingerprint, markup=False)


@app.command("add")
def add(
    url: Annotated[str, typer.Argument(help="Its address, such as https://energie.example")],
) -> None:
    """Meet a node; it is trusted only after `kevre peer trust`."""
    start.ready()
    from kevre.federate import peer
    from kevre.federate.client import describe

    met = peer.meet(describe(url), datetime.now(UTC))
    out.print(f"{met.title} is called {met.slug} here.", markup=False)
    out.print(f"Its fingerprint: {met.identity.fingerprint}", markup=False)
    out.print("Call its operator, let it be read out, then: kevre peer trust", met.slug, "…")


@app.command("trust")
def trust(
    name: Name,
    fingerprint: Annotated[
        list[str], typer.Argument(help="The six groups of digits that its operator reads out.")
    ],
) -> None:
    """Trust a peer whose fingerprint you compared with its operator."""
    start.ready()
    from kevre.federate import peer

    peer.trust(peer.named(name), " ".join(fingerprint), datetime.now(UTC))
    out.print("Trusted.")


@app.command("block")
def block(name: Name) -> None:
    """Hear nothing of a peer any more, and tell it nothing."""
    start.ready()
    from kevre.federate import peer

    found = peer.named(name)
    found.blocked_at = datetime.now(UTC)
    found.save(update_fields=["blocked_at"])
    out.print("Blocked.")


@app.command("series")
def series(name: Name) -> None:
    """List the series that a peer lets this node read."""
    config = start.ready()
    from kevre.federate import identity, peer
    from kevre.federate.client import Client

    client = Client(peer.named(name).base_url, identity.hold(config.home))
    after: int | None = 0
    try:
        while after is not None:
            page = client.ask("GET", "series", after=after)
            for one in page["series"]:
                _line(str(one["urn"]), str(one["unit"]), str(one.get("site_name") or ""))
            after = page["next"]
    finally:
        client.close()


@app.command("subscribe")
def subscribe(
    name: Name,
    selector: Annotated[
        str, typer.Argument(help="URN of a series or a metering point, site:SLUG, or '*' for all.")
    ],
    *,
    site: Annotated[str, typer.Option(help="Slug of the site where new points stand.")] = "",
) -> None:
    """Receive series of a peer from now on, with all that it has of them."""
    config = start.ready()
    from kevre.federate import identity, peer
    from kevre.federate.client import Client
    from kevre.federate.models import Feed
    from kevre.places.models import Site

    found = peer.named(name)
    place = Site.objects.filter(slug=site).first() if site else None
    if site and place is None:
        raise Missing("site.absent", "there is no such site")
    client = Client(found.base_url, identity.hold(config.home))
    try:
        made = client.ask("POST", "subscriptions", {"selector": selector})
    finally:
        client.close()
    Feed.objects.update_or_create(
        peer=found,
        handle=str(made["handle"])[:16],
        defaults={"selector": str(made["selector"])[:200], "site": place, "ended_at": None},
    )
    out.print(f"Subscribed to {made['selector']}; it flows while the node serves.", markup=False)


@app.command("unsubscribe")
def unsubscribe(name: Name, selector: Annotated[str, typer.Argument()]) -> None:
    """Receive no more of what a selector names; what came stays."""
    config = start.ready()
    from kevre.federate import identity, peer
    from kevre.federate.client import Client
    from kevre.federate.models import Feed

    found = peer.named(name)
    client = Client(found.base_url, identity.hold(config.home))
    try:
        ended = client.ask("DELETE", "subscriptions", {"selector": selector})["ended"]
    finally:
        client.close()
    living = Feed.objects.filter(peer=found, ended_at=None, selector__startswith=selector)
    living.update(ended_at=datetime.now(UTC))
    out.print(f"{ended} subscriptions ended.", markup=False)


@app.command("list")
def list_peers() -> None:
    """List peers, what they lend us, and what we lend them."""
    start.ready()
    from kevre.federate.models import Peer

    for one in Peer.objects.select_related("party"):
        state = "blocked" if one.blocked_at else "trusted" if one.trusted_at else "met"
        _line(one.slug, state, one.base_url, f"heard {_when(one.heard_at)}")
        _list_received(one)
        _list_copies(one)
        _list_lent(one)


def _list_received(one: Peer) -> None:
    from kevre.federate.models import Feed

    for feed in Feed.objects.filter(peer=one, ended_at=None):
        _line("  receives", feed.selector, f"{feed.readings} readings", _when(feed.news_at))
        if feed.error:
            _line("    stopped", _when(feed.error_at), feed.error)


def _list_copies(one: Peer) -> None:
    from kevre.federate.models import Entrusted, Sponsored

    for copies in Entrusted.objects.filter(peer=one):
        sizes = f"{copies.size / 1e6:.3f} MB, last time {copies.sent / 1e6:.3f} MB sent"
        _line("  keeps our copy", _when(copies.copied_at), sizes, copies.error)
    for held in Sponsored.objects.filter(peer=one):
        used = f"{held.used_bytes / 1e6:.1f} of {held.quota_bytes / 1e6:.1f} MB"
        _line("  leaves its copy here", used)


def _list_lent(one: Peer) -> None:
    from kevre.flow import notice, outbox
    from kevre.flow.models import Subscription

    waiting = outbox.waiting()
    overdue = notice.overdue(datetime.now(UTC))
    for lent in Subscription.objects.filter(party=one.party, ended_at=None):
        parcels = f"{waiting.get(lent.pk, 0)} parcels wait"
        _line("  lends", lent.selector, parcels, f"heard {_when(lent.heard_at)}")
        for late in overdue:
            if late.subscription_id == lent.pk:
                _line("    no receipt", late.word, late.urn, f"since {_when(late.made_at)}")


def _line(*words: str) -> None:
    out.print("  ".join(words), markup=False, soft_wrap=True)


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else "never"

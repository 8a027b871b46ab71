"""`kevre xmpp`: the node's account, who is let in, and asking other services of Quoalise."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kevre.model.errors import Malformed, Missing
from kevre.node import start

app = typer.Typer(help="Quoalise over XMPP: who is let in, asking others.", no_args_is_help=True)
out = Console(highlight=False)


@app.command("setup")
def setup(
    domain: Annotated[str, typer.Argument(help="Domain of the XMPP server, as energie.example")],
    *,
    folder: Annotated[Path, typer.Option(help="Where the files are written.")] = Path("xmpp"),
) -> None:
    """Write what a Prosody of Debian needs to serve this node, and say what is left to do."""
    config = start.ready()
    from kevre.node import prosody

    made = prosody.write(folder, domain, home=config.home)
    for line in made.steps:
        out.print(line, markup=False, soft_wrap=True)


@app.command("allow")
def allow(
    jid: Annotated[str, typer.Argument(help="Bare JID, as app@collective.example")],
    name: Annotated[str, typer.Argument(help="The organisation it acts for.")],
    *,
    takes: Annotated[bool, typer.Option(help="Also take in what it pushes to us.")] = False,
) -> None:
    """Let an address ask; what it may read is what its organisation is granted."""
    start.ready()
    from kevre.federate import contact

    if "/" in jid or "@" not in jid:
        raise Malformed("xmpp.jid", "this is not a bare JID", hint="as app@collective.example")
    contact.allow(jid, name, datetime.now(UTC), takes=takes)
    out.print("Let in.")


@app.command("block")
def block(jid: Annotated[str, typer.Argument()]) -> None:
    """Answer an address no more."""
    start.ready()
    from kevre.federate.models import Contact

    if not Contact.objects.filter(jid=jid).update(blocked_at=datetime.now(UTC)):
        raise Missing("contact.absent", "there is no such contact")
    out.print("Blocked.")


@app.command("list")
def list_contacts() -> None:
    """List who is let in."""
    start.ready()
    from kevre.federate.models import Contact

    for one in Contact.objects.select_related("party"):
        state = "blocked" if one.blocked_at else "takes" if one.source else "asks"
        out.print(f"{one.jid}  {state}  {one.party.name}", markup=False, soft_wrap=True)


@app.command("ask")
def ask(
    service: Annotated[str, typer.Argument(help="Full JID, as meters@energie.example/proxy")],
    command: Annotated[str, typer.Argument(help="Such as get_history")],
    fields: Annotated[
        list[str] | None, typer.Argument(help="name=value, as many as needed")
    ] = None,
    *,
    keep: Annotated[bool, typer.Option(help="Let the readings in; not while serving.")] = False,
) -> None:
    """Ask a service of Quoalise; show its answer, or keep the readings in it."""
    config = start.ready()
    from xml.etree.ElementTree import indent, tostring

    from kevre.federate import contact, quoalise
    from kevre.federate.bindings.xmpp import take
    from kevre.node import wire, xmpp

    given = dict(one.partition("=")[::2] for one in fields or [])
    answer = quoalise.ask(xmpp.address(config), service, command, given)
    found = quoalise.payload(answer)
    if not keep or found is None:
        indent(answer)
        out.print(tostring(answer, "unicode"), markup=False, soft_wrap=True)
        return
    who = contact.named(service.partition("/")[0])
    if who is None:
        raise Missing("contact.absent", "there is no such contact", hint="kevre xmpp allow --takes")
    with wire.opened(config) as way:
        kept = take(way, who, found, datetime.now(UTC))
        wire.settle(way)
    out.print(f"{kept} readings kept.")

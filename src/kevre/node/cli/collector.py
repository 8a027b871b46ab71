"""`kevre collector`: codes that pair machines, and how each stands."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from kevre.model.errors import Missing
from kevre.node import start

app = typer.Typer(help="Collectors in the field.", no_args_is_help=True)
out = Console(highlight=False)


@app.command()
def invite(
    name: Annotated[str, typer.Argument(help="Its name; one that exists is paired anew.")],
    points: Annotated[
        list[str] | None, typer.Argument(help="URNs of the metering points it writes.")
    ] = None,
    hours: Annotated[float, typer.Option(help="How long the code can be used.", min=0.01)] = 1.0,
) -> None:
    """Make a code that a person types on the machine: kevre-collect pair CODE --node URL."""
    start.ready()
    from django.utils import timezone

    from kevre.flow import invite as invites
    from kevre.flow.models import Collector
    from kevre.places.models import MeteringPoint

    known = list(MeteringPoint.objects.filter(urn__in=points or ()))
    if len(known) != len(set(points or ())):
        raise Missing("point.absent", "a metering point is not registered", hint="see the admin")
    collector = Collector.objects.filter(name=name).first()
    if collector is None:
        if not known:
            raise Missing("point.absent", "no metering point was named", hint="name its points")
        collector = Collector.objects.create(name=name)
    if known:
        collector.points.set(known)
    out.print(invites.invite(collector, timezone.now(), timedelta(hours=hours)), markup=False)


@app.command("list")
def listing() -> None:
    """Say when each spoke last, and how it stands."""
    start.ready()
    from kevre.flow.models import Collector

    table = Table("name", "last word", "waiting", "clock", "version", "failing")
    for one in Collector.objects.all():
        state = one.state
        failing = ", ".join(
            device[0] for device in state.get("devices", ()) if device[2] == "failing"
        )
        heard = f"{one.heard_at:%Y-%m-%d %H:%M:%S}" if one.heard_at else "never"
        waiting = str(state.get("waiting", ""))
        table.add_row(
            one.name, heard, waiting, state.get("clock", ""), state.get("version", ""), failing
        )
    out.print(table)

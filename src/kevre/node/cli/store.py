"""`kevre store`: where the readings lie."""

from __future__ import annotations

import typer
from rich.console import Console

from kevre.model.errors import Malformed
from kevre.node import start

app = typer.Typer(help="Where the readings lie.", no_args_is_help=True)
out = Console(highlight=False)


@app.callback()
def group() -> None:
    """Keep the group a group, though it has one command."""


@app.command()
def move() -> None:
    """Carry the readings from the file in KEVRE_HOME into the lake of the configuration."""
    config = start.ready()
    from kevre.store import Lake
    from kevre.store.move import move as carry

    if not isinstance(config.readings, Lake):
        raise Malformed(
            "config.no_lake", "no lake is configured", hint="set lake_url, see docs/operators/lake"
        )
    moved = carry(config.readings_path, config.readings, memory_mb=config.store_memory_mb)
    out.print(
        f"moved: {moved['series']} series, {moved['chunk']} chunks and {moved['recent']} recent "
        f"readings, {moved['daily']} daily totals, {moved['change']} changes; counts and sums of "
        f"every table are equal. The file {config.readings_path.name} is no longer read.",
        soft_wrap=True,
    )

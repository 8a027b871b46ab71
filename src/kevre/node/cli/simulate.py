"""`kevre simulate`: meter operators that hold nothing real, to try connectors on."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Simulators of meter operators.", no_args_is_help=True)


@app.command("enedis")
def enedis(
    redirect: Annotated[str, typer.Option(help="Where people are sent back to.")],
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8070,
    older: Annotated[bool, typer.Option(help="Consents with a code, as before 2026.")] = False,
) -> None:
    """Simulate Enedis Data Connect with its ten invented people until interrupted."""
    from kevre.model.window import PARIS
    from kevre.node.simulate.enedis import DataConnect
    from kevre.node.simulate.server import Server

    service = DataConnect(
        redirect, time.time, lambda: datetime.now(UTC).astimezone(PARIS).date(), is_older=older
    )
    with Server(service.handle, host, port) as server:
        Console().print(f"Simulator at {server.url}: nothing there is real. Ctrl-C ends it.")
        while True:
            time.sleep(3_600)

"""`kevre init` and `kevre serve`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from kevre.node import config as configuration
from kevre.node import start

say = Console(stderr=True, highlight=False)


def init(
    title: Annotated[str, typer.Option(help="The node's name on its pages.")] = "Kevre",
    base_url: Annotated[
        str, typer.Option(help="How people will reach it.")
    ] = "http://127.0.0.1:8000",
) -> None:
    """Set up a node in KEVRE_HOME: configuration, registry, translations, static files."""
    from kevre.node import install

    path = install.write_config(configuration.home(), title=title, base_url=base_url)
    start.ready()
    install.prepare()
    say.print(f"The node is set up. Its configuration is {path}.", soft_wrap=True)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", envvar="KEVRE_PORT")] = 8000,
) -> None:
    """Serve the node: pages, API and jobs in one process."""
    config = start.ready()
    from kevre.node import install, wire
    from kevre.node import serve as server

    install.check(config)
    with wire.opened(config) as way:
        address = f"http://{host}:{port}"
        server.serve(config, way, host, port, when_open=lambda: say.print(address))

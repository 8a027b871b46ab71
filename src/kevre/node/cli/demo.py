"""`kevre demo`: the demo territory, set up once, then served with a live device."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from kevre.node import config as configuration
from kevre.node import install, start
from kevre.node.port import free_port

if TYPE_CHECKING:
    from kevre.node.demo.setup import Demo

say = Console(stderr=True, highlight=False)
_HOST = "127.0.0.1"
_TERRITORY = "lorient-agglomeration"


def demo(
    port: Annotated[int, typer.Option(help="Port to listen on.", envvar="KEVRE_PORT")] = 8000,
    *,
    set_up_only: Annotated[bool, typer.Option(help="Set up, then stop.")] = False,
) -> None:
    """Serve the demo territory of Lorient Agglomération, live, at http://127.0.0.1:8000."""
    began = time.monotonic()
    os.environ.setdefault("KEVRE_HOME", "var/demo")
    open_port = free_port(_HOST, port)
    if open_port != port:
        say.print(f"Port {port} is taken: {open_port} is used instead (PORT=… names another).")
    home = configuration.home()
    install.write_config(home, title="Kevre", territory=_TERRITORY, is_demo=True)
    base_url = f"http://{_HOST}:{open_port}"
    os.environ["KEVRE_BASE_URL"] = base_url
    config = start.ready()
    from kevre.node import serve, wire
    from kevre.node.demo.device import LiveDevice
    from kevre.node.demo.setup import set_up

    install.prepare()
    with wire.opened(config) as way:
        known = set_up(way, config, say.print, now_s=int(time.time()))
        wire.settle(way)
        if set_up_only:
            return
        with LiveDevice(config.home, base_url) as device:

            def opened() -> None:
                device.start()
                _welcome(known, base_url, time.monotonic() - began)

            serve.serve(config, way, _HOST, open_port, when_open=opened)


def _welcome(known: Demo, base_url: str, took_s: float) -> None:
    say.print(
        f"\nThe demo territory is open at [bold]{base_url}[/bold] (ready after {took_s:.0f} s)."
    )
    say.print("Guests see the public sites. To see more, sign in as:")
    for account in known.accounts:
        say.print(f"  {account.role}: {account.email}  {account.password}", markup=False)
    say.print("Stop with Ctrl+C; what was collected is kept.")

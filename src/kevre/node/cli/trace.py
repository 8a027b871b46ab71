"""`kevre trace`: the life of one reading."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from kevre.model.window import instant
from kevre.node import start

out = Console(highlight=False)


def trace(
    series: Annotated[str, typer.Argument(help="URN of a series.")],
    at: Annotated[str, typer.Argument(help="An instant, such as 2026-01-15T08:00+01:00")],
) -> None:
    """Tell where a reading came from, what it said before, who was lent it and who read it.

    Works while the node runs or stands still; the look stands in the access log.
    """
    config = start.ready()
    from kevre.node import control, wire
    from kevre.node import trace as lives

    moment = instant(at)
    asked = {"series": series, "at": moment.isoformat()}
    told = control.ask(config.home, "trace", lambda _: None, **asked)
    if told is not None:
        lines = told["lines"]
    else:
        with wire.opened(config) as way:
            lines = lives.lines(config, way, series, moment)
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)

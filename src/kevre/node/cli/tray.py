"""`kevre tray`: inputs that nobody knows yet; accepted or refused."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from kevre.model.errors import Malformed, Missing
from kevre.node import start

app = typer.Typer(help="Inputs of software in the field that wait.", no_args_is_help=True)
out = Console(highlight=False)
Number = Annotated[int, typer.Argument(help="Number of the input, as `kevre tray list` gives it.")]


@app.command("list")
def listing() -> None:
    """Say of each input how much waits, and what it may measure."""
    start.ready()
    from kevre.flow.models import Input

    for one in Input.objects.all():
        span = "" if one.least is None else f"{one.least:g}..{one.most:g} {one.said_unit}".strip()
        guess = one.proposal
        measures = f"{one.path} [{one.unit}]" if one.path else f"{guess.path} [{guess.unit}]?"
        counts = f"{one.waiting} wait, {one.thinned} thinned, {one.refused} not kept"
        line = (str(one.pk), str(one), one.state, counts, span, measures)
        out.print(*line, markup=False, sep="  ", soft_wrap=True)


@app.command()
def accept(
    number: Number,
    *,
    path: Annotated[str, typer.Option(help="What it measures; else what is proposed.")] = "",
    unit: Annotated[str, typer.Option(help="Unit of its numbers; else what is proposed.")] = "",
    point: Annotated[str, typer.Option(help="URN of the point; else the first of its key.")] = "",
    signed: Annotated[bool, typer.Option(help="Below zero it flows the other way.")] = False,
) -> None:
    """Say what an input measures; what waited enters within seconds of a running node."""
    start.ready()
    from kevre.flow import input as inputs

    found = inputs.find(number)
    points = inputs.points_of(found.lineage)
    chosen = next((one for one in points if point in {"", one.urn}), None)
    if chosen is None:
        raise Missing(
            "point.absent", "the key of this input has no such point", hint="see the admin"
        )
    guess = found.proposal
    if not (path or guess.path):
        raise Malformed(
            "input.path", "nothing is proposed for this input", hint="give --path and --unit"
        )
    inputs.decide(found, chosen, path or guess.path, unit or guess.unit, is_signed=signed)
    out.print(f"{chosen.urn}_{found.path} [{found.unit}]", markup=False)


@app.command()
def refuse(
    numbers: Annotated[list[int], typer.Argument(help="Numbers of inputs.")],
) -> None:
    """Forget what waits for inputs; what comes later is counted and not kept."""
    start.ready()
    from kevre.flow import input as inputs
    from kevre.flow import tray

    for number in numbers:
        tray.refuse(inputs.find(number))

"""`kevre quarantine`: what could not be kept, replayed after a fix, or forgotten."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from kevre.model.errors import Malformed
from kevre.node import start

app = typer.Typer(help="What could not be kept: list, replay, forget.", no_args_is_help=False)
out = Console(highlight=False)
Origin = Annotated[str, typer.Option(help="Only of this origin, as it is listed.")]
Code = Annotated[str, typer.Option(help="Only with this reason, such as reading.bound.")]
Series = Annotated[str, typer.Option(help="Only of series whose name holds this.")]


@app.callback(invoke_without_command=True)
def lines(
    context: typer.Context,
    most: Annotated[int, typer.Option(help="How many lines to show at the most.")] = 50,
) -> None:
    """Show what could not be kept, newest first, with its reason and remedy."""
    if context.invoked_subcommand:
        return
    start.ready()
    from kevre.flow.models import Quarantined

    for one in Quarantined.objects.filter(resolved_at__isnull=True).defer("held")[:most]:
        remedy = f" ({one.hint})" if one.hint else ""
        place = f"{one.source}:{one.line} {one.field}".strip()
        out.print(f"{place}: {one.message}{remedy}", markup=False, soft_wrap=True)


@app.command("list")
def listing(*, origin: Origin = "", code: Code = "", series: Series = "") -> None:
    """Show open lines together: by origin, reason and series."""
    start.ready()
    from kevre.flow.quarantine import Wanted, groups

    for one in groups(Wanted(origin, code, series), 1_000):
        kept = f"{one.count} readings kept" if one.can_replay else "nothing to replay"
        words = (one.origin, one.code, one.urn or "-", f"{one.lines} lines", kept)
        out.print("  ".join(words), markup=False, soft_wrap=True)


@app.command()
def replay(
    *,
    origin: Origin = "",
    code: Code = "",
    series: Series = "",
    urn: Annotated[str, typer.Option(help="The series that they belong to.")] = "",
    unit: Annotated[str, typer.Option(help="The unit in which they were measured.")] = "",
    doubtful: Annotated[
        bool, typer.Option(help="Keep values that are not believed, as doubtful.")
    ] = False,
) -> None:
    """Let the readings of matching lines in, after their cause was mended.

    What still cannot be kept goes back with the reason of today. Works while the node runs.
    """
    config = start.ready()
    from kevre.node import control, quarantine, wire

    asked = {
        "origin": origin, "code": code, "series": series,
        "urn": urn, "unit": unit, "is_doubtful": doubtful,
    }  # fmt: skip
    done = control.ask(config.home, "replay", lambda _: None, **asked)
    if done is None:
        with wire.opened(config) as way:
            done = quarantine.replayed(way, asked, lambda _: None)
            wire.settle(way)
    out.print(
        f"{done['lines']} lines replayed: {done['entered']} readings entered, "
        f"{done['returned']} faults went back."
    )


@app.command()
def forget(*, origin: Origin = "", code: Code = "", series: Series = "") -> None:
    """Let matching lines go for good, with their readings."""
    start.ready()
    from kevre.flow.quarantine import Wanted
    from kevre.flow.quarantine import forget as let_go

    if not (origin or code or series):
        raise Malformed(
            "quarantine.all", "this would forget all of it", hint="name an origin or a reason"
        )
    out.print(f"{let_go(Wanted(origin, code, series), datetime.now(UTC))} lines forgotten.")

"""Gathers the commands, and gives each family of errors its exit code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

import kevre
from kevre.model.errors import KevreError
from kevre.node.cli import (
    backup,
    collector,
    conformance,
    demo,
    doctor,
    export,
    imports,
    inspect,
    node,
    peer,
    quarantine,
    registry,
    simulate,
    store,
    trace,
    tray,
    xmpp,
)

app = typer.Typer(
    help="Kevre: the open, federated energy-data platform of a territory.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("init")(node.init)
app.command("serve")(node.serve)
app.command("demo")(demo.demo)
app.command("import")(imports.import_files)
app.command("inspect")(inspect.inspect)
app.command("reconcile")(inspect.reconcile_files)
app.add_typer(export.app, name="export")
app.add_typer(store.app, name="store")
app.add_typer(peer.app, name="peer")
app.add_typer(collector.app, name="collector")
app.add_typer(tray.app, name="tray")
app.add_typer(xmpp.app, name="xmpp")
app.add_typer(simulate.app, name="simulate")
app.command("conformance")(conformance.conformance)
app.command("trace")(trace.trace)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("doctor")(doctor.doctor)
app.command("user")(registry.user)
app.command("key")(registry.key)
app.add_typer(registry.keys, name="keys")
app.add_typer(quarantine.app, name="quarantine")


@app.callback(invoke_without_command=True)
def version(
    *, show: Annotated[bool, typer.Option("--version", help="Say the version and stop.")] = False
) -> None:
    """Answer --version."""
    if show:
        Console().print(kevre.__version__)
        raise typer.Exit


def main() -> None:
    """Run one command; an error says what, where and how to mend it, and has its exit code."""
    try:
        app()
    except KevreError as error:
        Console(stderr=True, highlight=False).print(f"[red]kevre:[/red] {error}", soft_wrap=True)
        sys.exit(error.exit_code)

"""`kevre doctor`: say what is wrong with a node, and how to mend it."""

from __future__ import annotations

import typer
from rich.console import Console

from kevre.model.errors import KevreError
from kevre.node import start

out = Console(highlight=False)


def doctor() -> None:
    """Check configuration, registry and readings; exit 1 if something is wrong."""
    config = start.ready()
    from kevre.node.health import checks

    is_sound = True
    for name, check in checks(config):
        try:
            told = check()
        except KevreError as error:
            is_sound = False
            out.print(f"✗ {name}: {error}", markup=False, soft_wrap=True)
            continue
        out.print(f"✓ {name}: {told}", markup=False, soft_wrap=True)
    if not is_sound:
        raise typer.Exit(1)

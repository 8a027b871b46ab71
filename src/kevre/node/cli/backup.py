"""`kevre backup` and `kevre restore`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from kevre.model.errors import Missing
from kevre.node import start

if TYPE_CHECKING:
    from kevre.node.backup import Manifest
    from kevre.node.config import Config

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def backup(
    folder: Annotated[Path, typer.Argument(help="Where to; each backup gets a folder in it.")],
) -> None:
    """Copy registry and readings of one moment, while the node runs or stands still."""
    target = folder.resolve() / f"kevre-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    save(target, portable=False)


def save(target: Path, *, portable: bool) -> None:
    """Copy a node into a folder, by its own process if it runs."""
    config = start.ready()
    from kevre.node import backup as copies
    from kevre.node import control, wire

    form = copies.PORTABLE if portable else copies.COPY
    if control.ask(config.home, "backup", _tell, target=str(target), form=form) is None:
        with wire.opened(config) as way:
            copies.make(config, way.store, target, _tell, form=form)
    _report("saved", copies.prove(target), target)


def restore(
    folder: Annotated[
        Path | None, typer.Argument(help="Of kevre backup, or kevre export everything.")
    ] = None,
    *,
    from_peer: Annotated[str, typer.Option(help="Address of a sponsor that has a copy.")] = "",
    replace: Annotated[bool, typer.Option(help="Move what is there aside first.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only prove that it is whole.")] = False,
) -> None:
    """Prove a backup, put it in place in KEVRE_HOME, and count it again.

    From a sponsor it needs the recovery code, which is asked for, or read from standard input.
    """
    config = start.ready(for_restore=True)
    from kevre.node import backup as copies
    from kevre.node import restore as putting

    if from_peer:
        _fetch(config, from_peer, replace=replace)
        return
    if folder is None:
        raise Missing("backup.none", "a folder is missing", hint="or --from-peer and its address")
    folder = folder.resolve()
    if check:
        _report("whole", copies.prove(folder), folder)
        return
    manifest = putting.restore(config, folder, _tell, replace=replace)
    _report("restored", manifest, folder)


def _fetch(config: Config, url: str, *, replace: bool) -> None:
    from kevre.federate.recovery import Recovery
    from kevre.node import sponsorship

    hidden = sys.stdin.isatty()
    code = typer.prompt("Recovery code", hide_input=hidden, prompt_suffix=": ", err=True)
    secret = Recovery.parse(code)
    manifest, made_at = sponsorship.restored(config, url, secret, _tell, replace=replace)
    out.print(
        f"restored the copy of {made_at:%Y-%m-%d %H:%M:%S}: {manifest.readings['series']} series, "
        f"{manifest.readings['change']} changes, {sum(manifest.registry.values())} registry rows. "
        "What came after it is not in it.",
        soft_wrap=True,
    )


def _tell(step: str) -> None:
    err.print(f"{step}…", soft_wrap=True)


def _report(done: str, manifest: Manifest, folder: Path) -> None:
    size = sum(int(facts["size"]) for facts in manifest.files.values())
    out.print(
        f"{done}: {folder.name}, made {manifest.made}, {size / 1e6:.1f} MB in "
        f"{len(manifest.files)} files, each with the digest of its manifest; "
        f"{manifest.readings['series']} series, {manifest.readings['daily']} daily totals, "
        f"{manifest.readings['change']} changes, {sum(manifest.registry.values())} registry rows",
        soft_wrap=True,
    )

"""`kevre export parquet` and `kevre export verify`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kevre.model.errors import Conflict
from kevre.model.month import Month
from kevre.node import start
from kevre.node.cli.backup import save

app = typer.Typer(help="Copy readings for other engines.", no_args_is_help=True)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@app.command("parquet")
def parquet(
    folder: Annotated[Path, typer.Argument(help="Where to; made if absent.")],
    *,
    since: Annotated[str, typer.Option(help="The first month, such as 2025-01.")] = "",
    until: Annotated[str, typer.Option(help="The last month, such as 2025-12.")] = "",
    territory: Annotated[str, typer.Option(help="Only of this INSEE or SIREN code.")] = "",
) -> None:
    """Write closed months as sorted Parquet with a manifest; again writes what changed.

    The node must be stopped meanwhile: one process holds the readings.
    """
    months = [Month.parse(text) if text else None for text in (since, until)]
    config = start.ready()
    from kevre.flow import export
    from kevre.node import install, wire

    install.check(config)
    asked = export.Asked(territory or None, *months)
    with wire.opened(config) as way, _bar() as tell:
        manifest, looked_at = export.export(
            way.store, way.door, folder, asked, now=datetime.now(UTC), tell=tell
        )
    files = manifest.files.values()
    size_mb = sum(file.bytes for file in (*files, manifest.series)) / 1e6
    out.print(
        f"{looked_at} months written or looked at again. The folder holds {len(files)} months, "
        f"{sum(file.rows for file in files)} readings of {manifest.series.rows} series, "
        f"{size_mb:.1f} MB.",
        soft_wrap=True,
    )


@app.command("everything")
def everything(
    folder: Annotated[Path, typer.Argument(help="Where to; must not be there yet.")],
) -> None:
    """Write the whole node, so that kevre restore puts it into another: rows, not files.

    Registry, grants, access log, readings with what they said before: from SQLite or
    PostgreSQL, from a file, of one moment, while the node runs or stands still.
    """
    save(folder.resolve(), portable=True)


@app.command("verify")
def verify(
    folder: Annotated[Path, typer.Argument(help="A folder that `kevre export` wrote.")],
) -> None:
    """Compare an export with its manifest: bytes, digests, counts, sums. Needs no node."""
    from kevre.flow.export_folder import differences

    found = differences(folder)
    for one in found:
        err.print(one, markup=False, soft_wrap=True)
    if found:
        raise Conflict(
            "export.differs",
            "the folder is not as its manifest says",
            hint="run kevre export parquet into a new folder",
        )
    out.print("All files are as the manifest says.")


@contextmanager
def _bar() -> Iterator[Callable[[Month, int, int], None]]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeRemainingColumn(), console=err, transient=True) as progress:
        task = progress.add_task("looking for months", total=None)

        def tell(month: Month, number: int, count: int) -> None:
            progress.update(task, description=str(month), total=count, completed=number - 1)

        yield tell

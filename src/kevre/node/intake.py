"""Importing files: recognised, read in batches, passed through the gate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from kevre.connect.recognise import Hints, read
from kevre.flow.accept import Receipt, Writer
from kevre.flow.way import Way
from kevre.model.errors import KevreError, Missing
from kevre.node import wire
from kevre.places.site import Site

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
_SHOWN = 20
_Advance = Callable[[int], None]


def import_files(way: Way, files: Sequence[Path], hints: Hints, site: Site | None) -> int:
    """Import files one after the other; give the exit code of the first that failed, or 0."""
    writer = Writer.operator("import", site=site)
    failures: list[KevreError] = []
    for path in files:
        try:
            receipt = _import_one(way, path, hints, writer)
        except KevreError as error:
            failures.append(error)
            err.print(f"{path.name}: {error}", style="red", soft_wrap=True, markup=False)
            continue
        _tell(path, receipt)
    wire.settle(way)
    return failures[0].exit_code if failures else 0


def find_site(slug: str) -> Site | None:
    """Find a site by its slug; an empty slug is no site.

    Raises:
        Missing: there is none of that name.
    """
    if not slug:
        return None
    found = Site.objects.filter(slug=slug).first()
    if found is None:
        raise Missing("site.absent", f"no site {slug!r}", where="--site")
    return found


def _import_one(way: Way, path: Path, hints: Hints, writer: Writer) -> Receipt:
    if not path.is_file():
        raise Missing("file.absent", "no such file", where=path.name)
    total = Receipt.empty()
    with _bar(path) as advance:
        for batch in read(path, hints, advance):
            total += way.gate.accept(batch, writer, now_s=int(time.time()))
    return total


@contextmanager
def _bar(path: Path) -> Iterator[_Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(path.name, total=path.stat().st_size)
        yield lambda count: progress.advance(task, count)


def _tell(path: Path, receipt: Receipt) -> None:
    new = f"{receipt.changed} new or changed, {receipt.same} known already"
    out.print(
        f"{path.name}: {receipt.kept} readings kept ({new}), {len(receipt.quarantined)} quarantined"
    )
    for fault in receipt.quarantined[:_SHOWN]:
        place = f"line {fault.line}" if fault.line else "file"
        field = f", field {fault.field}" if fault.field else ""
        remedy = f" ({fault.hint})" if fault.hint else ""
        out.print(f"  {place}{field}: {fault.message}{remedy}", soft_wrap=True, markup=False)
    if len(receipt.quarantined) > _SHOWN:
        out.print(f"  … {len(receipt.quarantined) - _SHOWN} more: `kevre quarantine`")

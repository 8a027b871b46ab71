"""`kevre inspect FILE…` and `kevre reconcile FILE…`: what files say, without a node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from kevre.connect.archive import sources
from kevre.connect.enedis import contract, root
from kevre.connect.gathering import Hints
from kevre.connect.recognise import read
from kevre.model import exact
from kevre.model.batch import Column
from kevre.model.errors import Missing
from kevre.node import config
from kevre.node.cli.imports import hints_of
from kevre.quality.reconcile import Report, reconcile
from kevre.quality.summary import Summary

out = Console(highlight=False, width=200)
_HOUR_S = 3_600
_SHOWN = 20
_REGISTER, _CURVES = "energy/active/index", ("power/active/corrected", "power/active/raw")

Files = Annotated[list[Path], typer.Argument(help="Files to read; archives are opened.")]
Prm = Annotated[str, typer.Option(help="The metering point, where the file has none.")]
Series = Annotated[str, typer.Option(help="URN of the point or series.")]
Zone = Annotated[str, typer.Option(help="Zone of times without an offset.")]


def inspect(
    files: Files,
    *,
    prm: Prm = "",
    series: Series = "",
    zone: Zone = "",
    unit: Annotated[str, typer.Option(help="Unit, where the file does not say it.")] = "",
    stamp: Annotated[str, typer.Option(help="Whether times are the `start` or the `end`.")] = "",
    direction: Annotated[str, typer.Option(help="`consumption` or `production`.")] = "",
) -> None:
    """Say what files hold, series by series; nothing is stored."""
    hints = hints_of(prm, series, zone, unit=unit, stamp=stamp, direction=direction)
    for path in files:
        _inspect(path, hints)


def _inspect(path: Path, hints: Hints) -> None:
    if _contract(_present(path), _keyed(hints)):
        return
    summaries: dict[str, Summary] = {}
    faults: Counter[str] = Counter()
    for batch in read(_present(path), _keyed(hints), lambda _: None):
        faults.update(fault.code for fault in batch.faults)
        for column in batch.columns:
            summaries.setdefault(column.series, Summary(column.kind.unit)).take(column)
    titles = ("series", "readings", "first start (UTC)", "last start (UTC)", "steps", "sum", "gaps",
              "qualities")  # fmt: skip
    table = Table(*titles, title=path.name, title_justify="left")
    for name in sorted(summaries):
        table.add_row(name.removeprefix("urn:dev:"), *_cells(summaries[name]))
    out.print(table)
    for code, count in sorted(faults.items()):
        out.print(f"  {count} x {code}")


def _contract(path: Path, hints: Hints) -> bool:
    """Tell the points and periods of a C15 or F15; say whether it holds nothing else."""
    kinds = set()
    for source in sources(path, lambda _: None, hints.keys):
        kind = root.contract_root(source.head())
        kinds.add(kind)
        if kind == "C15":
            for one in contract.situations(source):
                power = "" if one.power_va is None else f", {exact.to_text(*one.power_va)} VA"
                out.print(
                    f"{one.point} {one.segment}: {one.event} at {_at(one.event_s)}, {one.state}, "
                    f"{one.tariff}{power}, calendars {' '.join(one.calendars)}"
                )
        elif kind is not None:
            for charge in contract.charges(source):
                amount = "" if charge.quantity is None else exact.to_text(*charge.quantity)
                period = f"{_at(charge.start_s)} to {_at(charge.end_s)}"
                out.print(f"{charge.point} {charge.code}: {period}, {amount} {charge.unit}")
    return kinds <= {"F15_Detail_Facturation"}


def _cells(one: Summary) -> Sequence[str]:
    steps = ", ".join(f"{count} x {step_s} s" for step_s, count in sorted(one.steps_s.items()))
    qualities = ", ".join(
        f"{quality.name.lower()} {n}" for quality, n in sorted(one.qualities.items())
    )
    gaps = f"{one.gaps} ({one.gap_s / _HOUR_S:g} h)" if one.gaps else "0"
    total = f"{one.total} {one.unit}"
    return str(one.count), _at(one.first_s), _at(one.last_s), steps, total, gaps, qualities


def reconcile_files(files: Files, *, prm: Prm = "", series: Series = "", zone: Zone = "") -> None:
    """Compare the registers in files with the curves in them, point by point."""
    hints = _keyed(hints_of(prm, series, zone))
    pieces: dict[str, list[Column]] = {}
    for path in files:
        for batch in read(_present(path), hints, lambda _: None):
            for column in batch.columns:
                pieces.setdefault(column.series, []).append(column)
    compared = False
    for name in sorted(pieces):
        if not name.endswith(_REGISTER):
            continue
        curves = [
            pieces[other] for end in _CURVES if (other := name.replace(_REGISTER, end)) in pieces
        ]
        if curves:
            compared = True
            _tell(name.removeprefix("urn:dev:"), reconcile(pieces[name], curves[0]))
    if not compared:
        raise Missing(
            "reconcile.nothing",
            "the files hold no register together with a curve of the same point",
            hint="name the files of both",
        )


def _tell(name: str, report: Report) -> None:
    out.print(name, style="bold")
    if not report.spans:
        out.print("  the register has fewer than two readings while the curve is known")
        return
    share = "nothing was counted" if report.explained is None else f"{report.explained:.2%}"
    out.print(f"  explained by the curve: {share}")
    whole, differing = len(report.whole), report.differing
    out.print(f"  {whole - len(differing)} of {whole} spans with a whole curve agree to 1 Wh")
    energies = ", ".join(
        f"{q.name.lower()} {wh:.0f} Wh" for q, wh in sorted(report.energy_wh.items())
    )
    out.print(f"  the curve is {energies}")
    for span in differing[:_SHOWN]:
        out.print(
            f"  differs: {_at(span.start_s)} to {_at(span.end_s)}: "
            f"register {span.register_wh:.0f} Wh, curve {span.curve_wh:.0f} Wh"
        )
    for span in report.decreasing[:_SHOWN]:
        out.print(
            f"  went back: {_at(span.start_s)} to {_at(span.end_s)}: {span.register_wh:.0f} Wh"
        )
    for start_s, end_s in report.gaps[:_SHOWN]:
        out.print(f"  no curve: {_at(start_s)} to {_at(end_s)} ({(end_s - start_s) / _HOUR_S:g} h)")
    left = sum(max(len(one) - _SHOWN, 0) for one in (differing, report.decreasing, report.gaps))
    if left:
        out.print(f"  and {left} more")


def _at(at_s: int) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M}"


def _keyed(hints: Hints) -> Hints:
    return replace(hints, keys=config.load().stream_keys)


def _present(path: Path) -> Path:
    if not path.is_file():
        raise Missing("file.absent", "no such file", where=path.name)
    return path

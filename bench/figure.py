"""One measured figure, the table of all, and the file that machines read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Literal

from rich.console import Console
from rich.table import Table

BUILD = Path(__file__).resolve().parent.parent / "build"


@dataclass(frozen=True, slots=True)
class Figure:
    """A value beside its baseline and its target.

    Attributes:
        baseline: what it is compared with, in words.
        ratio: value / baseline, measured in the same run; None where it is a budget only.
        target: the limit for the value (or for the ratio, where `of` says so).
        better: whether lower or higher is better.
    """

    name: str
    value: float
    unit: str
    baseline: str
    ratio: float | None
    target: float | None
    better: Literal["lower", "higher"] = "lower"
    of: Literal["value", "ratio"] = "value"

    @property
    def met(self) -> bool | None:
        """Say whether the target is met; None without a target."""
        measured = self.value if self.of == "value" else self.ratio
        if self.target is None or measured is None:
            return None
        return measured <= self.target if self.better == "lower" else measured >= self.target


def report(figures: Sequence[Figure], path: Path = BUILD / "bench.json") -> None:
    """Print the table and write build/bench.json."""
    table = Table("figure", "value", "unit", "baseline", "ratio", "target", "met")
    for one in figures:
        ratio = "" if one.ratio is None else f"{one.ratio:.3g}"
        target = "" if one.target is None else f"{one.target:g}{' (ratio)' * (one.of == 'ratio')}"
        met = {True: "yes", False: "NO", None: ""}[one.met]
        table.add_row(one.name, f"{one.value:,.4g}", one.unit, one.baseline, ratio, target, met)
    Console(width=160).print(table)
    BUILD.mkdir(exist_ok=True)
    rows = [
        {key: value for key, value in asdict(one).items() if key not in {"better", "of"}}
        | {"met": one.met}
        for one in figures
    ]
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


def median_ms(run: Callable[[], object], times: int) -> float:
    """Give the median of how long a call takes [ms]; the first one warms up."""
    run()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        taken.append(1_000 * (time.perf_counter() - began))
    return median(taken)

"""Keeps the demo's series current: makes what is missing and sends it through the gate.

The same at set-up (400 days at once), at a start after a while, and each minute. How far each
series has come is noted in a file after the gate has acknowledged; sent twice is stored once.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kevre.flow.accept import Writer
from kevre.flow.way import Way
from kevre.model.batch import Batch, Column
from kevre.model.errors import Unavailable
from kevre.node.demo.make import Maker
from kevre.node.demo.plan import Plan, SeriesPlan, SitePlan, plan
from kevre.node.demo.replay import Run

ORIGIN = "demo"
HISTORY_DAYS = 400
_DAY_S = 86_400
# The gate takes as many at once; see model.batch.
_LARGEST = 50_000


def feed(way: Way, home: Path, until_s: int, *, history_days: int = HISTORY_DAYS) -> int:
    """Bring every demo series up to `until_s`; give how many readings were sent.

    A series of which nothing was sent yet begins `history_days` before.

    Raises:
        Unavailable: the demo is not set up in this home.
    """
    planned = plan()
    maker = Maker(planned.sky, stored_records(home))
    progress = Progress(home / "demo" / "fed.json")
    begin_s = (until_s // _DAY_S - history_days) * _DAY_S
    due = _due(planned, progress, begin_s, until_s)
    sent = 0
    for batch, reached in _batches(maker, due, until_s):
        way.gate.accept(batch, Writer.operator(ORIGIN), now_s=until_s)
        progress.note(reached)
        sent += len(batch)
    return sent


def stored_records(home: Path) -> dict[str, Path]:
    """Give the files of the real series that the set-up left here.

    Raises:
        Unavailable: there are none.
    """
    found = {path.stem: path for path in (home / "demo" / "record").glob("*.npz")}
    if not found:
        raise Unavailable("demo.absent", "the demo is not set up here", hint="run `make demo`")
    return found


class Progress:
    """How far each series has been fed: the end of its last interval [epoch s]."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reached: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}

    def of(self, urn: str) -> int | None:
        """Give where a series stands, or None if nothing was sent yet."""
        return self._reached.get(urn)

    def note(self, reached: dict[str, int]) -> None:
        """Write down where these series stand, whole or not at all."""
        self._reached |= reached
        torn = self._path.with_suffix(".torn")
        torn.write_text(json.dumps(self._reached))
        torn.replace(self._path)


Due = tuple[SitePlan, SeriesPlan, int]


def _due(planned: Plan, progress: Progress, begin_s: int, until_s: int) -> list[Due]:
    """Give the series that lack at least one whole interval, and from when."""
    due: list[Due] = []
    for site in planned.sites:
        for point in site.points:
            for series in point.series:
                since_s = progress.of(series.urn) or begin_s
                if series.step_s is not None and since_s + series.step_s <= until_s:
                    due.append((site, series, since_s))
    return due


def _batches(maker: Maker, due: list[Due], until_s: int) -> Iterator[tuple[Batch, dict[str, int]]]:
    """Give batches of at most _LARGEST readings, and how far each brings its series."""
    columns: list[Column] = []
    reached: dict[str, int] = {}
    count = 0
    for site, series, since_s in due:
        run = maker.readings(site, series, since_s, until_s)
        for piece in _pieces(run):
            if count + len(piece) > _LARGEST:
                yield _batch(columns, until_s), reached
                columns, reached, count = [], {}, 0
            columns.append(_column(series, piece))
            reached[series.urn] = int(piece.start_s[-1] + piece.step_s[-1])
            count += len(piece)
    if columns:
        yield _batch(columns, until_s), reached


def _pieces(run: Run) -> Iterator[Run]:
    for first in range(0, len(run), _LARGEST):
        part = slice(first, first + _LARGEST)
        yield Run(
            run.start_s[part], run.step_s[part], run.value[part], run.exponent, run.quality[part]
        )


def _column(series: SeriesPlan, run: Run) -> Column:
    return Column(
        series=series.urn,
        kind=series.kind,
        exponent=run.exponent,
        start_s=array("q", run.start_s.astype(np.int64).tobytes()),
        step_s=array("i", run.step_s.astype(np.int32).tobytes()),
        value=array("q", run.value.astype(np.int64).tobytes()),
        quality=array("B", run.quality.astype(np.uint8).tobytes()),
    )


def _batch(columns: list[Column], until_s: int) -> Batch:
    first = columns[0]
    key = f"{until_s}-{first.series.rsplit(':', 1)[-1]}-{first.start_s[0]}"
    return Batch(ORIGIN, key[:80], tuple(columns), source="demo")

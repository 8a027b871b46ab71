"""How fast readings are stored and read back, beside SQLite with a row for each reading."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from array import array
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import numpy as np

from bench.figure import Figure
from kevre.model.batch import Column
from kevre.model.identifier import KINDS
from kevre.model.permit import Permit
from kevre.model.step import Resolution
from kevre.model.window import EARLIEST_S, LATEST_S, Window, local_day
from kevre.store import Store

_PATH = "consumption/power/active/raw"
_METERS, _SLOTS, _STEP_S = 100, 17_520, 1_800
_START_S = 1_735_689_600  # 2025-01-01
_PARIS = ZoneInfo("Europe/Paris")
_YEAR = Window.of_seconds(_START_S, _START_S + _SLOTS * _STEP_S)


def figures() -> list[Figure]:
    """Load a year of a hundred meters into both, and ask the same of both."""
    curves = _curves()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        rows, row_day, row_bytes = _sqlite(home / "rows.sqlite3", curves)
        return _ours(home / "readings.duckdb", curves, (rows, row_day, row_bytes))


def _curves() -> np.ndarray:
    """Make seeded loads: a daily shape and log-normal noise, whole watts."""
    generator = np.random.default_rng(42)
    slot = np.arange(_SLOTS)
    shape = (
        400 + 300 * np.sin(slot / 48 * 2 * np.pi - 1.5) + 200 * np.cos(slot / _SLOTS * 2 * np.pi)
    )
    noise = generator.lognormal(0, 0.5, (_METERS, _SLOTS))
    return (shape * noise).astype(np.int64)


def _ours(path: Path, curves: np.ndarray, rows: tuple[float, float, float]) -> list[Figure]:
    keys = frozenset(range(1, _METERS + 1))
    window = Window.of_seconds(EARLIEST_S, LATEST_S)
    permit = Permit(keys, window, Resolution.RAW, totals_only=False, purpose="bench")
    first, last = local_day(_YEAR.start, _PARIS), local_day(_YEAR.end, _PARIS)
    with Store(path) as store:
        for key in keys:
            store.declare(key, KINDS[_PATH], _PARIS)
        began = time.perf_counter()
        for key, curve in enumerate(curves, start=1):
            store.write([(key, _column(curve))], batch=str(key), now_s=_START_S)
        rate = curves.size / (time.perf_counter() - began)
        for key in keys:
            store.refresh_daily(key, first, last)
        raw_ms = _median_ms(lambda: store.read(permit, 7, _YEAR))
        daily_ms = _median_ms(lambda: store.daily(permit, [7], first, last))
    size = path.stat().st_size / curves.size
    base = "SQLite, a row for each reading"
    return [
        Figure("bulk load", rate, "readings/s", base, rate / rows[0], 1_000_000, "higher"),
        Figure("a meter-year as stored", raw_ms, "ms", "", None, None),
        Figure("365 local days of a meter", daily_ms, "ms", base, daily_ms / rows[1], 10),
        Figure("on disk, with daily totals", size, "bytes/reading", base, size / rows[2], None),
    ]


def _column(curve: np.ndarray) -> Column:
    starts = np.arange(_START_S, _START_S + _SLOTS * _STEP_S, _STEP_S)
    return Column(
        f"urn:dev:prm:00000000000001_{_PATH}",
        KINDS[_PATH],
        0,
        array("q", starts.tobytes()),
        array("i", [_STEP_S]) * _SLOTS,
        array("q", curve.tobytes()),
        array("B", bytes(_SLOTS)),
    )


def _sqlite(path: Path, curves: np.ndarray) -> tuple[float, float, float]:
    """Give readings loaded per second, milliseconds for 365 days, bytes a reading."""
    base = sqlite3.connect(path)
    base.execute("pragma journal_mode=wal")
    base.execute(
        "create table reading (series int, start_s int, value int, quality int, "
        "primary key (series, start_s)) without rowid"
    )
    starts = range(_START_S, _START_S + _SLOTS * _STEP_S, _STEP_S)
    began = time.perf_counter()
    for key, curve in enumerate(curves.tolist(), start=1):
        rows = ((key, start, value, 0) for start, value in zip(starts, curve, strict=True))
        with base:
            base.executemany("insert into reading values (?, ?, ?, ?)", rows)
    rate = curves.size / (time.perf_counter() - began)
    days = "select (start_s + 3600) / 86400, sum(value) from reading where series = ? group by 1"
    day_ms = _median_ms(lambda: base.execute(days, (7,)).fetchall())
    base.execute("pragma wal_checkpoint(truncate)")
    base.close()
    return rate, day_ms, path.stat().st_size / curves.size


def _median_ms(run) -> float:
    times = []
    for _ in range(15):
        began = time.perf_counter()
        run()
        times.append(1_000 * (time.perf_counter() - began))
    return median(times)

"""A territory's year: `python -m bench.territory` (METERS=5000) beside other ways to keep it.

Rows in SQLite and PostgreSQL are kept of fewer meters: what a reading or a meter costs does
not depend on their number. Every answer is held against NumPy's.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from tools import postgres

from bench import rival
from bench.figure import BUILD, Figure, median_ms, report
from bench.load import SLOTS, START_S, STEP_S, curves
from kevre.model.batch import Column
from kevre.model.identifier import KINDS
from kevre.model.permit import Permit
from kevre.model.step import Resolution
from kevre.model.window import EARLIEST_S, LATEST_S, PARIS, Window
from kevre.store import Store

KIND = KINDS["consumption/power/active/raw"]
YEAR = Window.of_seconds(START_S, START_S + SLOTS * STEP_S)
END_S = START_S + SLOTS * STEP_S
DAYS = date(2025, 1, 1), date(2025, 12, 31)
ROW_METERS = 100
PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
MARKS = "<!-- bench-territory -->", "<!-- /bench-territory -->"
LOADING = "import sys; from bench.territory import load; load(sys.argv[1], int(sys.argv[2]))"
ASKING = "import sys; from bench.territory import ask; ask(sys.argv[1], int(sys.argv[2]))"


def figures(meters: int, night: int) -> list[Figure]:
    """Measure a territory of so many meters, and one night of so many."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "readings.duckdb"
        some, there = (np.concatenate(part) for part in zip(*curves(ROW_METERS), strict=True))
        rivals = [
            rival.sqlite(folder, some, there),
            rival.emoncms(folder, some, there),
            rival.parquet(folder, some, there),
            rival.bound(some, there),
        ]
        with suppress(FileNotFoundError), postgres.running() as url:
            rivals.insert(1, rival.postgresql(url, some, there))
        loaded = _child(LOADING, path, meters)
        size = path.stat().st_size / loaded["readings"]
        asked = _child(ASKING, path, meters)
        night_s, live = _night(folder / "night.duckdb", night)
    return _figures(
        meters, night, loaded | asked | {"size": size, "night_s": night_s} | live, rivals
    )


def load(path: str, meters: int) -> None:
    """Load a year, compact, total its days, vacuum; print what it took."""
    spent_s, readings, key = 0.0, 0, 0
    with Store(Path(path)) as store:
        for key in range(1, meters + 1):
            store.declare(key, KIND, PARIS)
        key = 0
        for watts, there in curves(meters):
            batch = []
            for curve, known in zip(watts, there, strict=True):
                key += 1
                batch.append((key, _column(curve, known)))
            readings += int(there.sum())
            began = time.perf_counter()
            store.write(batch, batch=str(key), now_s=END_S)
            spent_s += time.perf_counter() - began
        store.compact(END_S)
        began = time.perf_counter()
        store.refresh_many(dict.fromkeys(range(1, meters + 1), DAYS))
        daily_s = time.perf_counter() - began
        store.vacuum()
    _print(readings=readings, rate=readings / spent_s, daily_s=daily_s, load_mb=_peak_mb())


def ask(path: str, meters: int) -> None:
    """Ask of a cold store, then of a warm one; hold the answers against NumPy."""
    with Path(path).open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    keys = frozenset(range(1, meters + 1))
    permit = Permit(keys, Window.of_seconds(EARLIEST_S, LATEST_S), Resolution.RAW, False, "bench")
    began = time.perf_counter()
    with Store(Path(path)) as store:
        store.read(permit, 7, YEAR)
        cold_ms = 1_000 * (time.perf_counter() - began)
        raw_ms = median_ms(lambda: store.read(permit, 7, YEAR), 25)
        days_ms = median_ms(lambda: store.daily(permit, [7], *DAYS), 25)
        months_ms = median_ms(lambda: store.periods(permit, keys, *DAYS, Resolution.MONTH), 5)
        half_hours_ms = median_ms(lambda: store.total(permit, keys, YEAR, Resolution.HALF_HOUR), 5)
        asking_mb = _peak_mb()
        began = time.perf_counter()
        store.total(permit, keys, YEAR, Resolution.MONTH)
        raw_months_s = time.perf_counter() - began
        _check(store, permit, meters)
        began = time.perf_counter()
        store.erase(7)
        store.vacuum()
        erase_s = time.perf_counter() - began
    _print(
        cold_ms=cold_ms, raw_ms=raw_ms, days_ms=days_ms, months_ms=months_ms, erase_s=erase_s,
        half_hours_s=half_hours_ms / 1_000, raw_months_s=raw_months_s, asking_mb=asking_mb,
    )  # fmt: skip


def _check(store: Store, permit: Permit, meters: int) -> None:
    sums, months = np.zeros(SLOTS), np.zeros(meters)
    for number, (watts, there) in enumerate(curves(meters)):
        sums += np.where(there, watts, 0).sum(axis=0)
        if number == 0:
            seventh = watts[6][there[6]]
        at = slice(number * 50, number * 50 + len(watts))
        # The local year begins and ends an hour before that of UTC.
        months[at] = np.where(there, watts, 0)[:, :-2].sum(axis=1) / 2
    keys = permit.series
    assert np.array_equal(store.read(permit, 7, YEAR).value, seventh)
    total = store.total(permit, keys, YEAR, Resolution.HALF_HOUR)
    assert np.array_equal(total.energy * 2, sums[(total.start_s - START_S) // STEP_S])
    periods = store.periods(permit, keys, *DAYS, Resolution.MONTH)
    assert np.allclose(np.bincount(periods.series, periods.total)[1:], months, rtol=1e-9)


def _night(path: Path, meters: int) -> tuple[float, dict[str, float]]:
    """Write two nights, the second with corrections of the first; then live readings."""
    with Store(path) as store:
        for key in range(1, meters + 1):
            store.declare(key, KIND, PARIS)
        store.write(list(_columns(meters, 0, 48, 1)), batch="first", now_s=START_S)
        second = list(_columns(meters, 43, 91, 2))
        began = time.perf_counter()
        told = store.write(second, batch="second", now_s=START_S + 86_400)
        night_s = time.perf_counter() - began
        assert (told.new, told.changed) == (meters * 43, meters * 5)
        return night_s, _live(store, min(meters, 1_000))


def _live(store: Store, meters: int) -> dict[str, float]:
    permit = Permit(
        frozenset(range(1, meters + 1)), Window.of_seconds(EARLIEST_S, LATEST_S), Resolution.RAW,
        False, "bench",
    )  # fmt: skip
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            store.read(permit, 7, permit.window)

    def commits(first: int, count: int) -> list[float]:
        taken = []
        for turn in range(first, first + count):
            live = list(_columns(meters, 1_000 + turn, 1_001 + turn, turn))
            began = time.perf_counter()
            store.write(live, batch="live", now_s=END_S)
            taken.append(1_000 * (time.perf_counter() - began))
        return taken

    alone = commits(0, 100)
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    beside = commits(100, 200)
    stop.set()
    for reader in readers:
        reader.join()
    return {
        "live_ms": float(np.median(alone)),
        "live_p99_ms": float(np.quantile(beside, 0.99)),
    }


def _columns(meters: int, first: int, end: int, value: int) -> Iterator[tuple[int, Column]]:
    starts = array("q", range(START_S + first * STEP_S, START_S + end * STEP_S, STEP_S))
    count = end - first
    steps, quality = array("i", [STEP_S] * count), array("B", bytes(count))
    for key in range(1, meters + 1):
        values = array("q", [key + value] * count)
        yield key, Column("urn:x", KIND, 0, starts, steps, values, quality)


def _column(curve: np.ndarray, known: np.ndarray) -> Column:
    slots = np.flatnonzero(known)
    return Column(
        "urn:x",
        KIND,
        0,
        array("q", (START_S + slots * STEP_S).tobytes()),
        array("i", [STEP_S]) * len(slots),
        array("q", curve[slots].tobytes()),
        array("B", bytes(len(slots))),
    )


def _figures(
    meters: int, night: int, of: dict[str, float], rivals: Sequence[rival.Measured]
) -> list[Figure]:
    rows, best = rivals[0], rivals[-1]
    scale = meters / ROW_METERS
    bound_s = best.total_ms * scale / 1_000
    night_target = 3 if night >= 100_000 else None
    table = [
        Figure(
            "bulk load", of["rate"], "readings/s", rows.name, of["rate"] / rows.rate, 5e6, "higher"
        ),
        Figure(
            "on disk, all in", of["size"], "bytes/reading", best.name, of["size"] / best.size, 2.0
        ),
        Figure(
            f"a night of {night:,} meters, 10 % corrections",
            of["night_s"],
            "s",
            "",
            None,
            night_target,
        ),
        Figure(
            "a meter-year, raw, warm", of["raw_ms"], "ms", rows.name, of["raw_ms"] / rows.year_ms, 3
        ),
        Figure("a meter-year, raw, cold store", of["cold_ms"], "ms", "", None, 100),
        Figure("365 local days of a meter", of["days_ms"], "ms", "", None, 5),
        Figure(
            "territory per half hour",
            of["half_hours_s"],
            "s",
            best.name,
            of["half_hours_s"] / bound_s,
            0.3,
        ),
        Figure("months of each meter, from daily totals", of["months_ms"], "ms", "", None, 20),
        Figure("months of the territory, from raw", of["raw_months_s"], "s", "", None, 0.3),
        Figure("1,000 live readings, durable", of["live_ms"], "ms", "", None, 5),
        Figure("the same, p99 beside two readers", of["live_p99_ms"], "ms", "", None, 50),
        Figure("daily totals of the year, all meters", of["daily_s"], "s", "", None, None),
        Figure("peak memory, loading", of["load_mb"], "MB", "", None, 1_000),
        Figure("peak memory, asking", of["asking_mb"], "MB", "", None, 300),
        Figure("erasure of a meter with its bytes", of["erase_s"], "s", "", None, 10),
    ]
    for one in rivals:
        name = f"{one.name} ({ROW_METERS} meters)"
        table += [
            Figure(
                f"{name}: on disk", one.size, "bytes/reading", "Kevre", one.size / of["size"], None
            ),
            Figure(
                f"{name}: a meter-year",
                one.year_ms,
                "ms",
                "Kevre",
                one.year_ms / of["raw_ms"],
                None,
            ),
            Figure(
                f"{name}: territory per half hour",
                one.total_ms,
                "ms",
                "Kevre, per meter",
                one.total_ms * scale / 1_000 / of["half_hours_s"],
                None,
            ),
        ]
        if one.rate == one.rate:
            table.append(
                Figure(
                    f"{name}: load", one.rate, "readings/s", "Kevre", one.rate / of["rate"], None
                )
            )
    return table


def _child(program: str, path: Path, meters: int) -> dict[str, float]:
    """Run in a process of its own, whose memory is that of this work alone."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(path), str(meters)], stdout=subprocess.PIPE, check=True
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1_024


def _print(**told: float) -> None:
    print(json.dumps(told))


def write_page(figures: Sequence[Figure], meters: int) -> None:
    """Put the table into docs/performance.md, between its marks."""
    cpu = next(
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    rows = [
        (
            f"Measured on {datetime.now(UTC):%Y-%m-%d}: {cpu}, {os.cpu_count()} cores (shared), "
            f"Python {platform.python_version()}, {meters:,} meters of a generated year "
            "(see `bench/load.py`), memory limit 256 MB; medians of several calls."
        ),
        "",
        "| figure | value | unit | target | met | ratio | to |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in figures:
        ratio = "" if one.ratio is None else f"{one.ratio:.3g}"
        target = "" if one.target is None else f"{one.target:g}"
        met = {True: "yes", False: "**no**", None: ""}[one.met]
        rows.append(
            f"| {one.name} | {one.value:,.4g} | {one.unit} | {target} | {met} | {ratio} "
            f"| {one.baseline} |"
        )
    page = PAGE.read_text("utf-8")
    before, after = page.split(MARKS[0])[0], page.split(MARKS[1])[1]
    PAGE.write_text(before + "\n".join((MARKS[0], *rows, MARKS[1])) + after, "utf-8")


def main() -> None:
    """Measure, print, write build/bench.json; with --page also the page of the documentation."""
    meters = int(os.environ.get("METERS", "5000"))
    found = figures(meters, int(os.environ.get("NIGHT", "100000")))
    report(found, BUILD / "bench-territory.json")
    if "--page" in sys.argv:
        write_page(found, meters)


if __name__ == "__main__":
    main()

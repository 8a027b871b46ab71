"""A process that does everything to a store at once, until it is killed.

It prints the number of each batch that was acknowledged: two series in rows, a third in
bulk. Batches of even numbers go over what the ones before wrote.
"""

import sys
import threading
import time
from array import array
from datetime import date
from pathlib import Path

from kevre.model.batch import Column
from kevre.model.identifier import KINDS
from kevre.model.window import PARIS
from kevre.store import Rule, Store

SIZE, BULK, ERASED, THINNED = 300, 1500, 50, 3000
START_S = 1_750_000_000
OLD_S = 1_700_000_400
KIND = KINDS["consumption/power/active/raw"]


def column(start_s, number, size):
    starts = array("q", range(start_s, start_s + size * 10, 10))
    steps, values = array("i", [10] * size), array("q", [number] * size)
    return Column("x", KIND, 0, starts, steps, values, array("B", bytes(size)))


def write(store, number):
    while True:
        number += 1
        rows = column(START_S + number // 2 * SIZE * 10, number, SIZE)
        bulk = column(START_S + number * BULK * 10, number, BULK)
        store.write([(1, rows), (2, rows), (3, bulk)], batch=str(number), now_s=number)
        print(number, flush=True)  # noqa: T201 - its one way to acknowledge


def erase(store):
    while True:
        store.declare(9, KIND, PARIS)
        store.write([(9, column(START_S, 9, ERASED))], batch="erased", now_s=9)
        store.erase(9)
        time.sleep(0.05)
        store.vacuum()


def thin(store):
    """Only series 8 is as old as a day here, seen from the time that is given."""
    rule = Rule(KIND.statistic, KIND.unit, detail_days=1, step_s=600)
    while True:
        store.declare(8, KIND, PARIS)
        store.write([(8, column(OLD_S, 8, THINNED))], batch="thinned", now_s=8)
        store.retain([rule], OLD_S + 2 * 86_400)
        time.sleep(0.02)
        store.erase(8)


def compact(store):
    while True:
        store.compact(2_000_000_000)


def derive(store):
    while True:
        days = date(2025, 6, 15), date(2025, 6, 20)
        store.refresh_many({1: days, 2: days, 3: days})


def copy(store, path):
    while True:
        path.unlink(missing_ok=True)
        store.snapshot(path, lambda: None)
        time.sleep(0.1)


def main():
    path = Path(sys.argv[1])
    with Store(path, memory_mb=96, threads=1) as store:
        for series in (1, 2, 3):
            store.declare(series, KIND, PARIS)
        others = [(erase,), (thin,), (compact,), (derive,), (copy, path.with_name("copy.duckdb"))]
        for work, *more in others:
            threading.Thread(target=work, args=(store, *more), daemon=True).start()
        write(store, int(sys.argv[2]))


if __name__ == "__main__":
    main()

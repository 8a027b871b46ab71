"""A process that writes to shared readings, or reads them, until it is killed.

A writer prints the number of each batch that was acknowledged; it writes beside the other
one into the same series, puts rows into chunks and computes totals. A reader prints how
many readings it sees, which are whole batches and never fewer than before.
"""

import sys
import threading
from array import array
from datetime import date

from tests.store.conftest import ALWAYS, permit

from kevre.model.batch import Column
from kevre.model.identifier import KINDS
from kevre.model.window import PARIS
from kevre.store import Lake, Store

SIZE = 120
START_S = 1_750_000_000
KIND = KINDS["consumption/power/active/raw"]


def start_s(number, writer):
    return START_S + (2 * number + writer) * SIZE * 10


def write(store, writer, number):
    store.declare(1, KIND, PARIS)
    threading.Thread(target=tidy, args=(store,), daemon=True).start()
    while True:
        number += 1
        first_s = start_s(number, writer)
        starts = array("q", range(first_s, first_s + SIZE * 10, 10))
        values, steps = array("q", [number] * SIZE), array("i", [10] * SIZE)
        column = Column("x", KIND, 0, starts, steps, values, array("B", bytes(SIZE)))
        store.write([(1, column)], batch=f"{writer}-{number}", now_s=number)
        print(number, flush=True)  # noqa: T201 - its one way to acknowledge


def tidy(store):
    while True:
        store.compact(2_000_000_000)
        store.refresh_daily(1, date(2025, 6, 15), date(2025, 6, 16))


def read(store):
    seen = 0
    while True:
        count = len(store.read(permit(1), 1, ALWAYS))
        assert count % SIZE == 0, f"{count} readings: a batch in part"
        assert count >= seen, f"{count} readings after {seen}"
        seen = count
        print(seen, flush=True)  # noqa: T201 - its one way to tell


def main():
    work, catalog_url, data, *more = sys.argv[1:]
    with Store(Lake(catalog_url, data), memory_mb=96, threads=1) as store:
        if work == "write":
            write(store, *map(int, more))
        read(store)


if __name__ == "__main__":
    main()

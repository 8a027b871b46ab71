import random
import subprocess
import sys
import time

from tests.store.conftest import ALWAYS, permit

from kevre.store import Store

# Writes batches of two series for ever, half of them over what is there, and says which are kept.
FEED = """
import sys
from array import array
from pathlib import Path
from kevre.model.batch import Column
from kevre.model.identifier import KINDS
from kevre.model.window import PARIS
from kevre.store import Store

SIZE = 300
kind = KINDS["consumption/power/active/raw"]
number = int(sys.argv[2])
with Store(Path(sys.argv[1]), memory_mb=64, threads=1) as store:
    for series in (1, 2):
        store.declare(series, kind, PARIS)
    while True:
        number += 1
        start = 1_750_000_000 + (number // 2) * SIZE * 10
        starts = array("q", range(start, start + SIZE * 10, 10))
        column = Column("x", kind, 0, starts, array("i", [10] * SIZE), array("q", [number] * SIZE), array("B", bytes(SIZE)))
        store.write([(1, column), (2, column)], batch=str(number), now_s=number)
        print(number, flush=True)
"""


def test_after_a_kill_every_acknowledged_batch_is_there_and_none_in_part(path):
    acknowledged = 0
    for _ in range(4):
        feed = subprocess.Popen(
            [sys.executable, "-c", FEED, str(path), str(acknowledged)], stdout=subprocess.PIPE
        )
        feed.stdout.readline()
        time.sleep(random.uniform(0.02, 0.4))
        feed.kill()
        told = feed.stdout.read().split()
        feed.stdout.close()
        feed.wait()
        acknowledged = max(acknowledged, *(int(number) for number in told), 1)

        with Store(path, memory_mb=128, threads=1) as store:
            logged = store.changes(0, 10**6)
            curves = [store.read(permit(series), series, ALWAYS) for series in (1, 2)]
        last = max(int(line.batch) for line in logged)
        assert acknowledged <= last <= acknowledged + 1
        assert {line.count for line in logged} == {300}
        for curve in curves:
            values, sizes = zip(*groups(curve.value.tolist()), strict=True)
            assert set(sizes) == {300}
            assert values == tuple(sorted({*range(1, last, 2), last}))
        acknowledged = last


def groups(values):
    found = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return sorted(found.items())

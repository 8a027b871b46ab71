"""Killed at any moment, while it loads, trickles, compacts, totals, thins, erases and is copied.

`make soak` kills 200 times; the suite a few.
"""

import os
import random
import subprocess
import sys
import time

from tests.store.busy import BULK, ERASED, SIZE, THINNED
from tests.store.conftest import ALWAYS, permit

from kevre.store import Store

KILLS = int(os.environ.get("KEVRE_KILLS", "6"))


def test_after_a_kill_every_acknowledged_batch_is_there_and_none_in_part(path):
    last, slowest_s = 0, 0.0
    for kill in range(KILLS):
        acknowledged = killed(path, last)

        began = time.perf_counter()
        with Store(path, memory_mb=128, threads=1) as store:
            slowest_s = max(slowest_s, time.perf_counter() - began)
            last = held(store, acknowledged, last)
        if kill % 20 == 19:
            print(f"{kill + 1} kills, {last} batches, reopened within {slowest_s:.3f} s")  # noqa: T201
    assert last > KILLS


def killed(path, last):
    """Let a busy process go on from a number and kill it; give what it acknowledged last."""
    busy = subprocess.Popen(
        [sys.executable, "-m", "tests.store.busy", str(path), str(last)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = busy.stdout.readline()
    assert first, busy.stderr.read()
    time.sleep(random.uniform(0, 0.5))
    busy.kill()
    told, failed = busy.communicate()
    assert "Traceback" not in failed, failed
    return max(int(number) for number in [first, *told.split()])


def held(store, acknowledged, before):
    """Hold that what is there is what was acknowledged, or one batch more; give its number."""
    curves = [store.read(permit(series), series, ALWAYS) for series in (1, 2, 3)]
    last = int(curves[2].value[-1])
    assert acknowledged <= last <= acknowledged + 1
    newest = sorted({*range(1, last, 2), last})
    for curve in curves[:2]:
        assert sizes(curve) == dict.fromkeys(newest, SIZE)
    assert sizes(curves[2]) == dict.fromkeys(range(1, last + 1), BULK)
    assert len(store.read(permit(9), 9, ALWAYS)) in {0, ERASED}
    old = store.read(permit(8), 8, ALWAYS)
    assert int((old.step_s * old.value).sum()) in {0, THINNED * 10 * 8}
    logged = [line for line in store.changes(0, 10**6) if line.batch.isdigit()]
    assert {line.batch for line in logged} == {str(number) for number in range(1, last + 1)}
    assert before <= last
    return last


def sizes(curve):
    found = {}
    for value in curve.value.tolist():
        found[value] = found.get(value, 0) + 1
    return found

"""A disk that is full, and a file that is damaged."""

import subprocess
import sys

import numpy as np
import pytest
from tests.store.conftest import ALWAYS, NOW_S, POWER, column, permit, steady

from kevre.model.errors import KevreError
from kevre.model.window import PARIS
from kevre.store import Store

T = 1_782_000_000

# A limit on the size of files is to a program what a full disk is, and needs no rights.
FILL = """
import resource, sys
from pathlib import Path
import numpy as np
from tests.store.conftest import ALWAYS, POWER, permit, steady
from kevre.model.errors import Unavailable
from kevre.model.window import PARIS
from kevre.store import Store

noise = np.random.default_rng(1)
T = 1_782_000_000
with Store(Path(sys.argv[1]), memory_mb=64, threads=1) as store:
    store.declare(1, POWER, PARIS)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, hard))
    kept = 0
    try:
        while kept < 10_000:
            values = noise.integers(-(2**60), 2**60, 900).tolist()
            store.write([(1, steady(T + kept * 9_000, values, step_s=10))], batch="b", now_s=1)
            kept += 1
    except Unavailable as error:
        print(error.code)
    print(len(store.read(permit(1), 1, ALWAYS)) == 900 * kept > 900)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    print(store.write([(1, steady(T + 10**8, [1, 2]))], batch="b", now_s=1).new)
    print(len(store.read(permit(1), 1, ALWAYS)) == 900 * kept + 2)
"""


def test_a_full_disk_refuses_writes_and_nothing_else_and_room_mends_it(path):
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.stdout.split() == ["store.disk", "True", "2", "True"], done.stderr
    with Store(path, memory_mb=64, threads=1) as store:
        assert len(store.read(permit(1), 1, ALWAYS)) > 900


@pytest.fixture
def damaged(path):
    """A file in whose chunks some bytes are others than were written."""
    noise = np.random.default_rng(1).integers(0, 2**40, 17_520)
    with Store(path, memory_mb=64, threads=1) as store:
        store.declare(1, POWER, PARIS)
        store.write([(1, steady(T, noise.tolist()))], batch="b", now_s=NOW_S)
    plane = (noise - noise.min()).view(np.uint8).reshape(-1, 8)[:, 0].tobytes()
    content = bytearray(path.read_bytes())
    at = content.find(plane[5_000:5_064])
    assert at > 0
    content[at] ^= 1
    path.write_bytes(content)
    return path


def test_a_damaged_file_is_named_with_the_remedy(damaged):
    with Store(damaged, memory_mb=64, threads=1) as store, pytest.raises(KevreError) as caught:
        store.read(permit(1), 1, ALWAYS)

    assert caught.value.code == "store.damaged"
    assert caught.value.where == "readings.duckdb"
    assert "kevre restore" in caught.value.hint


def test_what_is_not_damaged_can_still_be_written_and_read(damaged):
    with Store(damaged, memory_mb=64, threads=1) as store:
        store.declare(2, POWER, PARIS)
        with pytest.raises(KevreError):
            store.read(permit(1), 1, ALWAYS)
        store.write([(2, column([(T, 600, 5)]))], batch="b", now_s=NOW_S)
        assert store.read(permit(2), 2, ALWAYS).values.tolist() == [5]

import subprocess
import sys
import time

import duckdb
import pytest
from tests.store.conftest import ALWAYS, NOW_S, POWER, permit, steady

from kevre.model.errors import Conflict, Malformed, Unavailable
from kevre.model.window import PARIS
from kevre.store import Store

OPEN_AND_WAIT = """
import sys
from pathlib import Path
from kevre.store import Store
with Store(Path(sys.argv[1]), memory_mb=64):
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_told_that_another_has_the_readings_open(path):
    with subprocess.Popen(
        [sys.executable, "-c", OPEN_AND_WAIT, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(Unavailable) as caught:
            Store(path)
        other.stdin.close()
    assert caught.value.code == "store.locked"
    Store(path).close()


def test_one_process_opens_the_file_once(path):
    with Store(path), pytest.raises(Unavailable) as caught:
        Store(path)
    assert caught.value.code == "store.locked"


def test_another_program_in_the_file_is_told_of(path):
    with duckdb.connect(path) as other:
        other.execute("create table hers(x integer)")
    with pytest.raises(Malformed) as caught:
        Store(path)
    assert caught.value.code == "store.foreign"

    path.write_bytes(b"not a database at all" * 1000)
    with pytest.raises(Malformed):
        Store(path)


@pytest.mark.parametrize(("step", "code"), [(1, "store.newer"), (-1, "store.older")])
def test_a_file_of_another_kevre_is_left_alone(path, step, code):
    Store(path).close()
    with duckdb.connect(path) as other:
        other.execute("update store_schema set version = version + ?", [step])

    with pytest.raises(Conflict) as caught:
        Store(path)

    assert caught.value.code == code


def test_a_closed_store_says_so(path):
    store = Store(path)
    store.declare(1, POWER, PARIS)
    store.close()
    store.close()

    for use in (
        lambda: store.read(permit(1), 1, ALWAYS),
        lambda: store.write([(1, steady(0, [1]))], batch="b", now_s=NOW_S),
        store.vacuum,
    ):
        with pytest.raises(Unavailable) as caught:
            use()
        assert caught.value.code == "store.closed"


def test_what_was_written_is_there_when_opened_again(path):
    with Store(path) as store:
        store.declare(1, POWER, PARIS)
        store.write([(1, steady(0, [1, 2], exponent=-1))], batch="b", now_s=NOW_S)

    with Store(path) as store:
        assert store.read(permit(1), 1, ALWAYS).unit == "W"
        again = store.write([(1, steady(3600, [1, 2]))], batch="b", now_s=NOW_S)
        assert again.new == 2
        window = ALWAYS.of_seconds(0, 7200)
        everything = permit(1, window=window)
        assert store.read(everything, 1, window).values.tolist() == [0.1, 0.2, 1.0, 2.0]


def test_a_long_import_stays_within_its_memory(path):
    started = time.monotonic()
    with Store(path, memory_mb=64, threads=1) as store:
        store.declare(1, POWER, PARIS)
        for block in range(20):
            values = [(block * 7919 + i * 31) % 5000 for i in range(50_000)]
            store.write(
                [(1, steady(block * 500_000, values, step_s=10))], batch=f"{block}", now_s=NOW_S
            )
        window = ALWAYS.of_seconds(0, 20 * 500_000)
        assert (
            sum(len(one) for one in store.blocks(permit(1, window=window), 1, window)) == 1_000_000
        )
    assert time.monotonic() - started < 30

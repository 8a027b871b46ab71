import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import numpy as np
import pytest
from tests.store.conftest import ALWAYS, NOW_S, POWER, midnight_s, permit, steady

from kevre.model.window import PARIS, Window
from kevre.store import Store

DAY_S = midnight_s(2025, 6, 2)
# Random over all 64 bits, so that no compression hides their bytes.
SECRET = np.random.default_rng(5).integers(-(2**63) + 1, 2**63 - 1, 4096)


def put(store, series, values, batch="b", start_s=DAY_S):
    return store.write([(series, steady(start_s, values))], batch=batch, now_s=NOW_S)


def bytes_of(path):
    return b"".join(one.read_bytes() for one in path.parent.iterdir())


def traces(values):
    """Pieces of what is on disk of these values: whole ones of rows, byte planes of chunks."""
    above = (values.view(np.uint64) - values.min().view(np.uint64)).view(np.uint8).reshape(-1, 8)
    planes = b"".join(above[:, place].tobytes() for place in range(8))
    return [planes[at : at + 16] for at in range(0, len(planes), 256)] + [
        int(value).to_bytes(8, "little", signed=True) for value in values
    ]


def traces_left(path, values):
    content = bytes_of(path)
    return sum(content.count(trace) > 0 for trace in traces(values))


@pytest.mark.parametrize("count", [900, 4096], ids=["rows", "chunks"])
def test_erased_values_and_batch_names_leave_no_byte_behind(path, count):
    secret = SECRET[:count]
    with Store(path, memory_mb=128) as store:
        store.declare(1, POWER, PARIS)
        store.declare(2, POWER, PARIS)
        put(store, 1, secret.tolist(), batch="the-secret-batch")
        put(store, 2, range(100), batch="another-batch")
        store.refresh_daily(1, date(2025, 6, 2), date(2025, 6, 9))
    assert traces_left(path, secret) > 100
    assert b"the-secret-batch" in bytes_of(path)

    with Store(path, memory_mb=128) as store:
        assert store.erase(1) == count
        store.vacuum()

        assert traces_left(path, secret) == 0
        assert b"the-secret-batch" not in bytes_of(path)
        assert b"another-batch" in bytes_of(path)
        assert store.read(permit(2), 2, ALWAYS).values.tolist() == list(range(100))
        assert put(store, 2, range(101)).new == 1
    with Store(path, memory_mb=128) as store:
        assert len(store.read(permit(2), 2, ALWAYS)) == 101


def test_an_erased_series_is_unknown_and_may_begin_anew(store):
    put(store, 1, [10**15])
    store.refresh_daily(1, date(2025, 6, 2), date(2025, 6, 2))

    store.erase(1)

    with store._connection.reading() as cursor:
        for table, key in (
            ("recent", "series"),
            ("chunk", "series"),
            ("superseded", "series"),
            ("daily", "series"),
            ("change", "series"),
            ("series", "id"),
        ):
            assert cursor.execute(f"select count(*) from {table} where {key} = 1").fetchone() == (
                0,
            )
    store.declare(1, POWER, PARIS)
    assert put(store, 1, [5]).new == 1


def test_numbers_of_the_change_log_are_not_used_again_after_an_erasure(path):
    with Store(path, memory_mb=128) as store:
        store.declare(1, POWER, PARIS)
        put(store, 1, [1])
        put(store, 1, [2])
        store.erase(1)
        store.declare(1, POWER, PARIS)
    with Store(path, memory_mb=128) as store:
        put(store, 1, [3])
        assert [line.seq for line in store.changes(0)] == [3]
        assert store.prune(NOW_S + 1) == 1
    with Store(path, memory_mb=128) as store:
        put(store, 1, [4])
        assert [line.seq for line in store.changes(0)] == [4]


def test_a_window_can_be_erased_alone_and_followers_learn_of_it(store):
    put(store, 1, [1000] * 96)
    store.refresh_daily(1, date(2025, 6, 2), date(2025, 6, 3))
    window = Window.of_seconds(DAY_S + 43_200, DAY_S + 86_400)

    assert store.erase(1, window, now_s=NOW_S + 5) == 24

    assert len(store.read(permit(1), 1, ALWAYS)) == 72
    totals = store.daily(permit(1), [1], date(2025, 6, 1), date(2025, 6, 5))
    assert totals.total.tolist() == [12_000.0, 24_000.0]
    last = store.changes(0)[-1]
    assert (last.first_s, last.last_s, last.count) == (window.start_s, window.end_s, 24)
    assert store.erase(1, window) == 0


def test_readers_and_writers_work_on_while_the_file_is_rewritten(store):
    put(store, 1, range(5000))
    is_over = threading.Event()

    def read():
        fewest = 5000
        while not is_over.is_set():
            fewest = min(fewest, len(store.read(permit(1), 1, ALWAYS)))
        return fewest

    def write():
        kept = 0
        while not is_over.is_set():
            kept += put(store, 2, [kept], start_s=DAY_S + kept * 1800).new
        return kept

    with ThreadPoolExecutor(3) as pool:
        read_twice, written = [pool.submit(read), pool.submit(read)], pool.submit(write)
        for _ in range(5):
            store.vacuum()
        is_over.set()

    assert [one.result() for one in read_twice] == [5000, 5000]
    assert len(store.read(permit(2), 2, ALWAYS)) == written.result() > 0

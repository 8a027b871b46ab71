"""Readings beyond one machine: several processes, a real PostgreSQL, random kills."""

import contextlib
import os
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import psycopg
import pytest
from tests.store.conftest import (
    ALWAYS,
    NOW_S,
    POWER,
    column,
    midnight_s,
    permit,
    rows,
    steady,
)
from tests.store.sharer import SIZE
from tests.store.test_erase import SECRET, traces
from tools import postgres

from kevre.model.errors import Conflict, Unavailable
from kevre.model.step import Resolution
from kevre.model.window import PARIS
from kevre.store import Lake, Store
from kevre.store.lake import FENCE, LakeConnection
from kevre.store.move import move

DAY_S = midnight_s(2025, 6, 2)
DAY = date(2025, 6, 2)
LINE = "insert into change values (1, 1, 0, 1, 1, 1, 'b')"
BATCHES = 12
BREAK = """
    select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
        and database = (select oid from pg_database where datname = current_database())
"""
ROUNDS = int(os.environ.get("KEVRE_KILLS", "12")) // 4


@pytest.fixture(scope="module")
def server():
    with postgres.running() as url:
        yield url


@pytest.fixture
def lake(server, tmp_path):
    name = f"lake_{os.getpid()}_{tmp_path.name.lower()}"[:60]
    with psycopg.connect(server, autocommit=True) as session:
        session.execute(f'create database "{name}"')
    return Lake(f"{server.rpartition('/')[0]}/{name}", str(tmp_path / "lake"))


def opened(lake):
    store = Store(lake, memory_mb=128, threads=1)
    store.declare(1, POWER, PARIS)
    return store


def test_what_one_process_writes_another_reads_and_corrects(lake):
    with opened(lake) as here, opened(lake) as there:
        here.write([(1, steady(DAY_S, range(48)))], batch="here", now_s=NOW_S)
        there.write([(1, steady(DAY_S, [7] * 10))], batch="there", now_s=NOW_S + 1)
        again = here.write([(1, steady(DAY_S, [7] * 10))], batch="again", now_s=NOW_S + 2)

        assert (again.new, again.changed, again.same) == (0, 0, 10)
        assert there.read(permit(1), 1, ALWAYS).values.tolist() == [7.0] * 10 + [*range(10, 48)]
        as_before = here.read(permit(1), 1, ALWAYS, as_of_s=NOW_S)
        assert as_before.values.tolist() == [*range(48)]
        assert [line.seq for line in there.changes(0)] == [1, 2]


def test_a_series_that_another_process_declared_can_be_read_and_written(lake):
    with opened(lake) as here, opened(lake) as there:
        here.declare(5, POWER, PARIS)
        fine = column([(DAY_S, 1800, 123456)], exponent=-3)
        here.write([(5, fine)], batch="fine", now_s=NOW_S)

        assert there.read(permit(5), 5, ALWAYS).values.tolist() == [123.456]
        there.declare(5, POWER, PARIS)
        there.write([(5, steady(DAY_S + 1800, [2]))], batch="b", now_s=NOW_S)
        assert here.read(permit(5), 5, ALWAYS).values.tolist() == [123.456, 2.0]


def test_writers_whose_locks_break_under_them_lose_nothing_and_share_no_number(lake):
    is_over = threading.Event()
    with opened(lake) as here, opened(lake) as there, ThreadPoolExecutor(3) as pool:
        breaking = pool.submit(broken_locks, lake, is_over)
        writing = [pool.submit(sent, store, name) for store, name in ((here, "h"), (there, "t"))]
        kept = [one.result(120) for one in writing]
        is_over.set()

        assert breaking.result() > 0
        assert kept == [BATCHES, BATCHES]
        lines = there.changes(0)
        assert [line.seq for line in lines] == list(range(1, 2 * BATCHES + 1))
        assert len({line.batch for line in lines}) == 2 * BATCHES
        assert here.read(permit(1), 1, ALWAYS).values.tolist() == [*range(BATCHES)] * 2


def test_a_transaction_whose_turn_was_lost_is_refused_whole(lake):
    with (
        opened(lake) as store,
        closing(LakeConnection(lake, memory_mb=96, threads=1)) as connection,
    ):
        with pytest.raises(Unavailable) as caught, connection.writing() as cursor:
            robbed(cursor, lake)

        assert caught.value.code == "store.contended"
        assert store.changes(0) == []


def robbed(cursor, lake):
    """Write a line, and lose the turn."""
    cursor.execute(LINE)
    with psycopg.connect(lake.catalog_url, autocommit=True) as session:
        assert len(session.execute(BREAK).fetchall()) == 1


def test_of_two_transactions_at_once_one_is_refused_without_any_lock(lake):
    with opened(lake) as store, closing(LakeConnection(lake, memory_mb=96, threads=1)) as one:
        with closing(LakeConnection(lake, memory_mb=96, threads=1)) as other:
            for connection in (one, other):
                for statement in ("begin", FENCE, LINE):
                    connection.writer.execute(statement)
            one.writer.execute("commit")
            with pytest.raises(duckdb.TransactionException, match="onflict"):
                other.writer.execute("commit")

        assert len(store.changes(0)) == 1


def broken_locks(lake, is_over):
    """End the sessions that hold a turn again and again; count them."""
    count = 0
    with psycopg.connect(lake.catalog_url, autocommit=True) as session:
        while not is_over.wait(random.uniform(0.1, 0.5)):
            count += len(session.execute(BREAK).fetchall())
    return count


def sent(store, name):
    """Send batches as a sender does, again where one is refused; count them."""
    first_s = DAY_S if name == "h" else DAY_S + BATCHES * 1800
    for number in range(BATCHES):
        while True:
            with contextlib.suppress(Unavailable):
                one = steady(first_s + number * 1800, [number])
                store.write([(1, one)], batch=f"{name}-{number}", now_s=NOW_S)
                break
    return BATCHES


def test_a_lake_answers_as_a_file_does(lake, path):
    random_w = np.random.default_rng(8).integers(0, 3_000, 2_000).tolist()
    with opened(lake) as shared, Store(path, memory_mb=128, threads=1) as alone:
        alone.declare(1, POWER, PARIS)
        for store in (shared, alone):
            store.write([(1, steady(DAY_S, random_w))], batch="b", now_s=NOW_S)
            store.write([(1, steady(DAY_S + 90_000, [5] * 9))], batch="c", now_s=NOW_S)
            store.compact(NOW_S)
            store.refresh_daily(1, DAY, date(2025, 7, 20))

        def answers(store):
            hours = store.total(permit(1), [1], ALWAYS, Resolution.HOUR)
            days = store.daily(permit(1), [1], DAY, date(2025, 7, 20))
            raw = rows(store.read(permit(1), 1, ALWAYS))
            return raw, hours.energy.tolist(), days.total.tolist(), store.counts()

        assert answers(shared) == answers(alone)


@pytest.mark.parametrize("count", [300, 4096], ids=["rows", "chunks"])
def test_erased_values_are_in_no_file_and_no_table(lake, count):
    secret = SECRET[:count]
    with opened(lake) as store:
        store.write([(1, steady(DAY_S, secret.tolist()))], batch="b", now_s=NOW_S)
        assert traces_left(lake, secret) > 10

        store.erase(1)
        store.vacuum()

        assert traces_left(lake, secret) == 0


def traces_left(lake, secret):
    """Count what is left in Parquet files and in PostgreSQL's tables (its log runs on)."""
    with psycopg.connect(lake.catalog_url, autocommit=True) as session:
        session.execute("checkpoint")
        found = session.execute(
            "select current_setting('data_directory'), oid::text from pg_database"
            " where datname = current_database()"
        )
        folder, base = found.fetchone()
    files = [*Path(lake.data).rglob("*.parquet"), *(Path(folder) / "base" / base).iterdir()]
    content = b"".join(one.read_bytes() for one in files)
    text = [str(value).encode() for value in secret.tolist()[:20]]
    return sum(trace in content for trace in [*traces(secret)[::4], *text])


@pytest.fixture
def filled(path):
    """A file with chunks, recent rows, corrections and daily totals."""
    with Store(path, memory_mb=128, threads=1) as store:
        store.declare(1, POWER, PARIS)
        store.write([(1, steady(DAY_S, range(2_000)))], batch="b", now_s=NOW_S)
        store.write([(1, steady(DAY_S + 3_600, [7] * 5))], batch="c", now_s=NOW_S)
        store.compact(NOW_S)
        store.write([(1, steady(DAY_S + 90_000, [9] * 5))], batch="d", now_s=NOW_S)
        store.refresh_daily(1, DAY, date(2025, 7, 20))
        return store.counts(), rows(store.read(permit(1), 1, ALWAYS))


def test_a_file_moves_into_a_lake_whole_and_only_into_an_empty_one(lake, path, filled):
    assert move(path, lake) == filled[0]

    with opened(lake) as store:
        assert rows(store.read(permit(1), 1, ALWAYS)) == filled[1]
        late = store.write([(1, steady(DAY_S, [1]))], batch="e", now_s=NOW_S)
        assert (late.changed, store.changes(0)[-1].seq) == (1, 4)
    with pytest.raises(Conflict) as caught:
        move(path, lake)
    assert caught.value.code == "store.not_empty"


def test_a_move_that_is_killed_leaves_an_empty_lake_and_can_be_repeated(lake, path, filled):
    script = (
        "import sys; from pathlib import Path; from kevre.store import Lake;"
        "from kevre.store.move import move; print('go', flush=True);"
        "move(Path(sys.argv[1]), Lake(*sys.argv[2:]))"
    )
    place = [str(path), lake.catalog_url, lake.data]
    moving = subprocess.Popen([sys.executable, "-c", script, *place], stdout=subprocess.PIPE)
    moving.stdout.readline()
    time.sleep(random.uniform(0, 0.6))
    moving.kill()
    moving.communicate()

    # It may have been through before it was killed.
    with contextlib.suppress(Conflict):
        move(path, lake)

    with opened(lake) as store:
        assert rows(store.read(permit(1), 1, ALWAYS)) == filled[1]
        assert store.counts() == filled[0]


def test_a_catalogue_that_does_not_answer_is_named(tmp_path):
    with pytest.raises(Unavailable) as caught:
        Store(Lake("postgresql://kevre@127.0.0.1:1/none", str(tmp_path / "lake")))

    assert caught.value.code == "store.catalog"


def test_two_writers_and_two_readers_killed_at_random_lose_and_halve_nothing(lake):
    opened(lake).close()
    last = [0, 0]
    for _ in range(ROUNDS):
        last = killed(lake, last)
        with opened(lake) as store:
            held(store, last)
    assert min(last) > 0


def killed(lake, last):
    """Let two writers go on and two readers look on, kill all; give what was acknowledged."""
    script = [sys.executable, "-m", "tests.store.sharer"]
    place = [lake.catalog_url, lake.data]
    writers = [[*script, "write", *place, str(w), str(n)] for w, n in enumerate(last)]
    readers = [[*script, "read", *place]] * 2
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for command in [*writers, *readers]]
    first = [process.stdout.readline() for process in processes]
    random.shuffle(order := list(range(4)))
    for number in order:
        time.sleep(random.uniform(0, 0.6))
        processes[number].kill()
    told = [process.communicate() for process in processes]
    for _, failed in told:
        assert "Traceback" not in failed, failed
    return [
        max(int(number) for number in [first[w] or last[w], *told[w][0].split()]) for w in (0, 1)
    ]


def held(store, last):
    """Hold that every acknowledged batch is whole; one more of each writer may be there."""
    curve = store.read(permit(1), 1, ALWAYS)
    logged = {line.batch for line in store.changes(0, 10**6)}
    assert len(curve) == len(logged) * SIZE
    for writer, acknowledged in enumerate(last):
        mine = sorted(int(b.partition("-")[2]) for b in logged if b.startswith(f"{writer}-"))
        assert mine == list(range(1, len(mine) + 1))
        assert acknowledged <= len(mine) <= acknowledged + 1
        last[writer] = len(mine)

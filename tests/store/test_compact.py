from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.conftest import (
    ALWAYS,
    INDEX,
    INSTANT,
    NOW_S,
    POWER,
    column,
    midnight_s,
    permit,
    rows,
    steady,
)

from kevre.model.errors import Malformed
from kevre.model.quality import Quality
from kevre.model.step import Resolution
from kevre.model.window import PARIS, Window
from kevre.store import Store
from kevre.store.chunk import CAPACITY

T = midnight_s(2025, 6, 2)
DAY = 86_400


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two stores that are told the same; only the first is ever compacted."""
    folder = tmp_path_factory.mktemp("pair")
    with (
        Store(folder / "tidy.duckdb", memory_mb=128, threads=1) as tidy,
        Store(folder / "plain.duckdb", memory_mb=128, threads=1) as plain,
    ):
        yield tidy, plain


def put(store, some, series=1, now_s=NOW_S):
    return store.write([(series, some)], batch="b", now_s=now_s)


def chunks(store, series=1):
    """(first_s, last_s, count) of each chunk."""
    statement = "select first_s, last_s, count from chunk where series = ? order by first_s"
    with store._connection.reading() as cursor:
        return cursor.execute(statement, [series]).fetchall()


def table_count(store, table):
    with store._connection.reading() as cursor:
        return cursor.execute(f"select count(*) from {table}").fetchone()[0]


readings = st.lists(
    st.tuples(
        st.integers(0, 40).map(lambda slot: T + slot * 7200),
        st.sampled_from([0, 600, 7200]),
        st.one_of(st.none(), st.integers(-1000, 1000)),
        st.sampled_from([Quality.MEASURED, Quality.ESTIMATED]),
    ),
    max_size=12,
    unique_by=lambda reading: reading[0],
).map(lambda some: sorted(some, key=lambda reading: reading[0]))
compactions = st.one_of(st.none(), st.integers(0, 42).map(lambda slot: T + slot * 7200))
histories = st.lists(st.tuples(readings, st.integers(-2, 1), compactions), min_size=1, max_size=6)


def answers(store, kind):
    """What pages ask of a series."""
    store.refresh_daily(1, date(2025, 5, 31), date(2025, 6, 8))
    days = store.daily(permit(1), [1], date(2025, 5, 31), date(2025, 6, 8))
    hours = store.read(permit(1), 1, ALWAYS, Resolution.HOUR)
    return (
        rows(store.read(permit(1), 1, ALWAYS)),
        store.latest(permit(1), [1]),
        store.latest(permit(1, window=Window.of_seconds(T, T + 30 * 3600)), [1]),
        store.extent(permit(1), 1),
        [getattr(days, name).tolist() for name in ("day", "coverage", "estimated")],
        [repr(x) for x in (days.total.tolist(), days.mean.tolist(), days.maximum.tolist())],
        repr((hours.start_s.tolist(), hours.value.tolist(), hours.coverage.tolist())),
    )


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from([POWER, INSTANT, INDEX]), history=histories)
def test_compaction_at_any_moment_changes_no_answer(pair, kind, history):
    for store in pair:
        store.erase(1)
        store.declare(1, kind, PARIS)

    for turn, (some, exponent, before_s) in enumerate(history):
        told = [put(store, column(some, kind, exponent), now_s=NOW_S + turn) for store in pair]
        assert told[0] == told[1]
        if before_s is not None:
            pair[0].compact(before_s)

    tidy, plain = (answers(store, kind) for store in pair)
    assert tidy == plain
    for turn in range(-1, len(history)):
        was, is_so = (store.read(permit(1), 1, ALWAYS, as_of_s=NOW_S + turn) for store in pair)
        assert rows(was) == rows(is_so)


def test_what_was_known_earlier_can_be_asked_after_compaction(store):
    put(store, steady(T, [1, 2, 3]), now_s=NOW_S)
    put(store, steady(T + 1800, [20]), now_s=NOW_S + 10)
    store.compact(T + DAY)
    put(store, steady(T + 1800, [200]), now_s=NOW_S + 20)
    store.compact(T + DAY)

    def known(as_of_s):
        return store.read(permit(1), 1, ALWAYS, as_of_s=as_of_s).values.tolist()

    assert known(NOW_S - 1) == []
    assert known(NOW_S + 9) == [1, 2, 3]
    assert known(NOW_S + 19) == [1, 20, 3]
    assert known(NOW_S + 20) == store.read(permit(1), 1, ALWAYS).values.tolist() == [1, 200, 3]
    with pytest.raises(Malformed):
        store.read(permit(1), 1, ALWAYS, Resolution.HOUR, as_of_s=NOW_S)


def test_nights_grow_into_few_chunks_and_only_closed_days_move(store):
    for night in range(40):
        start_s = T + night * DAY
        put(store, steady(start_s, range(night, night + 48)), now_s=start_s + DAY)
        store.compact(start_s + DAY)
    put(store, steady(T + 40 * DAY, range(48)))

    assert store.compact(T + 40 * DAY) == 0

    assert table_count(store, "recent") == 48
    found = chunks(store)
    assert sum(count for _, _, count in found) == 40 * 48
    assert len(found) <= 7
    assert all(last < first for (_, last, _), (first, _, _) in pairwise(found))
    expected = [night + slot for night in range(40) for slot in range(48)] + list(range(48))
    assert store.read(permit(1), 1, ALWAYS).values.tolist() == expected


def test_a_correction_rewrites_its_chunk_alone(store):
    put(store, steady(T, range(3 * CAPACITY), step_s=10))
    before = chunks(store)
    assert len(before) == 3

    middle_s = T + 10 * CAPACITY + 1000
    put(store, column([(middle_s, 10, -5)]))
    store.compact(T + 60 * DAY)

    assert chunks(store) == before
    curve = store.read(permit(1), 1, ALWAYS)
    assert len(curve) == 3 * CAPACITY
    assert curve.values[np.searchsorted(curve.start_s, middle_s)] == -5
    assert table_count(store, "superseded") == 1
    assert table_count(store, "recent") == 0


def test_steps_of_all_lengths_live_in_one_store(store):
    steps = [1, 10, 60, 300, 600, 900, 1800, 3600, DAY]
    for key, step_s in enumerate(steps, start=10):
        store.declare(key, POWER, PARIS)
        put(store, steady(T, range(1500), step_s=step_s), key)
        put(store, column([(T + 1500 * step_s + 7, 13, 4)]), key)
    store.compact(T + 5000 * DAY)

    for key, step_s in enumerate(steps, start=10):
        curve = store.read(permit(key), key, ALWAYS)
        assert curve.values.tolist() == [*range(1500), 4]
        assert set(curve.step_s.tolist()) == {step_s, 13}


def test_readers_and_writers_go_on_while_the_store_is_compacted(store):
    put(store, steady(T, range(48)))
    with store._connection.tidying() as cursor:
        cursor.execute("delete from recent")
        assert put(store, steady(T + DAY, range(48))).new == 48
        assert len(store.read(permit(1), 1, ALWAYS)) == 96
        cursor.execute("insert into recent select 1, ?, 1800, 0, 0, 0, 0, 0", [T])
    assert len(store.read(permit(1), 1, ALWAYS)) == 49


def test_daily_totals_of_many_series_at_once_are_those_of_each(store):
    keys = range(20, 26)
    for key in keys:
        store.declare(key, POWER if key % 2 else INDEX, PARIS)
        kind = POWER if key % 2 else INDEX
        put(store, steady(T, [key * n for n in range(200)], kind=kind), key)
    first, last = date(2025, 6, 1), date(2025, 6, 9)
    store.refresh_many({key: (first + timedelta(days=key % 3), last) for key in keys})
    together = store.daily(permit(*keys), keys, first, last)

    for key in keys:
        store.refresh_daily(key, first, last)
    alone = store.daily(permit(*keys), keys, first, last)

    wanted = [key for key in keys if key % 3 == 0]
    for key in wanted:
        assert together.of(key).total.tolist() == alone.of(key).total.tolist()
        assert len(alone.of(key)) == 5

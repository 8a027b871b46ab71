from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.conftest import ALWAYS, ENERGY, NOW_S, POWER, column, permit, rows, steady

from kevre.model.errors import Conflict, Malformed
from kevre.model.quality import Quality
from kevre.model.window import PARIS
from kevre.store import Store

T = 1_750_000_200


def put(store, *columns, batch="b", now_s=NOW_S):
    return store.write([(1, one) for one in columns], batch=batch, now_s=now_s)


def held(store, series=1):
    return rows(store.read(permit(series), series, ALWAYS))


def counts(written):
    return written.new, written.changed, written.same


def test_what_is_written_is_read(store):
    written = put(
        store, column([(T, 1800, 500), (T + 1800, 1800, None), (T + 3600, 600, -7)], exponent=-1)
    )

    assert counts(written) == (3, 0, 0)
    assert held(store) == [
        (T, 1800, 50.0, Quality.MEASURED),
        (T + 1800, 1800, None, Quality.MISSING),
        (T + 3600, 600, -0.7, Quality.MEASURED),
    ]


def test_a_repetition_changes_nothing(store):
    first = steady(T, [1, 2, None, 4])
    put(store, first)
    log = store.changes(0)

    assert counts(put(store, first, batch="again")) == (0, 0, 4)
    assert store.changes(0) == log


def test_the_newest_value_quality_and_step_win(store):
    put(store, column([(T, 1800, 1), (T + 1800, 1800, 2), (T + 3600, 1800, 3)]))

    written = put(
        store,
        column([(T, 1800, 9), (T + 1800, 1800, 2, Quality.CORRECTED), (T + 3600, 600, 3)]),
    )

    assert counts(written) == (0, 3, 0)
    assert [row[1:] for row in held(store)] == [
        (1800, 9.0, Quality.MEASURED),
        (1800, 2.0, Quality.CORRECTED),
        (600, 3.0, Quality.MEASURED),
    ]


def test_a_missing_mark_never_replaces_a_value_but_a_value_replaces_it(store):
    put(store, steady(T, [1, None]))

    assert counts(put(store, steady(T, [None, 2]))) == (0, 1, 1)
    assert [row[2] for row in held(store)] == [1.0, 2.0]


def test_late_readings_find_their_place(store):
    put(store, steady(T, [1, 2, 3]))

    assert counts(put(store, steady(T - 3600, [8, 9]))) == (2, 0, 0)
    assert [row[2] for row in held(store)] == [8.0, 9.0, 1.0, 2.0, 3.0]


def test_a_finer_batch_makes_its_series_finer(store):
    put(store, steady(T, [24, 25]))

    put(store, steady(T + 3600, [24306], exponent=-3))
    put(store, steady(T + 5400, [3], exponent=1))

    assert [row[2] for row in held(store)] == [24.0, 25.0, 24.306, 30.0]


def test_trailing_zeros_do_not_make_a_series_finer(store):
    put(store, steady(T, [24]))

    put(store, steady(T + 3600, [25000, None], exponent=-3))

    assert store.read(permit(1), 1, ALWAYS).exponent == 0
    assert [row[2] for row in held(store)] == [24.0, 25.0, None]


def test_a_value_that_does_not_fit_is_refused_and_the_rest_kept(store):
    put(store, steady(T, [1], exponent=-9))

    written = put(store, steady(T + 1800, [5, 2**62, 6]))

    assert counts(written) == (2, 0, 0)
    assert [(series, at, fault.code) for series, at, fault in written.refused] == [
        (1, T + 3600, "value.too_large")
    ]


def test_a_series_too_large_to_become_finer_takes_what_fits_it(store):
    put(store, steady(T, [2**62]))

    written = put(store, steady(T + 1800, [1500, 1501], exponent=-3))

    assert counts(written) == (0, 0, 0)
    assert len(written.refused) == 2
    assert counts(put(store, steady(T + 1800, [2000, 1501], exponent=-3))) == (1, 0, 0)


def test_one_write_may_bring_a_series_twice(store):
    written = put(store, steady(T, [1, 2]), steady(T + 1800, [5, 6]))

    assert counts(written) == (3, 1, 0)
    assert [row[2] for row in held(store)] == [1.0, 5.0, 6.0]


def test_a_series_that_was_not_declared_is_malformed_and_nothing_is_kept(store):
    with pytest.raises(Malformed) as caught:
        store.write([(1, steady(T, [1])), (99, steady(T, [1]))], batch="b", now_s=NOW_S)

    assert caught.value.code == "store.undeclared"
    assert held(store) == []


def test_a_column_out_of_order_is_malformed(store):
    with pytest.raises(Malformed) as caught:
        put(store, column([(T, 60, 1), (T, 60, 2)]))

    assert caught.value.code == "store.unordered"


def test_nothing_is_a_write_too(store):
    assert counts(store.write([], batch="b", now_s=NOW_S)) == (0, 0, 0)
    assert counts(put(store, column([]))) == (0, 0, 0)


def test_a_series_cannot_change_its_unit(store):
    with pytest.raises(Conflict) as caught:
        store.declare(1, ENERGY, PARIS)

    assert caught.value.code == "store.redeclared"


def test_the_change_log_tells_what_changed_and_no_more(store):
    put(store, steady(T, [1, 2, 3]), batch="first", now_s=NOW_S)
    put(store, steady(T, [1, 7, 3, 4]), batch="second", now_s=NOW_S + 1)

    first, second = store.changes(0)
    assert (first.series, first.first_s, first.last_s, first.count) == (1, T, T + 5400, 3)
    assert (second.first_s, second.last_s, second.count) == (T + 1800, T + 7200, 2)
    assert (second.batch, second.at_s) == ("second", NOW_S + 1)
    assert store.changes(first.seq) == [second]
    assert [line.batch for line in store.landed(1, T + 1800)] == ["first", "second"]


def test_a_shortened_interval_is_logged_with_its_old_end(store):
    put(store, column([(T, 86_400, 1)]))
    put(store, column([(T, 600, 1)]))

    assert store.changes(1)[0].last_s == T + 86_400


def test_threads_that_write_together_each_learn_of_their_own_readings(store):
    for series in range(10, 26):
        store.declare(series, POWER, PARIS)

    def feed(series):
        return [
            counts(
                store.write(
                    [(series, steady(T + 60 * i, [i, i + 1], step_s=60))],
                    batch=f"{series}-{i}",
                    now_s=NOW_S,
                )
            )
            for i in range(10)
        ]

    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(feed, range(10, 26)))

    assert told == [[(2, 0, 0)] + [(1, 0, 1)] * 9] * 16
    assert all(len(held(store, series)) == 11 for series in range(10, 26))
    assert sorted({line.seq for line in store.changes(0)}) == list(range(1, 161))


def test_an_error_of_one_thread_does_not_break_the_others(store):
    def feed(number):
        series = 99 if number % 2 else 1
        try:
            store.write(
                [(series, steady(T + number * 60, [number], step_s=60))], batch="b", now_s=NOW_S
            )
        except Malformed:
            return "refused"
        return "kept"

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(feed, range(32)))

    assert told == ["kept", "refused"] * 16
    assert [row[2] for row in held(store)] == [float(number) for number in range(0, 32, 2)]


readings = st.lists(
    st.tuples(
        st.integers(0, 12).map(lambda slot: T + slot * 600),
        st.sampled_from([0, 600, 1800]),
        st.one_of(st.none(), st.integers(-1000, 1000)),
        st.sampled_from([Quality.MEASURED, Quality.ESTIMATED, Quality.MANUAL]),
    ),
    max_size=8,
    unique_by=lambda reading: reading[0],
).map(lambda some: sorted(some, key=lambda reading: reading[0]))
batches = st.lists(st.tuples(readings, st.integers(-3, 2)), max_size=6)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with Store(tmp_path_factory.mktemp("shared") / "s.duckdb", memory_mb=128, threads=1) as opened:
        yield opened


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=batches)
def test_any_sequence_of_batches_leaves_what_a_dictionary_would(shared, batches):
    shared.erase(1)
    shared.declare(1, POWER, PARIS)
    expected = {}

    for some, exponent in batches:
        told = put(shared, column(some, exponent=exponent))
        seen = [0, 0, 0]
        for start_s, step_s, value, quality in some:
            exact = None if value is None else Decimal(value).scaleb(exponent)
            said = (step_s, exact, Quality.MISSING if value is None else quality)
            before = expected.get(start_s)
            is_kept = before is None or (
                said != before and (exact is not None or before[1] is None)
            )
            seen[0 if before is None else 1 if is_kept else 2] += 1
            if is_kept:
                expected[start_s] = said
        assert counts(told) == tuple(seen)

    curve = shared.read(permit(1), 1, ALWAYS)
    exact = [
        None if code == Quality.MISSING else Decimal(value).scaleb(curve.exponent)
        for value, code in zip(curve.value.tolist(), curve.quality.tolist(), strict=True)
    ]
    kept = list(zip(curve.step_s.tolist(), exact, curve.quality.tolist(), strict=True))
    assert dict(zip(curve.start_s.tolist(), kept, strict=True)) == expected
    assert curve.start_s.tolist() == sorted(expected)

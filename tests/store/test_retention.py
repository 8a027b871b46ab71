from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.conftest import (
    ALWAYS,
    ENERGY,
    INDEX,
    INSTANT,
    NOW_S,
    PEAK,
    POWER,
    column,
    midnight_s,
    permit,
    rows,
)

from kevre.model.errors import Malformed
from kevre.model.quality import Quality
from kevre.model.series import Statistic
from kevre.model.step import Resolution
from kevre.model.window import PARIS
from kevre.store import Rule, Store

FIRST_S = midnight_s(2025, 3, 29)
LAST = date(2025, 4, 2)
KINDS = {
    Statistic.MEAN: POWER,
    Statistic.SUM: ENERGY,
    Statistic.REGISTER: INDEX,
    Statistic.MAX: PEAK,
    Statistic.INSTANT: INSTANT,
}
YEAR_DAYS = 366


def rule(kind, **kwargs):
    return Rule(kind.statistic, kind.unit, **({"detail_days": YEAR_DAYS} | kwargs))


def filled(path, kind, readings, closed_s=NOW_S):
    store = Store(path, memory_mb=128, threads=1)
    store.declare(1, kind, PARIS)
    store.write([(1, column(readings, kind=kind))], batch="b", now_s=FIRST_S + 10 * 86_400)
    store.compact(closed_s)
    store.refresh_daily(1, date(2025, 3, 28), LAST)
    return store


def days(store):
    return store.daily(permit(1), [1], date(2025, 3, 28), LAST)


def ten_seconds(count, start_s=FIRST_S, without=()):
    random = np.random.default_rng(3)
    values = random.integers(0, 9_000, count).tolist()
    return [(start_s + i * 10, i, value) for i, value in enumerate(values) if i not in without]


def test_ten_seconds_of_power_become_ten_minutes_with_the_same_energy(path):
    """Two days with the spring change of the clock between them, and a hole."""
    gone = set(range(3_000, 3_200))
    fine = [(at, 0, value) for at, _, value in ten_seconds(16_560, without=gone)]
    with filled(path, INSTANT, fine) as store:
        before = days(store)

        kept = store.retain([rule(INSTANT)], NOW_S)

        raw = store.read(permit(1), 1, ALWAYS)
        after = days(store)
        assert kept.thinned == len(fine) - len(raw)
        assert len(raw) < 500
        assert after.day.tolist() == before.day.tolist()
        assert after.total == pytest.approx(before.total, abs=600 / 3600)
        assert after.coverage.tolist() == before.coverage.tolist()
        assert store.retain([rule(INSTANT)], NOW_S).thinned == 0


@pytest.mark.parametrize("statistic", [Statistic.SUM, Statistic.MAX])
def test_counts_and_peaks_lose_nothing(path, statistic):
    kind = KINDS[statistic]
    fine = [(at, 10, value) for at, _, value in ten_seconds(17_000)]
    with filled(path, kind, fine) as store:
        before = days(store)

        store.retain([rule(kind)], NOW_S)

        after = days(store)
        assert len(store.read(permit(1), 1, ALWAYS)) < 400
        assert np.array_equal(after.total, before.total, equal_nan=True)
        assert np.array_equal(after.maximum, before.maximum, equal_nan=True) or statistic is (
            Statistic.SUM
        )


def test_registers_keep_both_sides_of_a_reset(path):
    values = [*range(5_000, 9_000), *range(7, 4_007)]
    fine = [(FIRST_S + i * 10, 0, value) for i, value in enumerate(values)]
    with filled(path, INDEX, fine) as store:
        before = days(store)

        store.retain([rule(INDEX)], NOW_S)

        kept = store.read(permit(1), 1, ALWAYS).values.tolist()
        assert {8_999.0, 7.0} <= set(kept)
        assert len(kept) < 150
        assert days(store).total.tolist() == before.total.tolist()


def test_younger_readings_and_other_kinds_keep_their_detail(path):
    fine = [(at, 10, value) for at, _, value in ten_seconds(2_000)]
    with filled(path, POWER, fine) as store:
        other = rule(INDEX)
        young = rule(POWER, detail_days=(NOW_S - FIRST_S) // 86_400 + 1)

        assert store.retain([other, young], NOW_S).thinned == 0
        assert len(store.read(permit(1), 1, ALWAYS)) == 2_000


def test_what_is_older_than_its_time_is_erased_with_its_totals(path):
    fine = [(FIRST_S + i * 1800, 1800, 1_000) for i in range(192)]
    age_days = (NOW_S - FIRST_S) // 86_400
    with filled(path, POWER, fine) as store:
        kept = store.retain([rule(POWER, detail_days=None, keep_days=age_days - 1)], NOW_S)

        left = store.read(permit(1), 1, ALWAYS)
        assert kept.erased == 192 - len(left) > 0
        assert left.start_s[0] >= NOW_S - (age_days - 1) * 86_400
        fresh = days(store)
        store.refresh_daily(1, date(2025, 3, 28), LAST)
        assert fresh.total.tolist() == days(store).total.tolist()


def test_followers_learn_of_what_was_thinned(path):
    fine = [(at, 10, value) for at, _, value in ten_seconds(2_000)]
    with filled(path, POWER, fine) as store:
        seen = store.last_seq

        kept = store.retain([rule(POWER)], NOW_S)

        lines = store.changes(seen)
        assert sum(line.count for line in lines) == kept.thinned
        assert lines[0].first_s <= FIRST_S
        assert lines[-1].last_s > FIRST_S + 19_000


def test_where_every_interval_is_whole_nothing_of_the_detail_stays(path):
    fine = [(FIRST_S + i * 10, 10, i % 60) for i in range(6_000)]
    with filled(path, POWER, fine) as store:
        assert store.retain([rule(POWER)], NOW_S).thinned == 5_900

        kept = rows(store.read(permit(1), 1, ALWAYS))
        assert kept[:2] == [(FIRST_S, 600, 29.0, 0), (FIRST_S + 600, 600, 30.0, 0)]
        assert sum(value for _, _, value, _ in kept) * 60 == sum(range(60)) * 100


def test_late_detail_counts_after_thinning(path):
    fine = [(at, 10, value) for at, _, value in ten_seconds(2_000)]
    with filled(path, POWER, fine) as store:
        store.retain([rule(POWER)], NOW_S)

        late = column([(FIRST_S - 600, 600, 60)])
        assert store.write([(1, late)], batch="late", now_s=NOW_S).new == 1

        assert rows(store.read(permit(1), 1, ALWAYS))[0] == (FIRST_S - 600, 600, 60.0, 0)


@pytest.mark.parametrize(
    "given",
    [{"step_s": 7}, {"step_s": 3600}, {"detail_days": 0}, {"keep_days": -1}],
    ids=str,
)
def test_a_rule_that_would_lose_sums_is_refused(given):
    with pytest.raises(Malformed) as caught:
        rule(POWER, **given)

    assert caught.value.code in {"retention.step", "retention.days"}


def test_instants_are_not_thinned_beyond_what_they_hold():
    with pytest.raises(Malformed):
        rule(INSTANT, step_s=1800)


gaps_s = st.lists(
    st.sampled_from([1, 5, 10, 10, 10, 60, 300, 600, 601, 900, 1800]), min_size=1, max_size=60
)


@settings(deadline=None, max_examples=60)
@given(
    gaps_s,
    st.sampled_from(sorted(KINDS)),
    st.sampled_from([300, 600]),
    st.randoms(use_true_random=False),
)
def test_thinning_never_changes_a_sum(tmp_path_factory, gaps, statistic, step_s, random):
    kind = KINDS[statistic]
    starts = (FIRST_S + np.cumsum([random.choice([0, 3]), *gaps])).tolist()
    steps = [0 if statistic is Statistic.INSTANT else min(gap, 1800) for gap in (*gaps, 10)]
    fine = [
        (at, step, None) if random.random() < 0.05 else (at, step, random.randrange(-50, 9_000))
        for at, step in zip(starts, steps, strict=True)
    ]
    path = tmp_path_factory.mktemp("thin") / "readings.duckdb"
    with filled(path, kind, fine) as store:
        before = days(store)

        store.retain([rule(kind, step_s=step_s)], NOW_S)

        after = days(store)
        assert after.coverage.tolist() == before.coverage.tolist()
        if statistic in {Statistic.SUM, Statistic.MAX}:
            assert np.array_equal(after.total, before.total, equal_nan=True)
        elif statistic is not Statistic.REGISTER:
            assert after.total == pytest.approx(before.total, abs=2 * step_s / 3600)
        else:
            assert after.total.sum() == pytest.approx(before.total.sum())
        hours = store.read(permit(1), 1, ALWAYS, Resolution.HOUR)
        assert len(hours) > 0 or not before.total.sum()
        assert Quality.MISSING not in set(hours.quality.tolist())

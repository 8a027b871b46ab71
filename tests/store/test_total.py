from datetime import date
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store import oracle

from kevre.model.quality import Quality
from kevre.model.series import LIVE_HOLD_S, Statistic
from kevre.model.step import Resolution
from kevre.model.tariff import off_peak
from kevre.model.window import PARIS, civil_day, midnight
from kevre.store import calendar, flat, total
from kevre.store.calendar import Slots
from kevre.store.flat import Flat
from kevre.store.total import AMOUNT_DAY, Totals, by_class, merged, reach_s, totals

RATES = {Statistic.MEAN, Statistic.INSTANT}
# Both clock changes, a leap day, a year's end.
STARTS = [date(2025, 3, 29), date(2025, 10, 25), date(2024, 2, 28), date(2024, 12, 30)]
LARGEST = 2**63 - 1
DAY_S = int(midnight(date(2025, 6, 2), PARIS).timestamp())
statistics = st.sampled_from(list(Statistic))
small = st.integers(-5000, 10**7)
huge = st.one_of(
    st.integers(-LARGEST, LARGEST),
    st.sampled_from([LARGEST, -LARGEST, 2**62, 2**31, 2**32 - 1, -(2**31) - 1]),
)


@st.composite
def histories(draw, most=20):
    """Readings of some days: steps of 10 s to a day, gaps, overlaps, holes, estimates."""
    at_s = int(midnight(draw(st.sampled_from(STARTS)), PARIS).timestamp())
    at_s += draw(st.sampled_from([0, -10, 1230, 82_800]))
    values = draw(st.sampled_from([small, huge]))
    readings = []
    for _ in range(draw(st.integers(0, most))):
        step_s = draw(st.sampled_from([0, 1, 10, 600, 1800, 3600, 82_800, 86_400]))
        value = draw(st.one_of(values, values, values, st.none()))
        quality = draw(st.sampled_from(list(Quality)[:7]))
        readings.append((at_s, step_s, value, Quality.MISSING if value is None else quality))
        at_s += draw(st.sampled_from([max(step_s, 1), 10, 900, 1800, 40_000]))
    return readings


def flattened(histories):
    """Readings by key, as `Flat` has them."""
    rows = [reading for key in sorted(histories) for reading in histories[key]]
    start_s, step_s, value, quality = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Flat(
        np.array(sorted(histories), np.int64),
        np.cumsum([0] + [len(histories[key]) for key in sorted(histories)]).astype(np.int64),
        np.array(start_s, np.int64),
        np.array(step_s, np.int32),
        np.array([v or 0 for v in value], np.int64),
        np.array(quality, np.uint8),
    )


def irregular(*bounds):
    return Slots(np.arange(len(bounds) - 1) + 100, np.array(bounds[:-1]), np.array(bounds[1:]))


@st.composite
def cuts(draw, histories):
    """A span over a part of the readings or more, and slots of it."""
    starts = [reading[0] for readings in histories for reading in readings] or [DAY_S]
    lo_s = min(starts) + draw(st.sampled_from([-90_000, 0, 7, 3600, 100_000]))
    hi_s = max(lo_s, *starts) + draw(st.sampled_from([1, 599, 3600, 200_000]))
    kind = draw(st.sampled_from([Resolution.HOUR, Resolution.DAY, Resolution.MONTH, None]))
    if kind is not None:
        return (lo_s, hi_s), calendar.slots(lo_s, hi_s, kind, PARIS)
    inner = draw(st.sets(st.integers(lo_s - 50, hi_s + 50), max_size=20))
    return (lo_s, hi_s), irregular(*sorted({lo_s - 60, *inner, hi_s + 60}))


def book(statistic, readings, span_s, slots):
    """What the oracle knows of one series: slot number to sum."""
    found = {}
    for slot, start_s, end_s in zip(slots.slot, slots.start_s, slots.end_s, strict=True):
        part = SimpleNamespace(
            start_s=max(int(start_s), span_s[0]), end_s=min(int(end_s), span_s[1])
        )
        if known := oracle.total(statistic, readings, part):
            found[int(slot)] = known
    return found


def by_pair(found):
    """Totals as a dictionary of plain values."""
    nothing = [None] * len(found)
    columns = [nothing if array is None else array.tolist() for array in fields(found)[2:]]
    pairs = zip(found.series.tolist(), found.slot.tolist(), strict=True)
    return dict(zip(pairs, zip(*columns, strict=True), strict=True))


def fields(found):
    return [getattr(found, name) for name in Totals.__slots__]


@settings(max_examples=200, deadline=None)
@given(statistic=statistics, data=st.data())
def test_totals_are_those_of_the_book(statistic, data):
    histories_ = data.draw(st.dictionaries(st.integers(1, 9), histories(), min_size=1, max_size=3))
    span_s, slots = data.draw(cuts(histories_.values()))

    found = totals(flattened(histories_), statistic, span_s, slots)

    pairs = list(zip(found.series.tolist(), found.slot.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    books = {key: book(statistic, rs, span_s, slots) for key, rs in histories_.items()}
    assert set(pairs) == {(key, slot) for key in books for slot in books[key]}
    for (key, slot), (amount, covered_s, estimated_s, low, high, _) in by_pair(found).items():
        known = books[key][slot]
        assert (covered_s, estimated_s, low, high) == known[1:]
        if statistic in RATES or amount is None:
            assert amount == known.amount
        else:
            assert abs(Fraction(amount, AMOUNT_DAY) - known.amount) * AMOUNT_DAY <= len(
                histories_[key]
            )


@settings(max_examples=150, deadline=None)
@given(statistic=st.sampled_from([s for s in Statistic if s is not Statistic.MAX]), data=st.data())
def test_amounts_of_short_slots_add_up_to_those_of_long_ones(statistic, data):
    readings = data.draw(histories())
    span_s, slots = data.draw(cuts([readings]))
    whole = irregular(span_s[0] - 1, span_s[1])
    given_ = flattened({1: readings})

    parts, one = (totals(given_, statistic, span_s, some) for some in (slots, whole))

    assert sum(parts.amount.tolist()) == sum(one.amount.tolist())
    assert parts.covered_s.sum() == one.covered_s.sum()
    assert parts.quality.max(initial=0) == one.quality.max(initial=0)


@settings(max_examples=100, deadline=None)
@given(statistic=statistics, data=st.data())
def test_readings_beyond_the_reach_of_a_span_change_nothing(statistic, data):
    readings = data.draw(histories(most=40))
    span_s, slots = data.draw(cuts([readings]))
    since_s, until_s = span_s[0] - reach_s(statistic, 86_400), span_s[1]
    if statistic is Statistic.REGISTER:
        known_s = [start_s for start_s, _, value, _ in readings if value is not None]
        since_s = max((s for s in known_s if s < span_s[0]), default=span_s[0])
        until_s = min((s for s in known_s if s >= span_s[1]), default=span_s[1]) + 1
    near = [reading for reading in readings if since_s <= reading[0] < until_s]

    found, same = (
        totals(flattened({1: some}), statistic, span_s, slots) for some in (readings, near)
    )

    assert by_pair(found) == by_pair(same)


@settings(max_examples=100, deadline=None)
@given(statistic=statistics, data=st.data())
def test_totals_of_spans_that_meet_merge_into_those_of_the_whole(statistic, data):
    histories_ = {key: data.draw(histories()) for key in (1, 2)}
    (lo_s, hi_s), slots = data.draw(cuts(histories_.values()))
    # A maximum counts where it starts, so its spans meet at a border of slots.
    is_max = statistic is Statistic.MAX
    meets = st.sampled_from(slots.start_s.tolist()) if is_max else st.integers(lo_s, hi_s)
    at_s = min(max(data.draw(meets), lo_s), hi_s)
    given_ = flattened(histories_)

    spans = [(lo_s, at_s), (at_s, hi_s)]
    parts = merged([totals(given_, statistic, span_s, slots) for span_s in spans])

    assert by_pair(parts) == by_pair(totals(given_, statistic, (lo_s, hi_s), slots))


def test_a_sum_beyond_64_bits_is_exact_and_only_then_made_of_python_integers():
    for value, kind in ((2**62 + 1, object), (-(2**62) - 1, object), (12, np.int64)):
        readings = [(DAY_S + i * 1800, 1800, value, 0) for i in range(48)]
        for statistic, amount in (
            (Statistic.MEAN, value * 86_400),
            (Statistic.SUM, value * 48 * 86_400),
        ):
            slots = irregular(DAY_S, DAY_S + 86_400)
            found = totals(flattened({1: readings}), statistic, (DAY_S, DAY_S + 86_400), slots)
            assert (found.amount.dtype, found.amount.tolist()) == (kind, [amount])
            assert found.amounts.tolist() == [float(amount)]


def test_nothing_is_lost_where_more_parts_come_out_than_are_held_at_once():
    days, count = 150, 60
    starts = np.tile(DAY_S + 7 + np.arange(days) * 86_400, count)
    value = np.repeat(np.arange(count) + 1000, days)
    given_ = Flat(
        np.arange(count),
        np.arange(count + 1) * days,
        starts,
        np.full(len(starts), 86_400, np.int32),
        value,
        np.zeros(len(starts), np.uint8),
    )
    span_s = (DAY_S, DAY_S + (days + 1) * 86_400)
    slots = calendar.slots(*span_s, Resolution.TEN_MINUTES, PARIS)

    found = totals(given_, Statistic.SUM, span_s, slots)

    assert len(found) == count * (days * 144 + 1) > total._MOST_PARTS
    pairs = found.series * 10**9 + found.slot
    assert (np.diff(pairs) > 0).all()
    assert np.bincount(found.series, found.amount).tolist() == [
        (1000 + key) * days * AMOUNT_DAY for key in range(count)
    ]
    lengths_s, times = np.unique(found.covered_s, return_counts=True)
    assert dict(zip(lengths_s.tolist(), times.tolist(), strict=True)) == {
        7: count,
        593: count,
        600: count * (days * 144 - 1),
    }


def test_registers_may_lie_further_apart_than_63_bits_count():
    readings = [(DAY_S, 0, -LARGEST, 0), (DAY_S + 7200, 0, LARGEST, 0)]
    span_s = (DAY_S, DAY_S + 7200)

    found = totals(
        flattened({1: readings}),
        Statistic.REGISTER,
        span_s,
        irregular(DAY_S, DAY_S + 3600, span_s[1]),
    )

    assert found.amount.tolist() == [LARGEST * AMOUNT_DAY] * 2
    assert (found.minimum, found.maximum) == (None, None)


def test_shares_are_rounded_towards_zero_from_the_start_of_the_value():
    # 86,400 parts over 7 s: 12,342 and 6/7 each second.
    borders = irregular(*range(DAY_S, DAY_S + 8))
    for value in (1, -1):
        found = totals(
            flattened({1: [(DAY_S, 7, value, 0)]}), Statistic.SUM, (DAY_S, DAY_S + 7), borders
        )
        reached = [86_400 * second // 7 for second in range(8)]
        assert found.amount.tolist() == (value * np.diff(reached)).tolist()


def test_the_estimate_of_either_register_makes_an_advance_estimated():
    qualities = [Quality.ESTIMATED, Quality.MANUAL, Quality.DOUBTFUL, Quality.CORRECTED]
    readings = [(DAY_S + i * 3600, 0, i, quality) for i, quality in enumerate(qualities)]
    span_s = (DAY_S, DAY_S + 10_800)
    slots = calendar.slots(*span_s, Resolution.HOUR, PARIS)

    found = totals(flattened({1: readings}), Statistic.REGISTER, span_s, slots)

    assert found.quality.tolist() == [Quality.ESTIMATED, Quality.DOUBTFUL, Quality.DOUBTFUL]
    assert found.estimated_s.tolist() == [3600] * 3


@pytest.mark.parametrize("statistic", list(Statistic))
def test_of_no_readings_there_are_no_totals(statistic):
    mark = (DAY_S, 1800, None, Quality.MISSING)
    slots = irregular(DAY_S, DAY_S + 86_400)
    for nothing in (
        flat.empty(np.empty(0, np.int64)),
        flattened({1: []}),
        flattened({1: [], 2: [mark], 3: []}),
    ):
        found = totals(nothing, statistic, (DAY_S, DAY_S + 86_400), slots)
        assert len(found) == 0
        assert len(found.amounts) == 0
        assert len(merged([found, found])) == 0


def test_series_without_readings_stay_among_those_that_have_some():
    given_ = flattened({1: [], 4: [(DAY_S, 1800, 7, 0)], 5: [], 6: [(DAY_S, 1800, 8, 0)], 9: []})

    found = totals(given_, Statistic.MEAN, (DAY_S, DAY_S + 3600), irregular(DAY_S, DAY_S + 3600))

    assert (found.series.tolist(), found.amount.tolist()) == ([4, 6], [7 * 1800, 8 * 1800])
    kept = given_.only(given_.value == 8)
    assert (kept.owner.tolist(), kept.bounds.tolist()) == ([3], [0, 0, 0, 0, 1, 1])


def test_spans_of_a_tariff_add_up_by_class():
    hour = 3600
    spans = [
        (DAY_S, DAY_S + 6 * hour, "HC"),
        (DAY_S + 6 * hour, DAY_S + 22 * hour, "HP"),
        (DAY_S + 22 * hour, DAY_S + 24 * hour, "HC"),
        (DAY_S + 24 * hour, DAY_S + 25 * hour, "WE"),
    ]
    slots, classes = calendar.of_spans(spans)
    readings = [(DAY_S + i * 1800, 1800, 1000 + i, 0) for i in range(48)]
    readings[10] = (*readings[10][:3], Quality.ESTIMATED)
    given_ = flattened({3: readings, 8: [(DAY_S, 86_400, 2400, 0)]})

    found = by_class(totals(given_, Statistic.MEAN, (DAY_S, DAY_S + 90_000), slots), classes)

    assert set(found) == {"HC", "HP"}
    peak = sum(1000 + i for i in range(12, 44)) * 1800
    off_peak = sum(1000 + i for i in range(48)) * 1800 - peak
    assert found["HP"].series.tolist() == found["HC"].series.tolist() == [3, 8]
    assert found["HP"].amount.tolist() == [peak, 2400 * 16 * hour]
    assert found["HC"].amount.tolist() == [off_peak, 2400 * 8 * hour]
    assert found["HC"].covered_s.tolist() == [8 * hour] * 2
    assert found["HC"].estimated_s.tolist() == [1800, 0]
    assert (found["HC"].minimum.tolist(), found["HC"].maximum.tolist()) == (
        [1000, 2400],
        [1047, 2400],
    )
    assert found["HC"].slot.tolist() == [0, 0]


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 30, 7), (10, 26, 9), (6, 2, 8)])
def test_off_peak_energy_of_clock_changes_is_that_of_the_hours_shown(month, day, hours):
    window = civil_day(date(2025, month, day), PARIS)
    slots, classes = calendar.of_spans(off_peak("HC (22H00-6H00)").spans(window, PARIS))
    span_s = window.start_s, window.end_s
    steady = flattened({1: [(at_s, 1800, 1000, 0) for at_s in range(*span_s, 1800)]})

    found = by_class(totals(steady, Statistic.MEAN, span_s, slots), classes)

    assert found["HC"].amount.tolist() == [1000 * 3600 * hours]
    assert found["HP"].amount.tolist() == [1000 * 3600 * 16]


def test_an_instant_stands_ten_minutes_and_not_beyond_a_mark():
    readings = [(DAY_S, 0, 600, 0), (DAY_S + 3000, 0, 100, 0), (DAY_S + 3300, 0, None, 7)]
    slots = irregular(DAY_S, DAY_S + 3600)

    found = totals(flattened({1: readings}), Statistic.INSTANT, (DAY_S, DAY_S + 3600), slots)

    assert found.covered_s.tolist() == [LIVE_HOLD_S + 300]
    assert found.amount.tolist() == [600 * LIVE_HOLD_S + 100 * 300]

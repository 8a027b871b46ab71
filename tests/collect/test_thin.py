"""Fewer readings say the same in sum, for every statistic."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kevre.collect.thin import merged
from kevre.model.quality import Quality
from kevre.model.reading import Reading
from kevre.model.series import LIVE_HOLD_S, Statistic

START_S = 1_800_000_000


@st.composite
def instants(draw, longest_gap_s=900):
    gaps = draw(st.lists(st.integers(1, longest_gap_s), min_size=1, max_size=60))
    at_s, made = START_S, []
    for gap_s in gaps:
        value = draw(st.tuples(st.integers(-50_000, 50_000), st.integers(-3, 0)))
        quality = draw(st.sampled_from([Quality.MEASURED] * 5 + [Quality.MISSING]))
        value = None if quality is Quality.MISSING else value
        made.append(Reading(at_s, 0, value, quality))
        at_s += gap_s
    return made


@st.composite
def intervals(draw):
    at_s, made = START_S, []
    for step_s in draw(st.lists(st.sampled_from([10, 60, 600]), min_size=1, max_size=60)):
        at_s += draw(st.sampled_from([0, 0, 0, 30]))
        made.append(Reading(at_s, step_s, (draw(st.integers(-9_999, 9_999)), -1)))
        at_s += step_s
    return made


def decimal(reading):
    mantissa, exponent = reading.value
    return Decimal(mantissa).scaleb(exponent)


def energy_ws(readings):
    """What instants hold, by the rule of the store: until the next, for LIVE_HOLD_S at most."""
    total = Decimal(0)
    ends = [*(one.start_s for one in readings[1:]), None]
    for one, end_s in zip(readings, ends, strict=True):
        hold_s = LIVE_HOLD_S if end_s is None else min(LIVE_HOLD_S, end_s - one.start_s)
        if one.value is not None:
            total += decimal(one) * hold_s
    return total


def plain(found):
    return [one.reading for one in found]


@given(readings=instants(), width_s=st.sampled_from([30, 60, 600, 3_600]))
def test_instants_merged_hold_the_energy_that_they_held(readings, width_s):
    found = list(merged(readings, Statistic.INSTANT, width_s=width_s))

    assert sum(one.count for one in found) == len(readings)
    # Rounded to two decimals more than the finest reading, half a unit over one hold at most.
    assert abs(energy_ws(plain(found)) - energy_ws(readings)) <= Decimal("0.005") * LIVE_HOLD_S


@given(readings=instants(), band=st.integers(0, 2_000))
def test_a_dead_band_changes_no_energy_and_no_value_by_more_than_itself(readings, band):
    found = list(merged(readings, Statistic.INSTANT, width_s=600, band=Decimal(band)))

    assert abs(energy_ws(plain(found)) - energy_ws(readings)) <= Decimal("0.005") * LIVE_HOLD_S
    each = iter(readings)
    for one in found:
        for _ in range(one.count):
            before = next(each)
            if before.value is not None:
                assert abs(decimal(before) - decimal(one.reading)) <= 2 * band + Decimal("0.01")


@given(readings=instants())
def test_a_band_of_nothing_leaves_out_repetitions_alone_and_is_exact(readings):
    found = list(merged(readings, Statistic.INSTANT, width_s=600, band=Decimal(0)))

    assert energy_ws(plain(found)) == energy_ws(readings)


@given(readings=intervals(), width_s=st.sampled_from([60, 600, 3_600]))
def test_sums_and_means_keep_what_they_add_up_to(readings, width_s):
    sums = plain(merged(readings, Statistic.SUM, width_s=width_s))
    means = plain(merged(readings, Statistic.MEAN, width_s=width_s))

    assert sum(map(decimal, sums)) == sum(map(decimal, readings))
    before = sum(decimal(one) * one.step_s for one in readings)
    after = sum(decimal(one) * one.step_s for one in means)
    assert abs(before - after) <= Decimal("0.0005") * width_s
    for found in (sums, means):
        assert sum(one.step_s for one in found) == sum(one.step_s for one in readings)
        assert all(a.start_s + a.step_s <= b.start_s for a, b in pairwise(found))


@given(readings=instants())
def test_registers_keep_the_last_state_and_maxima_the_highest(readings):
    registers = plain(merged(readings, Statistic.REGISTER, width_s=600))
    tops = plain(merged(readings, Statistic.MAX, width_s=600))

    assert registers[-1] == readings[-1]
    assert set(registers) <= set(readings)
    known = [decimal(one) for one in readings if one.value is not None]
    assert max((decimal(one) for one in tops if one.value is not None), default=None) == max(
        known, default=None
    )


def test_a_value_beyond_64_bits_is_left_as_it_is():
    far = [Reading(START_S + 10 * i, 600, (2**63 - 1, 0)) for i in range(0, 120, 60)]

    assert plain(merged(far, Statistic.SUM, width_s=3_600)) == far

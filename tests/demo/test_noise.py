import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kevre.node.demo import noise

seeds = st.integers(0, 2**63 - 1)


def test_the_first_outputs_are_those_of_the_published_splitmix64():
    # The outputs of the authors' C reference for the seed 1234567.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert noise.bits(1234567, np.arange(3)).tolist() == expected


@given(seeds, st.integers(-(2**40), 2**40), st.integers(1, 50))
def test_a_slot_has_the_same_noise_whatever_is_asked_around_it(seed, first, count):
    slots = np.arange(first, first + count)
    whole = noise.normal(seed, slots)
    assert [noise.normal(seed, slots[i : i + 1])[0] for i in range(count)] == whole.tolist()


@given(seeds)
def test_uniform_noise_is_spread_evenly_and_log_normal_noise_has_mean_one(seed):
    slots = np.arange(20_000)
    u = noise.uniform(seed, slots)
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean() - 0.5) < 0.02
    assert abs(noise.log_normal(seed, slots, 0.5).mean() - 1) < 0.05


@given(seeds, st.integers(0, 2**31))
def test_smooth_noise_has_no_jumps(seed, start_s):
    at_s = np.arange(start_s, start_s + 20_000, 60)
    drift = noise.smooth(seed, at_s, 3_600)
    assert np.abs(np.diff(drift)).max() <= 1.5 / 60 + 1e-9  # steepest slope of the cubic
    assert drift.min() >= 0
    assert drift.max() < 1


def test_two_names_give_two_seeds():
    assert noise.seed("a", "bc") != noise.seed("ab", "c")

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.store import chunk, coding
from kevre.store.chunk import Run

longs = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(longs, min_size=1, max_size=300) | st.lists(st.integers(0, 70_000), min_size=1))
def test_numbers_come_back_as_they_were(numbers):
    array = np.array(numbers, np.int64)
    data = memoryview(b"before" + coding.pack(array) + b"after")

    planes, end = coding.split(data, 6, len(array))

    assert planes.numbers().tolist() == numbers
    assert bytes(data[end:]) == b"after"


@st.composite
def runs(draw):
    """Readings on a grid with holes, or at any time."""
    count = draw(st.integers(1, 60))
    if draw(st.booleans()):
        pitch = draw(st.sampled_from([1, 10, 600, 1800, 86_400]))
        places = draw(st.sets(st.integers(0, count + 5), min_size=1, max_size=count))
        start = [1_750_000_000 + pitch * place for place in sorted(places)]
    else:
        start = sorted(draw(st.sets(st.integers(0, 2**33), min_size=1, max_size=count)))
    size = len(start)

    def column(some):
        return draw(st.lists(some, min_size=size, max_size=size))

    return Run(
        np.array(start, np.int64),
        np.array(column(st.sampled_from([0, 600, 1800])), np.int32),
        np.array(column(longs | st.integers(0, 300)), np.int64),
        np.array(column(st.integers(0, 7)), np.uint8),
        np.array(column(st.sampled_from([1_750_000_000, 1_750_086_400])), np.int64),
    )


@given(runs())
def test_a_run_comes_back_as_it_was(run):
    back = chunk.decode(chunk.encode(run), int(run.start_s[0]), len(run), is_dated=True)

    for name in Run.__slots__:
        assert getattr(back, name).tolist() == getattr(run, name).tolist()
        assert getattr(back, name).dtype == getattr(run, name).dtype


@given(runs())
def test_a_grid_has_the_values_of_its_readings_in_their_places(run):
    data = chunk.encode(run)
    grid = chunk.grid(data, len(run))

    if grid is None:
        return
    place = np.delete(np.arange(grid.length), grid.empty)
    assert (run.start_s[0] + place * grid.pitch_s).tolist() == run.start_s.tolist()
    assert grid.value.numbers().tolist() == run.value.tolist()
    assert grid.quality.numbers().tolist() == run.quality.tolist()
    assert set(run.step_s.tolist()) == {grid.step_s}


@pytest.mark.parametrize("step_s", [1, 10, 60, 300, 600, 900, 1800, 3600, 86_400])
def test_steady_steps_with_few_holes_are_a_grid(step_s):
    start = np.delete(np.arange(0, 1000 * step_s, step_s), [5, 6, 7, 400])
    ones = np.ones(len(start), np.int64)
    run = Run(start, ones.astype(np.int32) * step_s, ones, ones.astype(np.uint8), ones)

    grid = chunk.grid(chunk.encode(run), len(run))

    assert grid is not None
    assert (grid.pitch_s, grid.length, grid.empty.tolist()) == (step_s, 1000, [5, 6, 7, 400])


def test_a_year_of_noisy_watts_takes_little_more_than_its_noise():
    watts = np.random.default_rng(1).lognormal(6, 0.6, 17_520).astype(np.int64)
    start = np.arange(17_520, dtype=np.int64) * 1800
    equal = np.ones(17_520, np.int64)
    run = Run(start, equal.astype(np.int32) * 1800, watts, equal.astype(np.uint8), equal)

    size = len(chunk.encode(run))

    # The entropy of the numbers themselves, which no coding of independent noise can beat.
    share = np.unique(watts, return_counts=True)[1] / len(watts)
    bound = -(share * np.log2(share)).sum() / 8 * len(watts)
    assert size < 1.12 * bound

"""Sums over many series, added chunk by chunk, are those of the general way."""

import numpy as np
import pytest
from tests.store.conftest import ENERGY, NOW_S, POWER, column, midnight_s, permit

from kevre.model.quality import Quality
from kevre.model.step import Resolution
from kevre.model.window import PARIS, Window
from kevre.store import Store, grid

T = midnight_s(2025, 3, 1)
COUNT = 24


def noise(key, count, rng):
    """Half hours with holes, marks, estimates, and values of one, two or three bytes."""
    start = np.sort(rng.choice(count, count - rng.integers(0, 40), replace=False))
    value = rng.integers(0, [200, 60_000, 9_000_000][key % 3], len(start))
    quality = np.where(rng.random(len(start)) < 0.02, Quality.ESTIMATED, Quality.MEASURED)
    is_mark = rng.random(len(start)) < 0.01 * (key % 2)
    return [
        (T + int(at) * 1800, 1800, None if mark else int(watts) - 50 * (key % 5), Quality(code))
        for at, watts, code, mark in zip(start, value, quality, is_mark, strict=True)
    ]


@pytest.mark.parametrize("kind", [POWER, ENERGY])
@pytest.mark.parametrize("resolution", [Resolution.HALF_HOUR, Resolution.HOUR, Resolution.DAY])
def test_sums_do_not_depend_on_how_readings_are_kept(path, kind, resolution, monkeypatch):
    rng = np.random.default_rng(4)
    keys = range(1, COUNT + 1)
    with Store(path, memory_mb=128, threads=1) as store:
        for key in keys:
            store.declare(key, kind, PARIS)
            some = noise(key, 1500, rng)
            cut = len(some) - (key % 4) * 20
            exponent = -(key % 2)
            store.write([(key, column(some[:cut], kind, exponent))], batch="b", now_s=NOW_S)
            store.compact(T + 365 * 86_400)
            store.write([(key, column(some[cut:], kind, exponent))], batch="b", now_s=NOW_S)
        # One is corrected in the middle, one has other steps, one is off the grid.
        store.write([(3, column([(T + 1800 * 700, 1800, 5)], kind))], batch="b", now_s=NOW_S)
        for key, first_s, step_s in ((50, T, 600), (51, T + 60, 1800)):
            store.declare(key, kind, PARIS)
            odd = [(first_s + n * step_s, step_s, n) for n in range(2000)]
            store.write([(key, column(odd, kind))], batch="b", now_s=NOW_S)
        ask = permit(*keys, 50, 51)
        windows = [
            Window.of_seconds(T, T + 1500 * 1800),
            Window.of_seconds(T + 86_400 * 3 + 1800, T + 86_400 * 20),
            Window.of_seconds(T + 100, T + 86_400 * 2),
            Window.of_seconds(T - 86_400 * 5, T + 86_400 * 90),
        ]

        monkeypatch.setattr(grid, "_AT_ONCE", 4)  # so that both threads have their share
        fast = [store.total(ask, [*keys, 50, 51], one, resolution) for one in windows]
        monkeypatch.setattr(grid, "LEAST_SERIES", 10**6)
        plain = [store.total(ask, [*keys, 50, 51], one, resolution) for one in windows]

    for quick, slow in zip(fast, plain, strict=True):
        assert len(quick) > 0
        for name in ("start_s", "step_s", "quality", "coverage", "estimated"):
            assert np.array_equal(getattr(quick, name), getattr(slow, name)), name
        assert np.allclose(quick.energy, slow.energy, rtol=1e-12)
        assert np.allclose(quick.value, slow.value, rtol=1e-12)


def test_most_series_of_a_territory_are_added_the_quick_way(path):
    with Store(path, memory_mb=128, threads=1) as store:
        for key in range(1, COUNT + 1):
            store.declare(key, POWER, PARIS)
            some = [(T + n * 1800, 1800, n) for n in range(1500) if n % 97]
            store.write([(key, column(some))], batch="b", now_s=NOW_S)
        added = []
        whole = grid.fields
        window = Window.of_seconds(T, T + 1500 * 1800)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(grid, "fields", lambda *all_: added.append(all_[1]) or whole(*all_))
            curve = store.total(
                permit(*range(1, COUNT + 1)), range(1, COUNT + 1), window, Resolution.HALF_HOUR
            )
        assert [len(group) for group in added] == [COUNT]
        assert curve.value.tolist() == [COUNT * n for n in range(1500) if n % 97]

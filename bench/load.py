"""Generated load curves of a territory; nothing of them was measured.

The model: a year of half hours from 2025-01-01 UTC. Seven of ten meters are homes, of which
three heat electrically in proportion to how cold it is; one in ten has a water heater on the
night tariff; the others are schools and offices (busy on weekdays, eight to eighteen o'clock,
less in August), plants of photovoltaic panels (sun over Lorient, clouds that last a day) and
large sites. Each half hour is multiplied by log-normal noise (sigma 0.5 for homes, 0.2 for
others), independent of its neighbours, and cut to whole watts. That noise decides the size on
disk: real curves, whose neighbours resemble each other, take less. One reading in a hundred
is absent, in runs of one to 48.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

START_S = 1_735_689_600
STEP_S = 1_800
SLOTS = 17_520
BLOCK = 50
_KINDS = ("home", "heated home", "night heater", "office", "solar", "large")
_SHARES = (0.4, 0.3, 0.1, 0.1, 0.08, 0.02)

Watts = NDArray[np.int64]


def curves(meters: int, seed: int = 42) -> Iterator[tuple[Watts, NDArray[np.bool_]]]:
    """Give blocks of meters: watts, int64, and which are there, bool; shape (<= 50, SLOTS)."""
    rng = np.random.default_rng(seed)
    for first in range(0, meters, BLOCK):
        count = min(BLOCK, meters - first)
        kinds = rng.choice(len(_KINDS), count, p=_SHARES)
        watts = np.stack([_curve(_KINDS[kind], rng) for kind in kinds])
        yield watts, _there(count, rng)


def _curve(kind: str, rng: np.random.Generator) -> Watts:
    slot = np.arange(SLOTS)
    hour, day = slot % 48 / 2, slot // 48
    cold = np.clip(16 - 11 + 6 * np.cos((day - 20) / 365 * 2 * np.pi), 0, None)
    size = rng.lognormal(0, 0.4)
    evening = np.exp(-((hour - 19.5) ** 2) / 6) + 0.5 * np.exp(-((hour - 7.5) ** 2) / 2)
    mean = 120 + 600 * evening
    sigma = 0.5
    if kind == "heated home":
        mean = mean + 180 * cold
    elif kind == "night heater":
        mean = mean + 2_000 * ((hour >= 1) & (hour < 5))
    elif kind == "office":
        is_open = (day % 7 < 5) & (hour >= 8) & (hour < 18) & ~((day > 212) & (day < 243))
        mean, sigma = 1_500 + 9_000 * is_open + 500 * cold, 0.2
    elif kind == "large":
        mean, sigma = 60_000 + 40_000 * (day % 7 < 5) + 2_000 * cold, 0.2
    elif kind == "solar":
        height = np.sin((hour - 6.2) / 12.5 * np.pi) * (0.6 - 0.35 * np.cos(day / 365 * 2 * np.pi))
        clouds = np.repeat(rng.beta(2, 1.5, SLOTS // 48), 48)
        mean, sigma = 3_000 * np.clip(height, 0, None) * clouds, 0.2
    return (size * mean * rng.lognormal(0, sigma, SLOTS)).astype(np.int64)


def _there(count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    there = np.ones((count, SLOTS), bool)
    runs = SLOTS // 100 * count // 24
    for meter, start, length in zip(
        rng.integers(0, count, runs),
        rng.integers(0, SLOTS, runs),
        rng.integers(1, 49, runs),
        strict=True,
    ):
        there[meter, start : start + length] = False
    return there

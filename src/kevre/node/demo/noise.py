"""Noise without a sequence: the value of a slot depends on its seed and number alone.

A generator with a state gives other values when asked for other pieces; this one lets any
hour be made at any time, always the same.

Source: the mixing function is SplitMix64, in G. L. Steele, D. Lea, C. H. Flood, "Fast
splittable pseudorandom number generators", OOPSLA 2014, figure 17,
https://doi.org/10.1145/2660193.2660195 (gamma and constants of its `mix64variant13`).
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_MANTISSA_BITS = 53

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def seed(*names: str) -> int:
    """Give a seed of 63 bits that depends on these names alone."""
    digest = hashlib.blake2b("\x1f".join(names).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def uniform(seed: int, slot: Integers) -> Floats:
    """Give a number in 0 <= u < 1 for each slot."""
    high = (bits(seed, slot) >> np.uint64(64 - _MANTISSA_BITS)).astype(np.float64)
    return high * 2.0**-_MANTISSA_BITS


def bits(seed: int, slot: Integers) -> NDArray[np.uint64]:
    """Give 64 random bits for each slot: the slot-th output of SplitMix64 from this seed."""
    start = np.full(1, seed, np.uint64)
    z = start + (np.atleast_1d(slot).astype(np.uint64) + np.uint64(1)) * _GAMMA
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return np.asarray(z ^ (z >> np.uint64(31)))


def normal(seed: int, slot: Integers) -> Floats:
    """Give a standard normal number for each slot (Box and Muller, 1958)."""
    # 1 - u lies in (0, 1], so that its logarithm is finite.
    radius = np.sqrt(-2.0 * np.log(1.0 - uniform(seed, slot * 2)))
    return np.asarray(radius * np.cos(2.0 * np.pi * uniform(seed, slot * 2 + 1)))


def log_normal(seed: int, slot: Integers, sigma: float) -> Floats:
    """Give a positive number of mean 1 for each slot; `sigma` is that of its logarithm."""
    return np.asarray(np.exp(sigma * normal(seed, slot) - sigma**2 / 2.0))


def smooth(seed: int, at_s: Integers, scale_s: int) -> Floats:
    """Give a number in 0 <= u < 1 that drifts over about `scale_s` seconds.

    Between the random values at the multiples of `scale_s` it goes by the cubic 3x²-2x³.
    """
    knot = at_s // scale_s
    x = (at_s - knot * scale_s) / scale_s
    weight = x * x * (3.0 - 2.0 * x)
    return np.asarray(uniform(seed, knot) * (1.0 - weight) + uniform(seed, knot + 1) * weight)

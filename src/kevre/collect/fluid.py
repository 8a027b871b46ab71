"""Density and heat capacity of what flows in a loop of heat, as functions of temperature."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import sqrt
from typing import Protocol

_Table = tuple[tuple[float, float], ...]  # (temperature [degC], value), rising
_Terms = tuple[tuple[float, ...], ...]  # by power of concentration, then of temperature


class Fluid(Protocol):
    """What flows."""

    def density(self, temp_c: float) -> float:
        """Give the density [kg/m3]."""

    def heat_capacity(self, temp_c: float) -> float:
        """Give the specific heat capacity [J/(kg K)]."""


class Water:
    """Water without air, at the pressure of a heating loop, from 0 to 150 degC."""

    def density(self, temp_c: float) -> float:
        """Give the density [kg/m3].

        Source: G. S. Kell, "Density, thermal expansivity, and compressibility of liquid
        water from 0 to 150 degC", J. Chem. Eng. Data 20 (1975) 97-105, equation 16. T is
        temp_c.
        """
        t = temp_c
        above = (
            999.83952
            + 16.945176 * t
            - 7.9870401e-3 * t**2
            - 46.170461e-6 * t**3
            + 105.56302e-9 * t**4
            - 280.54253e-12 * t**5
        )
        return above / (1 + 16.879850e-3 * t)

    def heat_capacity(self, temp_c: float) -> float:
        """Give the specific heat capacity [J/(kg K)].

        Source: C. O. Popiel, J. Wojtkowiak, "Simple formulas for thermophysical properties
        of liquid water for heat transfer calculations (from 0 degC to 150 degC)", Heat
        Transfer Engineering 19 (1998) 87-101. T is temp_c, in kJ/(kg K) there.
        """
        t = max(temp_c, 0.0)
        return 1_000 * (
            4.2174356
            - 0.0056181625 * t
            + 0.0012992528 * t * sqrt(t)
            - 0.00011535353 * t**2
            + 4.14964e-6 * t**2 * sqrt(t)
        )


@dataclass(frozen=True, slots=True)
class Glycol:
    """Glycol in water, by polynomials in concentration and temperature.

    Source: A. Melinder, "Properties of Secondary Working Fluids for Indirect Systems",
    IIR/IIF, Paris 2010: sum of C_ij (x - x_m)^i (T - T_m)^j, where x is the share of glycol
    by mass in %, T the temperature in degC. It was fitted below 40 degC. Beside the curves of
    one maker's solar fluid, 20 to 40 % and 0 to 100 degC, it stays within 0.6 % for density and
    2.7 % for heat capacity; at 50 % within 4.5 %. The maker's own table is better: `Tabled`.

    Args:
        share_pct: glycol by mass [%], at most 60.
    """

    base_pct: float
    base_c: float
    densities: _Terms
    capacities: _Terms
    share_pct: float

    def density(self, temp_c: float) -> float:
        """Give the density [kg/m3]."""
        return self._value(self.densities, temp_c)

    def heat_capacity(self, temp_c: float) -> float:
        """Give the specific heat capacity [J/(kg K)]."""
        return self._value(self.capacities, temp_c)

    def _value(self, terms: _Terms, temp_c: float) -> float:
        x, t = self.share_pct - self.base_pct, temp_c - self.base_c
        return sum(
            factor * x**power_x * t**power_t
            for power_x, row in enumerate(terms)
            for power_t, factor in enumerate(row)
        )


def propylene(share_pct: float) -> Glycol:
    """Make propylene glycol in water: what most solar loops hold."""
    return Glycol(30.7031, 32.7083, _PROPYLENE_DENSITY, _PROPYLENE_CAPACITY, share_pct)


def ethylene(share_pct: float) -> Glycol:
    """Make ethylene glycol in water."""
    return Glycol(30.8462, 31.728, _ETHYLENE_DENSITY, _ETHYLENE_CAPACITY, share_pct)


@dataclass(frozen=True, slots=True)
class Tabled:
    """A fluid by the table of its maker; straight lines between and beyond its points."""

    densities: _Table
    capacities: _Table

    def __post_init__(self) -> None:
        """Hold two points or more, in rising temperature."""
        for table in (self.densities, self.capacities):
            places = [place for place, _ in table]
            if len(places) < 2 or sorted(set(places)) != places:  # noqa: PLR2004
                raise ValueError("a table has two points or more, in rising temperature")

    def density(self, temp_c: float) -> float:
        """Give the density [kg/m3]."""
        return _between(self.densities, temp_c)

    def heat_capacity(self, temp_c: float) -> float:
        """Give the specific heat capacity [J/(kg K)]."""
        return _between(self.capacities, temp_c)


def _between(table: _Table, place: float) -> float:
    after = bisect_left(table, (place,), 1, len(table) - 1)
    (x0, y0), (x1, y1) = table[after - 1], table[after]
    return y0 + (y1 - y0) * (place - x0) / (x1 - x0)


_PROPYLENE_DENSITY: _Terms = (
    (1018, -0.5406, -0.002666, 0.00001347),
    (0.7604, -0.00945, 0.00005541, -0.0000001343),
    (-0.002498, 0.000027, -0.0000004018, 0.000000003376),
    (-0.000155, 0.000002829, -0.000000007175),
    (-0.000001131, -0.00000002221),
    (0.00000002342,),
)
_PROPYLENE_CAPACITY: _Terms = (
    (3882, 2.699, -0.001659, -0.00001032),
    (-13.04, 0.0507, -0.00004752, 0.000001522),
    (-0.1598, 0.00009534, 0.00001167, -0.0000000487),
    (0.0003539, 0.00003102, -0.000000295),
    (0.00005, -0.0000007135),
    (-0.0000004959,),
)
_ETHYLENE_DENSITY: _Terms = (
    (1034, -0.4781, -0.002692, 0.000004725),
    (1.311, -0.006876, 0.00004805, 0.0000000169),
    (0.0000749, 0.00007855, -0.0000003995, 0.000000004982),
    (-0.0001062, 0.000001229, -0.00000001153),
    (-0.0000009623, -0.00000007211),
    (0.00000004891,),
)
_ETHYLENE_CAPACITY: _Terms = (
    (3737, 2.93, -0.004675, -0.00001389),
    (-17.99, 0.1046, -0.0004147, 0.0000001847),
    (-0.09933, 0.0003516, 0.000005109, -0.00000007138),
    (0.00261, -0.000001189, -0.0000001643),
    (0.00001537, -0.0000004272),
    (-0.000001618,),
)

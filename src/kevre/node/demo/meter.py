"""The curve of the simulated meter, from the same registers that its live device sends.

So that what a page shows live and what it shows for the last half-hour are one site.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kevre.collect.load import Load
from kevre.node.demo.noise import Integers

_HOUR_S = 3_600


@dataclass(frozen=True, slots=True)
class Meter:
    """What the collector must be told to simulate the same meter.

    Attributes:
        profile: a name in `collect.load.PROFILES`.
        seed: that of the simulation.
        solar_wp: peak power of the site's panels [W].
    """

    profile: str
    seed: int
    solar_wp: int


@dataclass(slots=True)
class MeterCurve:
    """Reads the registers of a simulated meter at the edges of intervals, each edge once."""

    meter: Meter
    _net: dict[int, tuple[int, int]] = field(default_factory=dict)
    _use: dict[int, tuple[int, int]] = field(default_factory=dict)

    def power_w(self, flow: str, start_s: Integers, step_s: int) -> Integers:
        """Give the mean power of `import`, `export` or `solar` in each interval [whole W].

        Args:
            flow: which of them.
            start_s: shape (n,), without gaps [epoch s].
            step_s: a divisor of an hour [s].
        """
        if len(start_s) == 0:
            return np.empty(0, np.int64)
        edges_s = np.append(start_s, start_s[-1] + step_s)
        imported, exported = self._energy_wh(edges_s, self.meter.solar_wp, self._net)
        energy_wh = {"import": imported, "export": exported}.get(flow)
        if energy_wh is None:
            used, _ = self._energy_wh(edges_s, 0, self._use)
            made = used - imported + exported
            # Registers count whole Wh: a single one is their rounding, not the sun.
            energy_wh = np.where(made > 1, made, 0)
        return np.asarray(energy_wh * (_HOUR_S // step_s), np.int64)

    def _energy_wh(
        self, edges_s: Integers, solar_wp: int, seen: dict[int, tuple[int, int]]
    ) -> tuple[Integers, Integers]:
        """Give what each register counted between the edges."""
        load = Load(self.meter.seed, self.meter.profile, solar_wp)
        for edge_s in edges_s.tolist():
            if edge_s not in seen:
                state = load.at(edge_s)
                seen[edge_s] = (state.import_wh, state.export_wh)
        registers = np.array([seen[edge_s] for edge_s in edges_s.tolist()], np.int64)
        counted = np.diff(registers, axis=0)
        return counted[:, 0], counted[:, 1]

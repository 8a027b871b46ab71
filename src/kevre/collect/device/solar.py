"""A solar thermal loop: the heat it gives, from flow and two temperatures of other devices.

    Q = rho(T_in) V c_p(T_m) (T_out - T_in),  T_m = (T_in + T_out) / 2

Source: ISO 9806:2017, "Solar energy - Solar thermal collectors - Test methods", useful power
of a collector; V is the volume flow where the fluid is at T_in, T_in and T_out are the
temperatures before and after the collectors. Efficiency is Q / (A G), with the area A that
the collectors' efficiency refers to and the irradiance G in their plane.

Where the loop gives nothing, or cools the tank at night, its power is zero: heat that was
lost is not taken back from the register.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from kevre.collect import fluid
from kevre.collect.driver import Board, Sample, Task
from kevre.collect.option import Options
from kevre.collect.tally import Tally
from kevre.model import exact, identifier
from kevre.model.errors import Malformed, Unavailable
from kevre.model.quality import Quality
from kevre.model.series import LIVE_HOLD_S

POWER, ENERGY = "production/power/heat/instant", "production/energy/heat/index"
EFFICIENCY = "production/efficiency/heat/instant"
_HOUR_S = 3_600
_LEAST_SUN_W_M2 = 100.0  # below it an efficiency is noise
_FLUIDS = {"water": None, "propylene-glycol": None, "ethylene-glycol": None, "table": None}
_MOST_PCT = 60
_FLUID_HINT = "pairs of [temperature, value], two or more, in rising temperature"


@dataclass(frozen=True, slots=True)
class Loop:
    """What is measured of a loop, by the URN of each series, and what flows in it."""

    flow: str
    supply: str
    back: str
    irradiance: str
    area_m2: float
    fluid: fluid.Fluid

    def power_w(self, flow_m3_h: float, out_c: float, in_c: float) -> float:
        """Give the useful power [W]; below zero where the loop cools."""
        mass_kg_s = self.fluid.density(in_c) * flow_m3_h / _HOUR_S
        return mass_kg_s * self.fluid.heat_capacity((in_c + out_c) / 2) * (out_c - in_c)


class Solar:
    """Computes one loop from what other devices said last.

    Args:
        stale_s: an input older than this is no input.
        index_s: how often the register is written and given.
        monotonic: gives a time that no one sets [s].
    """

    listens = False

    def __init__(
        self,
        loop: Loop,
        board: Board,
        tally: Tally,
        *,
        clock: Callable[[], float],
        stale_s: int,
        index_s: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loop = loop
        self._board = board
        self._tally = tally
        self._clock = clock
        self._stale_s = stale_s
        self._index_s = index_s
        self._monotonic = monotonic
        self._rest_j = 0.0
        self._last: tuple[float, float] | None = None  # when [s], and power [W]
        self._period = -1
        self._opened_s = 0.0
        self._is_open = False
        self._skipped = 0

    def open(self) -> None:
        """Read how much heat was counted before; of the time between nothing is known."""
        self._tally.open(0)
        self._last, self._period = None, -1
        self._opened_s = self._monotonic()
        self._is_open = True

    def read(self) -> Iterator[Sample]:
        """Give power, efficiency where the sun is measured, and the register now and then.

        Raises:
            Unavailable: an input is missing or old.
        """
        loop = self._loop
        if self._is_early():
            return
        flow, out_c, in_c = (self._input(urn) for urn in (loop.flow, loop.supply, loop.back))
        power_w = max(0.0, loop.power_w(flow, out_c, in_c))
        self._count(power_w)
        yield Sample(POWER, _rounded(power_w, 1), Quality.COMPUTED)
        if loop.irradiance:
            sun_w_m2 = self._input(loop.irradiance)
            if sun_w_m2 >= _LEAST_SUN_W_M2:
                share = power_w / (loop.area_m2 * sun_w_m2)
                yield Sample(EFFICIENCY, _rounded(share, 4), Quality.COMPUTED)
        period = int(self._clock()) // self._index_s
        if period != self._period:
            self._period = period
            self._tally.save()
            yield Sample(ENERGY, (self._tally.count // _HOUR_S, 0), Quality.COMPUTED)

    def close(self) -> None:
        """Keep what was counted."""
        if self._is_open:
            self._is_open = False
            self._tally.save()

    def counts(self) -> Mapping[str, int]:
        """Count the gaps over which no energy was counted."""
        return {"gaps": self._skipped}

    def _count(self, power_w: float) -> None:
        """Add the energy since the last read, as if the power had gone in a straight line."""
        now_s = self._monotonic()
        last, self._last = self._last, (now_s, power_w)
        if last is None:
            return
        length_s = now_s - last[0]
        if length_s > LIVE_HOLD_S:
            self._skipped += 1
            return
        self._rest_j += (power_w + last[1]) / 2 * length_s
        whole_j = int(self._rest_j)
        self._rest_j -= whole_j
        self._tally.add(whole_j)

    def _is_early(self) -> bool:
        """Say whether the inputs' devices may not have spoken yet, since all start at once."""
        loop = self._loop
        inputs = [urn for urn in (loop.flow, loop.supply, loop.back, loop.irradiance) if urn]
        has_all = all(self._board.last(urn) is not None for urn in inputs)
        return not has_all and self._monotonic() - self._opened_s < self._stale_s

    def _input(self, urn: str) -> float:
        last = self._board.last(urn)
        if last is None or abs(self._clock() - last[0]) > self._stale_s:
            self._last = None
            raise Unavailable(
                "solar.input",
                "an input of the loop is missing or too old",
                where=urn.partition("_")[2],
                hint="does its device run? the name must be that of its series, URN and path",
            )
        mantissa, exponent = last[1]
        return float(Decimal(mantissa).scaleb(exponent))


def make(task: Task) -> Solar:
    """Make the driver of its options: inputs, fluid, area."""
    options = task.options
    irradiance = options.text("irradiance", "")
    loop = Loop(
        _series(options, "flow", "m3/h"),
        _series(options, "supply", "Cel"),
        _series(options, "return", "Cel"),
        _series(options, "irradiance", "W/m2") if irradiance else "",
        float(options.number("area_m2", None if irradiance else "1")),
        _fluid(options),
    )
    if loop.area_m2 < 0:
        raise options.wrong("area_m2", "above zero")
    return Solar(
        loop,
        task.around.board,
        Tally(task.around.folder / f"{task.name}.joule"),
        clock=task.around.clock,
        stale_s=options.whole("stale_s", 120, least=1),
        index_s=task.index_s,
    )


def _series(options: Options, name: str, unit: str) -> str:
    """Take the URN of a series of the right unit."""
    try:
        series = identifier.parse(options.text(name))
    except Malformed as error:
        error.where = error.where or options.where
        raise
    if series.kind is None or series.kind.unit != unit:
        raise options.wrong(name, f"the URN of a series in {unit}")
    return str(series)


def _fluid(options: Options) -> fluid.Fluid:
    name = options.choice("fluid", _FLUIDS)
    if name == "water":
        return fluid.Water()
    if name == "table":
        densities, capacities = options.pairs("density"), options.pairs("heat_capacity")
        try:
            return fluid.Tabled(densities, capacities)
        except ValueError as error:
            raise options.wrong("density", _FLUID_HINT) from error
    share_pct = float(options.number("glycol_pct"))
    if not 0 < share_pct <= _MOST_PCT:
        raise options.wrong("glycol_pct", f"the share by mass, above 0 and up to {_MOST_PCT}")
    return (fluid.propylene if name.startswith("propylene") else fluid.ethylene)(share_pct)


def _rounded(value: float, decimals: int) -> exact.Exact:
    return exact.from_decimal(round(Decimal(value), decimals))

"""Which series of a site stand for what: consumption, production, export, live power.

A flow may be measured several times: by the contract's meter and by a sensor of our own, as
a curve and as a register. Each counts once. The contract's meter counts before a sensor,
and a curve before a register.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from kevre.model.series import Direction, Fluid, Statistic
from kevre.places.series import Series

_CONTRACT = ("urn:dev:prm:", "urn:dev:pce:")
# From the best witness of an energy to the poorest.
_RANK = {
    Statistic.MEAN: 0,
    Statistic.SUM: 1,
    Statistic.REGISTER: 2,
    Statistic.INSTANT: 3,
    Statistic.MAX: 9,
}
_REGISTER_SEGMENTS = 4  # a longer path names one tariff class of the register
ENERGY_FLUIDS = (Fluid.ELECTRICITY, Fluid.GAS, Fluid.HEAT)


@dataclass(frozen=True, slots=True)
class Meters:
    """The series of one site by what they stand for; each energy counts once.

    Attributes:
        consumption: what is taken in, by fluid.
        production: what is made on site, by fluid.
        export: electricity fed into the grid, where it is measured beside the production.
        live: the freshest witness of consumption and of production, if instantaneous.
        states: temperatures and the like, which are no energy.
    """

    consumption: dict[Fluid, tuple[Series, ...]] = field(default_factory=dict)
    production: dict[Fluid, tuple[Series, ...]] = field(default_factory=dict)
    export: tuple[Series, ...] = ()
    live: dict[Direction, Series] = field(default_factory=dict)
    states: tuple[Series, ...] = ()

    @property
    def counted(self) -> tuple[Series, ...]:
        """Give every series whose days are added up."""
        flows = (*self.consumption.values(), *self.production.values(), self.export)
        return tuple(dict.fromkeys(one for flow in flows for one in flow))


def meters(every: Iterable[Series]) -> Meters:
    """Sort the series of one site."""
    known = tuple(every)
    consumption: dict[Fluid, tuple[Series, ...]] = {}
    production: dict[Fluid, tuple[Series, ...]] = {}
    export: tuple[Series, ...] = ()
    for fluid in ENERGY_FLUIDS:
        billed, sensed = _flow(known, fluid, Direction.CONSUMPTION)
        contract, own = _flow(known, fluid, Direction.PRODUCTION)
        if billed or sensed:
            consumption[fluid] = billed or sensed
        if contract or own:
            production[fluid] = own or contract
        if fluid is Fluid.ELECTRICITY and contract and own:
            export = contract
    states = tuple(one for one in known if one.direction == Direction.NONE)
    return Meters(consumption, production, export, _live(known), states)


def _flow(
    known: Iterable[Series], fluid: Fluid, direction: Direction
) -> tuple[tuple[Series, ...], tuple[Series, ...]]:
    """Give the best series of each point: of contract points, and of points of our own."""
    points: dict[str, list[Series]] = defaultdict(list)
    for one in known:
        if (one.fluid, one.direction) == (fluid, direction) and one.kind.totals_wh:
            points[one.point.urn].append(one)
    contract: list[Series] = []
    own: list[Series] = []
    for urn, candidates in points.items():
        (contract if urn.startswith(_CONTRACT) else own).extend(_best(candidates))
    return tuple(contract), tuple(own)


def _best(candidates: list[Series]) -> list[Series]:
    best = min(_rank(one) for one in candidates)
    equal = sorted((one for one in candidates if _rank(one) == best), key=_plainness)
    if best == _RANK[Statistic.REGISTER] and _segments(equal[0]) > _REGISTER_SEGMENTS:
        return equal  # only the tariff classes are there: together they are the whole
    return equal[:1]


def _rank(series: Series) -> int:
    return _RANK[Statistic(series.statistic)]


def _segments(series: Series) -> int:
    return series.path.count("/") + 1


def _plainness(series: Series) -> tuple[int, bool, str]:
    return _segments(series), not series.path.endswith("/raw"), series.path


def _live(known: Iterable[Series]) -> dict[Direction, Series]:
    """Find the instantaneous electric power of each direction: active before apparent."""
    found: dict[Direction, Series] = {}
    instants = [
        one for one in known if (one.fluid, one.statistic) == (Fluid.ELECTRICITY, Statistic.INSTANT)
    ]
    for direction in (Direction.CONSUMPTION, Direction.PRODUCTION):
        powers = [one for one in instants if one.direction == direction and one.unit in {"W", "VA"}]
        if powers:
            found[direction] = min(powers, key=lambda one: (one.unit != "W", one.urn))
    return found

"""What a series measures: its kind, said in five words and a unit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kevre.model import unit as units


class Fluid(StrEnum):
    """What flows, or whose state is measured."""

    ELECTRICITY = "electricity"
    GAS = "gas"
    HEAT = "heat"
    WATER = "water"
    WEATHER = "weather"
    INDOOR = "indoor"


class Direction(StrEnum):
    """Which way it flows, seen from the site; never a sign on the value."""

    CONSUMPTION = "consumption"
    PRODUCTION = "production"
    NONE = "none"  # a state, such as a temperature


class Statistic(StrEnum):
    """How one value stands for its time.

    Totals follow from it: a `mean` power times its step, a `sum` as it is, a `register` by
    difference; an `instant` holds until the next reading, for LIVE_HOLD_S at most.
    """

    MEAN = "mean"
    SUM = "sum"
    REGISTER = "register"
    INSTANT = "instant"
    MAX = "max"


# How long an instantaneous value is taken to hold when nothing follows [s]: a gap longer
# than ten minutes is a gap in the data, not a steady load.
LIVE_HOLD_S = 600


@dataclass(frozen=True, slots=True)
class Kind:
    """The kind of a series: what, which way, counted how, in which base unit."""

    fluid: Fluid
    quantity: str
    direction: Direction
    statistic: Statistic
    unit: str

    def __post_init__(self) -> None:
        """Refuse a unit that is not the base of its dimension, so that sums need no care."""
        if units.unit(self.unit).base != self.unit:
            raise ValueError(f"{self.unit} is not a base unit")

    @property
    def totals_wh(self) -> bool:
        """Say whether a daily total of it is an energy in Wh."""
        if self.unit == "Wh":
            return True
        return self.unit == "W" and self.statistic in {Statistic.MEAN, Statistic.INSTANT}

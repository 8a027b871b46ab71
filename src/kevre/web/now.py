"""The power of this moment, or the newest one known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kevre.flow.read import Latest
from kevre.model.series import LIVE_HOLD_S, Direction, Fluid, Statistic
from kevre.places.series import Series
from kevre.web.meters import Meters


@dataclass(frozen=True, slots=True)
class Power:
    """One power with its time.

    Attributes:
        series: key of the series, by which the live page finds its figure.
        value: in `unit`, W or VA.
        at: the instant it was read, or the end of the interval it stands for.
        is_live: whether it holds at this moment.
    """

    series: int
    value: float
    unit: str
    at: datetime
    is_live: bool


def wanted(meters: Meters) -> tuple[Series, ...]:
    """Give the series whose newest readings `power` looks at."""
    curves = (*_curves(meters, Direction.CONSUMPTION), *_curves(meters, Direction.PRODUCTION))
    return tuple(dict.fromkeys((*meters.live.values(), *curves)))


def power(
    meters: Meters, direction: Direction, latest: Mapping[int, Latest], now: datetime
) -> Power | None:
    """Give the power of one direction: the live one if it is fresh, else the newest."""
    live = _sum((meters.live[direction],) if direction in meters.live else (), latest, now)
    if live is not None and live.is_live:
        return live
    curve = _sum(_curves(meters, direction), latest, now)
    known = [one for one in (live, curve) if one is not None]
    return max(known, key=lambda one: one.at, default=None)


def _curves(meters: Meters, direction: Direction) -> tuple[Series, ...]:
    flows = meters.consumption if direction is Direction.CONSUMPTION else meters.production
    electric = flows.get(Fluid.ELECTRICITY, ())
    return tuple(one for one in electric if one.statistic == Statistic.MEAN)


def _sum(group: Sequence[Series], latest: Mapping[int, Latest], now: datetime) -> Power | None:
    """Add the newest readings of a group, those of one moment only."""
    known = [(one, latest[one.pk]) for one in group if one.pk in latest]
    readings = [(one, read, read.value) for one, read in known if read.value is not None]
    if not readings:
        return None
    newest_s = max(read.start_s for _, read, _ in readings)
    same = [(one, read, value) for one, read, value in readings if read.start_s == newest_s]
    first, reading, _ = same[0]
    at = datetime.fromtimestamp(newest_s + reading.step_s, UTC)
    return Power(
        first.pk,
        sum(mantissa * 10.0**exponent for _, _, (mantissa, exponent) in same),
        first.unit,
        at,
        is_live=0 <= (now - at).total_seconds() < LIVE_HOLD_S,
    )

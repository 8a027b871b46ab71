"""Generated loads and production, as pure functions of a seed and the time.

Where no package has a kind of series, these make it. Every value depends on its own interval
alone (see `noise`), so that it is the same whoever asks, whenever, for however long.
All powers are means over the interval [W].
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from kevre.node.demo import noise, sun
from kevre.node.demo.clock import Clock, clock
from kevre.node.demo.noise import Floats, Integers

SOLAR_STEP_S = 600
_NOON_H = 12.0
_DAYTIME_H = (6.0, 22.5)  # when thermostats ask for all of it
_HEAT_BELOW_C = 16.0  # gains of sun and people carry a house from here to 19 degrees
_TANK_W = 2_200.0
_SHOWER_WH = 1_150.0  # 25 l of water from 12 to 52 degrees, one person's hot water of a day
_AWAY_SHARE = 0.06  # of all weeks
_HOLIDAY_AWAY_SHARE = 0.35  # of those of August and of the year's end
_HOLIDAY_WEEKS = (30, 31, 32, 51, 52)


@dataclass(frozen=True, slots=True)
class Home:
    """What makes a home's electricity.

    Attributes:
        base_w: what never sleeps.
        activity_w: what people add when they are all up.
        loss_w_per_k: electric heating per degree of cold; 0 if heated otherwise.
        people: how many shower; with `has_tank`, water is heated at night.
        limit_w: the subscribed power.
    """

    seed: int
    base_w: float
    activity_w: float
    loss_w_per_k: float = 0.0
    people: int = 2
    has_tank: bool = False
    limit_w: float = 9_000.0


@dataclass(frozen=True, slots=True)
class Building:
    """What makes the electricity of a building that opens and closes.

    Attributes:
        open_w: added at full use.
        opens_h: local hour, and `closes_h` likewise.
        open_days: how much of `open_w` each weekday from Monday sees, 0 to 1.
        closed_weeks: numbers of the weeks of the year without use.
        loss_w_per_k: heating and ventilation per degree of cold.
    """

    seed: int
    base_w: float
    open_w: float
    opens_h: float
    closes_h: float
    open_days: tuple[float, ...]
    closed_weeks: tuple[int, ...] = ()
    loss_w_per_k: float = 0.0


@dataclass(frozen=True, slots=True)
class Array:
    """A photovoltaic plant: its peak power, and the inverter's limit."""

    seed: int
    peak_w: float
    inverter_w: float
    plane: sun.Plane


@dataclass(frozen=True, slots=True)
class Sky:
    """The sky over a territory: its clouds are the same for every plant under it."""

    seed: int
    place: sun.Place


def home_w(home: Home, start_s: Integers, step_s: int, *, temp_c: Floats, zone: ZoneInfo) -> Floats:
    """Give what a home draws in the intervals that start at `start_s`.

    Args:
        home: the home.
        start_s: shape (n,) [epoch s].
        step_s: their length [s].
        temp_c: shape (n,), outdoor temperature [Cel].
        zone: the clock the people live by.
    """
    time = clock(start_s + step_s // 2, zone)
    is_away = _away(home.seed, time)
    slot = start_s // step_s
    base = home.base_w * (0.85 + 0.3 * noise.smooth(home.seed + 1, start_s, 7_200))
    active = (
        home.activity_w * _activity(home.seed, time) * noise.log_normal(home.seed + 2, slot, 0.6)
    )
    cold_k = np.maximum(_HEAT_BELOW_C - temp_c, 0.0) * np.where(is_away, 0.4, _setback(time))
    heating = home.loss_w_per_k * cold_k * noise.log_normal(home.seed + 3, slot, 0.2)
    water = _tank_w(home, step_s, time) if home.has_tank else np.zeros(len(start_s))
    present = active + water
    total = base * np.where(is_away, 0.7, 1.0) + np.where(is_away, 0.0, present) + heating
    return np.minimum(total, home.limit_w)


def building_w(
    building: Building, start_s: Integers, step_s: int, *, temp_c: Floats, zone: ZoneInfo
) -> Floats:
    """Give what a building draws, with the arguments of `home_w`."""
    time = clock(start_s + step_s // 2, zone)
    use = np.array(building.open_days)[time.weekday]
    use = np.where(np.isin(time.week_of_year, building.closed_weeks), 0.0, use)
    # People come and go within about an hour of the door's times.
    came = np.clip((time.hour - building.opens_h) / 1.5 + 0.5, 0.0, 1.0)
    left = np.clip((time.hour - building.closes_h) / 1.5 + 0.5, 0.0, 1.0)
    presence = use * (came - left)
    slot = start_s // step_s
    open_w = building.open_w * presence * noise.log_normal(building.seed + 1, slot, 0.12)
    base = building.base_w * (0.92 + 0.16 * noise.smooth(building.seed + 2, start_s, 10_800))
    cold_k = np.maximum(_HEAT_BELOW_C - temp_c, 0.0) * (0.35 + 0.65 * (presence > 0.0))
    return np.asarray(base + open_w + building.loss_w_per_k * cold_k)


def clearness(sky: Sky, at_s: Integers) -> Floats:
    """Give the share of clear-sky light that the clouds let through, 0.08 to 1.

    Weather over half a day decides how cloudy it is, clouds over ten minutes to an hour move
    within; both are shared by the whole territory.
    """
    weather = noise.smooth(sky.seed, at_s, 43_200)
    cloud = 0.6 * noise.smooth(sky.seed + 1, at_s, 3_600) + 0.4 * noise.smooth(
        sky.seed + 2, at_s, 600
    )
    covered = np.clip(1.6 * weather - 0.45 + 0.5 * (cloud - 0.5), 0.0, 1.0)
    return np.asarray(1.0 - 0.92 * covered**1.3)


def solar_w(array: Array, sky: Sky, start_s: Integers, *, temp_c: Floats) -> Floats:
    """Give what a photovoltaic plant delivers in each SOLAR_STEP_S from `start_s`.

    Nothing at night, at most the inverter's power. The modules lose 0.4 % a degree above 25
    and are 25 degrees warmer than the air in 800 W/m2 (nominal operating cell temperature 45,
    IEC 61215); 14 % are lost in cables, inverter and dirt.
    """
    at_s = start_s + SOLAR_STEP_S // 2
    stand = sun.sun(sky.place, at_s)
    global_w_m2 = sun.clear_sky_w_m2(stand.up) * clearness(sky, at_s)
    plane_w_m2 = sun.on_plane_w_m2(stand, array.plane, global_w_m2)
    module_c = temp_c + plane_w_m2 * (25.0 / 800.0)
    yield_share = 0.86 * (1.0 - 0.004 * (module_c - 25.0))
    own = 0.97 + 0.06 * noise.uniform(array.seed, start_s // SOLAR_STEP_S)
    power_w = array.peak_w * plane_w_m2 / 1_000.0 * yield_share * own
    return np.clip(power_w, 0.0, array.inverter_w)


def _activity(seed: int, time: Clock) -> Floats:
    """Give how much people do, 0 to about 1: a morning, a midday, an evening."""
    is_weekend = time.weekday >= 5  # noqa: PLR2004 - Saturday
    late_h = (noise.uniform(seed + 4, time.day) - 0.5) * 1.2
    morning = _hump(time.hour, np.where(is_weekend, 9.5, 7.3) + late_h, 0.9) * 0.55
    midday = _hump(time.hour, 12.6 + late_h, 1.0) * np.where(is_weekend, 0.6, 0.3)
    evening = _hump(time.hour, 19.6 + late_h, 1.8)
    return np.asarray(morning + midday + evening + 0.08)


def _hump(hour: Floats, at_h: Floats, width_h: float) -> Floats:
    # The nearer way round the clock, so that an evening ends after midnight.
    away_h = np.abs((hour - at_h + 12.0) % 24.0 - 12.0)
    return np.asarray(np.exp(-0.5 * (away_h / width_h) ** 2))


def _away(seed: int, time: Clock) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    share = np.where(np.isin(time.week_of_year, _HOLIDAY_WEEKS), _HOLIDAY_AWAY_SHARE, _AWAY_SHARE)
    return np.asarray(noise.uniform(seed + 5, time.week) < share)


def _setback(time: Clock) -> Floats:
    """Give the share of heating that a thermostat asks for: less at night."""
    return np.where((time.hour >= _DAYTIME_H[0]) & (time.hour < _DAYTIME_H[1]), 1.0, 0.65)


def _tank_w(home: Home, step_s: int, time: Clock) -> Floats:
    """Give the mean power of a hot-water tank that heats from about 23:30, in off-peak hours."""
    # An evening and the morning after it are one night.
    night = np.where(time.hour >= _NOON_H, time.day, time.day - 1)
    begins_h = 23.5 + 0.2 * noise.uniform(home.seed + 6, night)
    need_wh = home.people * _SHOWER_WH * noise.log_normal(home.seed + 7, night, 0.25)
    length_h = np.minimum(need_wh / _TANK_W, 6.5)
    step_h = step_s / 3_600
    begin = (time.hour - _NOON_H) % 24.0 + _NOON_H - step_h / 2.0
    overlap_h = np.minimum(begin + step_h, begins_h + length_h) - np.maximum(begin, begins_h)
    return np.asarray(_TANK_W * np.clip(overlap_h, 0.0, step_h) / step_h)

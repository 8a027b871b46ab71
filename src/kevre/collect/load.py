"""A made-up load and solar plant whose registers follow exactly from their power.

Everything is a pure function of (seed, profile, instant): a simulated meter that starts
again goes on as if it had never stopped. Powers are whole watts held for 10 s, registers
their exact integral.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from kevre.model.errors import Malformed
from kevre.model.window import PARIS, civil_day, days, local_day

_ORIGIN = date(2025, 1, 1)  # when every simulated meter was put up
_SLOT_S = 300
_HOUR_S = 3_600
_DAY_S = 86_400
_SLOTS_AN_HOUR = _HOUR_S // _SLOT_S
_SOLAR_NOON_H = 12.2  # UTC, in Brittany
_HOLD_S = 10  # flicker changes after this long, and cancels out over twice as long
_FLICKER_PCT = 4
_SATURDAY = 5
_DAYS_A_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Appliance:
    """Something that runs for a while, at times drawn anew each day."""

    power_w: int
    length_s: int
    runs_a_day: int
    first_hour: int
    last_hour: int
    on_weekends: bool = True


@dataclass(frozen=True, slots=True)
class Profile:
    """The habits of a site: a standing load, a shape over the day, appliances."""

    base_w: int
    working_w: tuple[int, ...]  # beside the base, by local hour of a working day
    weekend_w: tuple[int, ...]
    appliances: tuple[Appliance, ...]
    subscribed_kva: int
    winter_share: float  # how much the shape grows from midsummer to midwinter


def _hours(*spans: tuple[int, int, int]) -> tuple[int, ...]:
    """Give 24 hourly powers from (first hour, end hour, W)."""
    return tuple(next((w for a, b, w in spans if a <= hour < b), 0) for hour in range(24))


PROFILES = {
    "household": Profile(
        base_w=140,
        working_w=_hours((6, 9, 420), (9, 12, 120), (12, 14, 380), (14, 18, 150), (18, 23, 560)),
        weekend_w=_hours((8, 12, 430), (12, 14, 640), (14, 18, 320), (18, 24, 580)),
        appliances=(
            Appliance(110, 900, 26, 0, 24),  # refrigerator
            Appliance(2_200, 180, 5, 6, 22),  # kettle
            Appliance(2_400, 2_400, 1, 11, 20),  # oven
            Appliance(1_900, 3_000, 1, 8, 22),  # washing machine
            Appliance(2_000, 7_200, 1, 0, 4),  # hot water in the off-peak hours
        ),
        subscribed_kva=9,
        winter_share=0.7,
    ),
    "school": Profile(
        base_w=1_400,
        working_w=_hours(
            (6, 8, 4_500), (8, 12, 9_500), (12, 14, 8_200), (14, 17, 9_000), (17, 19, 3_500)
        ),
        weekend_w=_hours((8, 18, 300)),
        appliances=(
            Appliance(650, 900, 30, 0, 24),  # cold room
            Appliance(9_000, 3_600, 2, 9, 12, on_weekends=False),  # canteen ovens
            Appliance(6_000, 2_700, 2, 13, 15, on_weekends=False),  # dish washer
            Appliance(2_800, 240, 8, 8, 17, on_weekends=False),  # hand dryers, kettles
        ),
        subscribed_kva=36,
        winter_share=0.9,
    ),
}


@dataclass(frozen=True, slots=True)
class Registers:
    """The state of a simulated meter at one instant; import and export are never both > 0."""

    import_w: int
    export_w: int
    import_wh: int
    export_wh: int


@dataclass(slots=True)
class Load:
    """The power and the registers of one made-up site, at any instant since 2025.

    Args:
        seed: another seed is another site of the same profile.
        profile: a name in PROFILES.
        solar_wp: peak power of the panels [W]; 0 for none.
    """

    seed: int
    profile: str
    solar_wp: int = 0
    zone: ZoneInfo = PARIS
    _day: date = _ORIGIN
    _before_ws: tuple[int, int] = (0, 0)  # imported and exported before `_day` [W s]
    _slots: tuple[tuple[int, int], ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse a profile that is not known."""
        if self.profile not in PROFILES:
            raise Malformed(
                "simulate.profile",
                f"profile {self.profile[:20]!r} is not known",
                hint="use one of " + ", ".join(PROFILES),
            )

    def at(self, now_s: int) -> Registers:
        """Give power and registers at an instant; registers count whole Wh."""
        day = max(_ORIGIN, local_day(datetime.fromtimestamp(now_s, self.zone), self.zone))
        self._go_to(day)
        start_s = civil_day(day, self.zone).start_s
        taken_ws, given_ws = self._before_ws
        for begin_s, net_w in self._slots:
            if start_s + begin_s + _SLOT_S > now_s:
                partial_ws = _partial_ws(self.seed, net_w, start_s + begin_s, now_s)
                power_w = _flickering_w(self.seed, net_w, now_s)
                taken_ws, given_ws = _counted(taken_ws, given_ws, partial_ws)
                return _registers(power_w, taken_ws, given_ws)
            taken_ws, given_ws = _counted(taken_ws, given_ws, net_w * _SLOT_S)
        raise AssertionError("a day holds each of its instants")

    def _go_to(self, day: date) -> None:
        """Move to a day, counting what the days between used; back in time starts anew."""
        if self._slots and day == self._day:
            return
        if day < self._day or not self._slots:
            self._day, self._before_ws = _ORIGIN, (0, 0)
        taken_ws, given_ws = self._before_ws
        for past in days(self._day, day - timedelta(days=1)):
            for _, net_w in self._net(past):
                taken_ws, given_ws = _counted(taken_ws, given_ws, net_w * _SLOT_S)
        self._day, self._before_ws = day, (taken_ws, given_ws)
        self._slots = tuple(self._net(day))

    def _net(self, day: date) -> Iterator[tuple[int, int]]:
        """Give (seconds since local midnight, net W) of each slot of a day."""
        random = Random(f"{self.seed}:{day}")  # noqa: S311  a simulation hides nothing
        window = civil_day(day, self.zone)
        winter = _winter(day)
        use_w = self._use_w(day, window.start_s, window.length_s, random)
        clearness = random.uniform(0.25, 1.0)
        for slot, used_w in enumerate(use_w):
            if not self.solar_wp:
                yield slot * _SLOT_S, used_w
                continue
            cloud = min(1.0, clearness * random.uniform(0.8, 1.15))
            sun = _sun(window.start_s + slot * _SLOT_S, winter)
            yield slot * _SLOT_S, used_w - int(self.solar_wp * cloud * sun)

    def _use_w(self, day: date, start_s: int, length_s: int, random: Random) -> list[int]:
        profile = PROFILES[self.profile]
        is_weekend = day.weekday() >= _SATURDAY
        shape_w = profile.weekend_w if is_weekend else profile.working_w
        season = 1 + profile.winter_share * (_winter(day) - 0.5)
        hours = [
            datetime.fromtimestamp(start_s + at_s, self.zone).hour
            for at_s in range(0, length_s, _HOUR_S)
        ]
        use_w = [
            profile.base_w + int(shape_w[hour] * season * random.uniform(0.85, 1.15))
            for hour in hours
            for _ in range(_SLOTS_AN_HOUR)
        ]
        for appliance in profile.appliances:
            if appliance.on_weekends or not is_weekend:
                _run(appliance, use_w, random)
        return use_w


def _run(appliance: Appliance, use_w: list[int], random: Random) -> None:
    """Add the runs of an appliance to a day; the energy of a short run fills its slot."""
    slots = max(1, appliance.length_s // _SLOT_S)
    power_w = appliance.power_w * appliance.length_s // (slots * _SLOT_S)
    for _ in range(appliance.runs_a_day):
        first = random.randrange(
            appliance.first_hour * _SLOTS_AN_HOUR, appliance.last_hour * _SLOTS_AN_HOUR
        )
        for slot in range(first, min(first + slots, len(use_w))):
            use_w[slot] += power_w


def _winter(day: date) -> float:
    """Give 1 in mid-January, 0 in mid-July."""
    turn = 2 * math.pi * (day.timetuple().tm_yday - 15) / _DAYS_A_YEAR
    return (1 + math.cos(turn)) / 2


def _sun(at_s: int, winter: float) -> float:
    """Give the share of peak power under a clear sky: a half sine between rise and set."""
    half_day_h = 8.0 - 3.9 * winter
    from_noon_h = at_s % _DAY_S / _HOUR_S - _SOLAR_NOON_H
    if abs(from_noon_h) >= half_day_h:
        return 0.0
    height = math.cos(from_noon_h / half_day_h * math.pi / 2)
    return height * (0.9 - 0.5 * winter)


def _flicker_w(seed: int, net_w: int, pair: int) -> int:
    """Give how far the power strays up, then as far down, in one pair of holds."""
    widest = abs(net_w) * _FLICKER_PCT // 100
    return (pair * 2_654_435_761 + seed * 40_503) % 1_009 * widest // 1_008


def _flickering_w(seed: int, net_w: int, now_s: int) -> int:
    pair, within_s = divmod(now_s, 2 * _HOLD_S)
    stray_w = _flicker_w(seed, net_w, pair)
    return net_w + (stray_w if within_s < _HOLD_S else -stray_w)


def _partial_ws(seed: int, net_w: int, since_s: int, now_s: int) -> int:
    """Give the energy from the start of a slot to an instant inside it [W s]."""
    pair, within_s = divmod(now_s, 2 * _HOLD_S)
    up_s = min(within_s, 2 * _HOLD_S - within_s)
    return net_w * (now_s - since_s) + _flicker_w(seed, net_w, pair) * up_s


def _counted(taken_ws: int, given_ws: int, net_ws: int) -> tuple[int, int]:
    return (taken_ws + net_ws, given_ws) if net_ws >= 0 else (taken_ws, given_ws - net_ws)


def _registers(power_w: int, taken_ws: int, given_ws: int) -> Registers:
    return Registers(max(power_w, 0), max(-power_w, 0), taken_ws // _HOUR_S, given_ws // _HOUR_S)

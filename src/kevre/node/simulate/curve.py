"""Generated power of a simulated home: the same half-hour always has the same value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime

import numpy as np

from kevre.model.window import PARIS, civil_day
from kevre.node.demo import noise
from kevre.node.simulate.person import Point

STEP_S = 1_800
_TUESDAY, _WEDNESDAY = 1, 2


def half_hours(point: Point, way: str, day: date) -> Iterator[tuple[datetime, int]]:
    """Give the end, in local time, and the mean power of each half-hour of a day [W].

    Powers are even, so that the energy of half an hour is whole in Wh. Half-hours of a hole
    are left out.
    """
    within = civil_day(day, PARIS)
    starts = range(int(within.start.timestamp()), int(within.end.timestamp()), STEP_S)
    for place, start_s in enumerate(starts):
        if is_hole(point, day) and 16 <= place < 28:  # noqa: PLR2004 8 to 14 o'clock
            continue
        end = datetime.fromtimestamp(start_s + STEP_S, UTC).astimezone(PARIS)
        yield end, _power_w(point, way, start_s)


def energy_wh(point: Point, way: str, day: date) -> int | None:
    """Give the energy of a day; None where it has a hole."""
    if is_hole(point, day):
        return None
    return sum(power for _, power in half_hours(point, way, day)) * STEP_S // 3_600


def is_hole(point: Point, day: date) -> bool:
    """Say whether a day lacks values."""
    return point.has_holes and day.weekday() in {_TUESDAY, _WEDNESDAY}


def _power_w(point: Point, way: str, start_s: int) -> int:
    made = _made_w(point, start_s)
    taken = _taken_w(point, start_s) if point.takes else 0
    if point.uses_own:
        made, taken = max(made - taken, 0), max(taken - made, 0)
    return (taken if way == "CONS" else made) // 2 * 2


def _taken_w(point: Point, start_s: int) -> int:
    local = datetime.fromtimestamp(start_s, PARIS)
    evening = math.exp(-((local.hour + local.minute / 60 - 19.5) ** 2) / 6)
    u = float(noise.uniform(noise.seed("taken", point.prm), np.array([start_s // STEP_S]))[0])
    return int(180 + 900 * evening + 700 * u**4)


def _made_w(point: Point, start_s: int) -> int:
    local = datetime.fromtimestamp(start_s, UTC)
    u = float(noise.uniform(noise.seed("sky", point.prm), np.array([start_s // 86_400]))[0])
    height = math.sin((local.hour + local.minute / 60 - 6) / 12 * math.pi)
    return int(point.gives_w * max(height, 0) * (0.3 + 0.6 * u))

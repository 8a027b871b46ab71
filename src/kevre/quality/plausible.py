"""What no meter can show: bounds by unit, and readings from the future.

The bounds are wide on purpose: they catch a wrong unit or a sentinel, not an odd day.
"""

from __future__ import annotations

from datetime import UTC, datetime

from kevre.model import exact
from kevre.model.batch import Column
from kevre.model.quality import Quality
from kevre.model.reading import Fault
from kevre.model.series import Statistic
from kevre.model.window import EARLIEST_S

# Lowest and highest value per unit. A territory's largest single meter draws tens of MW;
# the reference series of a whole country reach 100 GW.
BOUNDS: dict[str, tuple[float, float]] = {
    "W": (0, 2e11),
    "VA": (0, 2e11),
    "var": (-2e11, 2e11),
    "Wh": (0, 1e18),
    "varh": (-1e18, 1e18),
    "Wh/m2": (0, 2_000_000),
    "Wh/m3": (0, 1e6),
    "m3/h": (-1e6, 1e6),
    "m3": (0, 1e12),
    "V": (0, 1e6),
    "A": (0, 1e6),
    "Hz": (0, 1_000),
    "ppm": (0, 1e6),
    "/": (-1_000, 1_000),
    "Cel": (-90, 1_000),
    "%RH": (0, 105),
    "W/m2": (0, 2_000),
    "m/s": (0, 150),
    "deg": (0, 360),
    "Pa": (50_000, 120_000),
    "m": (0, 10),
    "s": (0, 86_400 * 366 * 50),  # meters count for decades
}
BEYOND = "reading.bound"
_FUTURE_HINT = "check the clock and the zone of the source"
_BOUND_HINT = "check the unit; a value such as 65535 can stand for 'none' in the source"


def implausible(column: Column, *, latest_s: int) -> dict[int, Fault]:
    """Give the faults of a column by the index of the reading, none for a sound one."""
    low, high = _bounds(column)
    faults: dict[int, Fault] = {}
    if _all_sound(column, low, high, latest_s):
        return faults
    rows = zip(column.start_s, column.value, column.quality, strict=True)
    for index, (start_s, value, quality) in enumerate(rows):
        is_beyond = quality != Quality.MISSING and not low <= value <= high
        # Without lines, the place in the column is what there is to tell.
        line = column.line[index] if len(column.line) else index + 1
        if start_s >= latest_s or start_s < EARLIEST_S:
            faults[index] = _fault("reading.time", _when(start_s), line, "time", _FUTURE_HINT)
        elif is_beyond:
            text = f"{exact.to_text(value, column.exponent)} {column.kind.unit} cannot be true"
            faults[index] = _fault("reading.bound", text, line, "value", _BOUND_HINT)
    return faults


def outside_time(start_s: int, line: int) -> Fault:
    """Give the fault of a time that cannot be, before it is known what was measured."""
    return _fault("reading.time", _when(start_s), line, "time", _FUTURE_HINT)


def _bounds(column: Column) -> tuple[float, float]:
    low, high = BOUNDS.get(column.kind.unit, (float("-inf"), float("inf")))
    if column.kind.statistic is Statistic.SUM and column.kind.unit == "Wh":
        # Some operators publish a negative month to put right the one before.
        low = -high
    scale = 10.0**-column.exponent
    return low * scale, high * scale


def _all_sound(column: Column, low: float, high: float, latest_s: int) -> bool:
    if not len(column):
        return True
    in_time = column.start_s[0] >= EARLIEST_S and column.start_s[-1] < latest_s
    least, most = min(column.value), max(column.value)
    # A missing reading carries 0, so a bound above 0 is checked one by one.
    return in_time and low <= least and most <= high


def _fault(code: str, message: str, line: int, field: str, hint: str) -> Fault:
    return Fault(code, message, line=line, field=field, hint=hint)


def _when(start_s: int) -> str:
    try:
        day = datetime.fromtimestamp(start_s, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        day = str(start_s)
    return f"{day} is in the future or before 1990"

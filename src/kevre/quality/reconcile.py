"""Registers against curves: does what the meter counted equal what its curve adds up to?

Between two readings of a register the curve is integrated exactly, each interval with its own
step. Where the curve is whole, both should agree to a watt-hour: the register counts whole Wh,
the curve whole W, so that neither is exact to less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kevre.model.batch import Column
from kevre.model.quality import Quality

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HOUR_S = 3_600
TOLERANCE_WH = 1


@dataclass(frozen=True, slots=True)
class Span:
    """The time between two readings of a register.

    Attributes:
        register_wh: difference of the register [Wh], negative where it was replaced.
        curve_wh: what the curve adds up to [Wh].
        covered_s: for how long the curve is known [s].
    """

    start_s: int
    end_s: int
    register_wh: float
    curve_wh: float
    covered_s: int

    @property
    def is_whole(self) -> bool:
        """Say whether the curve is known all the time."""
        return self.covered_s == self.end_s - self.start_s

    @property
    def is_equal(self) -> bool:
        """Say whether both agree, as far as they are exact."""
        return abs(self.register_wh - self.curve_wh) <= TOLERANCE_WH


@dataclass(frozen=True, slots=True)
class Report:
    """What a comparison found.

    Attributes:
        spans: between each two readings of the register, in order.
        gaps: start and end [epoch s] of each time without a curve, within the register's.
        energy_wh: of the curve within the register's time, by quality [Wh].
    """

    spans: tuple[Span, ...]
    gaps: tuple[tuple[int, int], ...]
    energy_wh: dict[Quality, float]

    @property
    def whole(self) -> tuple[Span, ...]:
        """Give the spans for which the curve is whole."""
        return tuple(span for span in self.spans if span.is_whole)

    @property
    def differing(self) -> tuple[Span, ...]:
        """Give the spans whose curve is whole and says something else."""
        return tuple(span for span in self.whole if not span.is_equal)

    @property
    def decreasing(self) -> tuple[Span, ...]:
        """Give the spans in which the register went back: another meter, calendar or mistake."""
        return tuple(span for span in self.spans if span.register_wh < 0)

    @property
    def explained(self) -> float | None:
        """Give the share of what the register counted that the curve explains; None of nothing."""
        counted = [span for span in self.spans if span.register_wh >= 0]
        total_wh = sum(span.register_wh for span in counted)
        return sum(span.curve_wh for span in counted) / total_wh if total_wh else None


def reconcile(registers: Sequence[Column], curves: Sequence[Column]) -> Report:
    """Compare a register with the curve of the same point and direction.

    Args:
        registers: readings of the register [Wh], pieces in any order.
        curves: readings of the mean power [W], pieces in any order, at most one reading a time.

    Returns:
        An empty report where one of the two says nothing.
    """
    import numpy as np

    at_s, counted_wh = _known(registers)[0::2]
    start_s, step_s, power_w, quality = _known(curves)
    if len(at_s) < 2 or not len(start_s):  # noqa: PLR2004 - a difference has two sides
        return Report((), (), {})
    energy_ws = _integral(start_s, step_s, power_w, at_s)
    covered_s = _integral(start_s, step_s, np.ones_like(power_w), at_s)
    spans = tuple(
        Span(int(a), int(b), float(register), float(curve), int(covered))
        for a, b, register, curve, covered in zip(
            at_s[:-1],
            at_s[1:],
            np.diff(counted_wh),
            np.diff(energy_ws) / _HOUR_S,
            np.diff(covered_s),
            strict=True,
        )
    )
    by_quality = {}
    for code in np.unique(quality):
        of_it = np.where(quality == code, power_w, 0)
        ws = np.diff(_integral(start_s, step_s, of_it, at_s[[0, -1]]))[0]
        by_quality[Quality(int(code))] = float(ws) / _HOUR_S
    return Report(spans, _gaps(start_s, step_s, int(at_s[0]), int(at_s[-1])), by_quality)


_Columns = tuple[
    "NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.float64]", "NDArray[np.uint8]"
]


def _known(columns: Sequence[Column]) -> _Columns:
    """Join pieces in order of time, without what is missing; values in the base unit.

    Values are whole or of few decimals, so a double holds them exactly up to 2**53.
    """
    import numpy as np

    parts = [
        (
            np.frombuffer(one.start_s, np.int64),
            np.frombuffer(one.step_s, np.int32).astype(np.int64),
            np.frombuffer(one.value, np.int64) * 10.0**one.exponent,
            np.frombuffer(one.quality, np.uint8),
        )
        for one in columns
        if len(one)
    ]
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint8)
    start_s, step_s, value, quality = (np.concatenate(part) for part in zip(*parts, strict=True))
    # Of one instant in two pieces the later one stands, as everywhere.
    _, last = np.unique(start_s[::-1], return_index=True)
    order = len(start_s) - 1 - last
    order = order[quality[order] != Quality.MISSING]
    return start_s[order], step_s[order], value[order], quality[order]


def _integral(
    start_s: NDArray[np.int64],
    step_s: NDArray[np.int64],
    value: NDArray[np.float64],
    at_s: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Integrate intervals from the first up to each instant: value times seconds."""
    import numpy as np

    before = np.concatenate((np.zeros(1), np.cumsum(value * step_s)))
    place = np.searchsorted(start_s, at_s, side="right") - 1
    inside = np.maximum(place, 0)
    part_s = np.clip(at_s - start_s[inside], 0, step_s[inside])
    return np.where(place < 0, 0.0, before[inside] + value[inside] * part_s)


def _gaps(
    start_s: NDArray[np.int64], step_s: NDArray[np.int64], first_s: int, last_s: int
) -> tuple[tuple[int, int], ...]:
    import numpy as np

    begins = np.concatenate((np.array([first_s]), np.maximum(start_s + step_s, first_s)))
    ends = np.concatenate((np.minimum(start_s, last_s), np.array([last_s])))
    is_gap = ends > begins
    return tuple((int(a), int(b)) for a, b in zip(begins[is_gap], ends[is_gap], strict=True))

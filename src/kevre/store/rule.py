"""Rules that say how long readings are kept, and their detail, for each kind of series."""

from __future__ import annotations

from dataclasses import dataclass

from kevre.model.errors import Malformed
from kevre.model.series import LIVE_HOLD_S, Statistic
from kevre.store.catalog import Declared

_DAY_S = 86_400
# Intervals must meet at the borders of local days.
_LONGEST_S = 1_800


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of the readings of one kind of series as they grow old.

    Attributes:
        detail_days: older readings are thinned to one in `step_s`; None for never [days].
        step_s: length of the intervals that are left; divides half an hour [s].
        keep_days: older readings are erased; None for never [days].
    """

    statistic: Statistic
    unit: str
    detail_days: int | None = None
    step_s: int = 600
    keep_days: int | None = None

    def __post_init__(self) -> None:
        """Refuse what would lose sums or erase at once.

        Raises:
            Malformed: a length is zero or less, or the intervals do not fit into days.
        """
        given = [days for days in (self.detail_days, self.keep_days) if days is not None]
        if any(days < 1 for days in given):
            raise Malformed(
                "retention.days", "readings are kept for one day at least", where=self.name
            )
        most_s = LIVE_HOLD_S if self.statistic is Statistic.INSTANT else _LONGEST_S
        if self.step_s < 1 or _LONGEST_S % self.step_s or self.step_s > most_s:
            raise Malformed(
                "retention.step",
                f"readings cannot be thinned to one in {self.step_s} s",
                where=self.name,
                hint=f"a part of PT30M, {most_s // 60} minutes at most",
            )

    @property
    def name(self) -> str:
        """Name the kind in a message."""
        return f"retention of {self.statistic.value} in {self.unit}"

    def covers(self, declared: Declared) -> bool:
        """Say whether a series is of this kind."""
        return (declared.statistic, declared.unit) == (self.statistic, self.unit)

    def detail_before_s(self, now_s: int) -> int | None:
        """Give the instant before which readings are thinned [epoch s]."""
        return None if self.detail_days is None else now_s - self.detail_days * _DAY_S

    def kept_from_s(self, now_s: int) -> int | None:
        """Give the instant before which readings are erased [epoch s]."""
        return None if self.keep_days is None else now_s - self.keep_days * _DAY_S

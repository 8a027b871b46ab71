"""One scale of quality for readings of every source."""

from __future__ import annotations

from enum import IntEnum


class Quality(IntEnum):
    """How much a reading can be trusted; stored as one byte, so numbers never change.

    A chart draws the first five as a line, `DOUBTFUL` as a dotted line, `OUTAGE` as a
    marked zone and `MISSING` as a hole.
    """

    MEASURED = 0  # read from the meter
    ESTIMATED = 1  # put in by the operator or by a rule, for want of a measurement
    CORRECTED = 2  # measured, then put right by the operator
    COMPUTED = 3  # follows from other readings
    MANUAL = 4  # typed in by a person
    DOUBTFUL = 5  # measured, but implausible or stamped by a clock that was not set
    OUTAGE = 6  # the supply itself was cut
    MISSING = 7  # known to be absent; carries no value

    @property
    def is_estimate(self) -> bool:
        """Say whether totals count this reading as estimated rather than measured."""
        return self in _ESTIMATES


_ESTIMATES = frozenset({Quality.ESTIMATED, Quality.COMPUTED, Quality.DOUBTFUL})

"""Which readings need not be sent, because what was sent before says the same.

A dead band around the value that stands merges what stays within it (`thin`): the value sent
is the mean over its time, so the energy is what it was; nothing stands longer than
`longest_s`. Only series of instants have one: registers, sums and means are few already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from kevre.collect.thin import merged
from kevre.model.batch import Column, ColumnBuilder
from kevre.model.identifier import parse
from kevre.model.series import LIVE_HOLD_S, Statistic


@dataclass(frozen=True, slots=True)
class Report:
    """How much may go unsaid.

    Attributes:
        bands: by the path of a series, how far its value may stray, in its unit; 0 leaves
            out repetitions alone.
        longest_s: a value is sent at least this often [s].
    """

    bands: Mapping[str, Decimal] = field(default_factory=dict)
    longest_s: int = LIVE_HOLD_S

    def columns(self, columns: Sequence[Column]) -> tuple[tuple[Column, ...], int]:
        """Give what is to be sent of a parcel, and how many readings it leaves out."""
        found = tuple(self._column(column) for column in columns)
        left_out = sum(map(len, columns)) - sum(map(len, found))
        return found, left_out

    def _column(self, column: Column) -> Column:
        band = self.bands.get(parse(column.series).path)
        if band is None or column.kind.statistic is not Statistic.INSTANT:
            return column
        builder = ColumnBuilder(column.series, column.kind)
        readings = tuple(column.readings())
        for one in merged(readings, Statistic.INSTANT, width_s=self.longest_s, band=band):
            builder.add(one.reading)
        return builder.build()

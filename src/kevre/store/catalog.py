"""The series that the store knows: what is needed to keep and total them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import duckdb
import numpy as np

from kevre.model.errors import Conflict
from kevre.model.series import Kind, Statistic

KNOWN = "select id, statistic, unit, zone, exponent, longest_s from series"
SOME = """
    select id, statistic, unit, zone, exponent, longest_s from series
    where id in (select series from chosen)
"""
ONE = "select id, statistic, unit, zone, exponent, longest_s from series where id = ?"
DECLARE = "insert into series values (?, ?, ?, ?, null, 0)"
REFIT = """
    update series set exponent = refit.exponent, longest_s = refit.longest_s
    from refit where series.id = refit.id
"""
MOVE = "update series set zone = ? where id = ?"
FORGET = "delete from series where id = ?"


@dataclass(frozen=True, slots=True)
class Declared:
    """One series as the store knows it.

    Attributes:
        exponent: of all its values; None before the first reading.
        longest_s: the longest step it ever had: how far a reading reaches [s].
    """

    series: int
    statistic: Statistic
    unit: str
    zone: ZoneInfo
    exponent: int | None
    longest_s: int

    @property
    def is_counted(self) -> bool:
        """Say whether it has totals: it counts something, or its power gives energy."""
        if self.statistic in {Statistic.SUM, Statistic.REGISTER}:
            return True
        return self.unit == "W" and self.statistic in {Statistic.MEAN, Statistic.INSTANT}

    @property
    def total_unit(self) -> str:
        """Give the unit of its totals."""
        return "Wh" if self.unit == "W" else self.unit

    def check(self, kind: Kind) -> None:
        """Refuse to be declared anew as something else.

        Raises:
            Conflict: the statistic or unit differs.
        """
        if (kind.statistic, kind.unit) != (self.statistic, self.unit):
            raise Conflict(
                "store.redeclared",
                "the series is already kept with another statistic or unit",
                hint="register a new series: totals of the old one would change their meaning",
            )


def known(cursor: duckdb.DuckDBPyConnection) -> dict[int, Declared]:
    """Give every declared series."""
    return _by_key(cursor.execute(KNOWN).fetchall())


def one(cursor: duckdb.DuckDBPyConnection, series: int) -> Declared | None:
    """Give one declared series, as this cursor's transaction sees it."""
    return _by_key(cursor.execute(ONE, [series]).fetchall()).get(series)


def some(cursor: duckdb.DuckDBPyConnection, series: Collection[int]) -> dict[int, Declared]:
    """Give those of `series` that are declared, as this cursor's transaction sees them."""
    choose(cursor, series)
    return _by_key(cursor.execute(SOME).fetchall())


def choose(cursor: duckdb.DuckDBPyConnection, series: Collection[int]) -> None:
    """Let statements see these keys as the table `chosen`.

    DuckDB takes 80 microseconds to bind each element of a list, and one millisecond to see
    an array of any length.
    """
    cursor.register("chosen", {"series": np.fromiter(series, np.int32)})


def _by_key(rows: list[tuple[int, str, str, str, int | None, int]]) -> dict[int, Declared]:
    return {
        key: Declared(key, Statistic(statistic), unit, ZoneInfo(zone), exponent, longest_s)
        for key, statistic, unit, zone, exponent, longest_s in rows
    }

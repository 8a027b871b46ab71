"""What a write must know of each series, by key, so that it need not ask the disk."""

from __future__ import annotations

import duckdb
import numpy as np

from kevre.store import catalog
from kevre.store.catalog import Declared
from kevre.store.result import Longs

# Start of the newest reading of a series that has none.
NONE_S = -(2**62)
# Exponent of a series that has no readings.
NO_EXPONENT = 127

NEWEST = """
    select series, max(newest_s) as newest_s from (
        select series, max(last_s) as newest_s from chunk group by series
        union all
        select series, max(start_s) as newest_s from recent group by series)
    group by series
"""
LAST_AT = "select coalesce(max(at_s), 0) from change"


class Ledger:
    """Three numbers of each series, at the place of its key.

    Attributes:
        newest_s: int64: start of its newest reading, or NONE_S [epoch s].
        exponent: int64: of its values, or NO_EXPONENT.
        longest_s: int64: the longest step it ever had [s].
        last_at_s: when the last reading of all arrived: a clock set back between two
            writes must not make the later one look older [epoch s].
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, known: dict[int, Declared]) -> None:
        size = max(known, default=0) + 1
        self.newest_s: Longs = np.full(size, NONE_S)
        self.exponent: Longs = np.full(size, NO_EXPONENT)
        self.longest_s: Longs = np.zeros(size, np.int64)
        for key, declared in known.items():
            self._set(key, declared)
        found = cursor.execute(NEWEST).fetchnumpy()
        if len(found["series"]):
            self._reach(int(found["series"].max()))
        self.newest_s[found["series"]] = found["newest_s"]
        row = cursor.execute(LAST_AT).fetchone()
        self.last_at_s = int(row[0]) if row else 0

    def add(self, declared: Declared) -> None:
        """Take in a series that was just declared, without readings."""
        self._reach(declared.series)
        self._set(declared.series, declared)

    def refit(self, cursor: duckdb.DuckDBPyConnection, series: Longs) -> None:
        """Write exponent and longest step of some series to disk."""
        columns = {
            "id": series,
            "exponent": self.exponent[series],
            "longest_s": self.longest_s[series],
        }
        cursor.register("refit", columns)
        cursor.execute(catalog.REFIT)
        cursor.unregister("refit")

    def _set(self, key: int, declared: Declared) -> None:
        self.longest_s[key] = declared.longest_s
        if declared.exponent is not None:
            self.exponent[key] = declared.exponent

    def _reach(self, key: int) -> None:
        """Make room for a key; at least doubled, so that many cost little."""
        size = len(self.newest_s)
        if key < size:
            return
        more = max(key + 1, 2 * size) - size
        self.newest_s = np.append(self.newest_s, np.full(more, NONE_S))
        self.exponent = np.append(self.exponent, np.full(more, NO_EXPONENT))
        self.longest_s = np.append(self.longest_s, np.zeros(more, np.int64))

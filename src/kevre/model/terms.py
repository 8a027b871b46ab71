"""Terms: what a receiver may do with readings that are lent to it, and how their end is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LONGEST_PURPOSE = 240


class Word(StrEnum):
    """What a notice says of a series.

    Attributes:
        TERMS: it is lent under these terms from now on.
        WITHDRAWN: its holder took the grant back.
        EXPIRED: the time of the grant is over.
        ERASED: it was erased at its source.
    """

    TERMS = "terms"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a receiver may do with readings.

    Attributes:
        purpose: what for, in the words of the grants.
        retention_s: how long after it came, or was measured if that is later, a reading may be
            kept, also when the grant has ended [s]; None: until the grant ends, no longer.
        onward: whether the receiver may let others read them.
        until_s: when the grants end [epoch s]; None: not known yet.
        is_open: they are granted to everyone; nothing bounds what becomes of them.
    """

    purpose: str
    retention_s: int | None = None
    onward: bool = False
    until_s: int | None = None
    is_open: bool = False

    def widened(self, other: Terms) -> Terms:
        """Give the terms of who holds both rights."""
        purposes = dict.fromkeys((*self.purpose.split("; "), *other.purpose.split("; ")))
        return Terms(
            "; ".join(purposes)[:LONGEST_PURPOSE],
            _later(self.retention_s, other.retention_s),
            self.onward or other.onward,
            _later(self.until_s, other.until_s),
            self.is_open or other.is_open,
        )

    def bounded(self, other: Terms) -> Terms:
        """Give the terms of readings that are themselves held under others."""
        if other.is_open:
            return self
        ends = [one for one in (self.until_s, other.until_s) if one is not None]
        kept = [one for one in (self.retention_s, other.retention_s) if one is not None]
        return Terms(
            other.purpose,
            min(kept, default=None),
            self.onward and other.onward,
            min(ends, default=None),
        )


def _later(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)

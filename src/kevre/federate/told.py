"""What a feed tells beside readings: under what terms a series is lent, and that it is no more.

On the wire one is a list: number, urn, word, when [epoch s], purpose, retention [s] or null,
onward, open, until [epoch s] or null. The receiver does as it says, then gives a receipt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kevre.model import identifier
from kevre.model.step import duration
from kevre.model.terms import LONGEST_PURPOSE, Terms, Word


@dataclass(frozen=True, slots=True)
class Told:
    """A notice as it travels; `number` names it in the receipt."""

    number: int
    urn: str
    word: str
    at_s: int
    terms: Terms

    @classmethod
    def read(cls, found: Sequence[Any]) -> Told:
        """Read one of the wire; more members than are known here mean nothing."""
        number, urn, word, at_s, purpose, retention_s, onward, is_open, until_s = found[:9]
        terms = Terms(
            str(purpose)[:LONGEST_PURPOSE],
            None if retention_s is None else int(retention_s),
            bool(onward),
            None if until_s is None else int(until_s),
            bool(is_open),
        )
        return cls(int(number), str(identifier.parse(urn)), str(word), int(at_s), terms)

    def write(self) -> list[Any]:
        """Write it for the wire."""
        terms = self.terms
        kept = [terms.purpose, terms.retention_s, terms.onward, terms.is_open, terms.until_s]
        return [self.number, self.urn, str(self.word), self.at_s, *kept]

    def attributes(self) -> dict[str, str]:
        """Write it as attributes of XML, for a binding that has no CBOR."""
        terms = self.terms
        said = {
            "number": str(self.number),
            "identifier": self.urn,
            "word": str(self.word),
            "at": _instant(self.at_s),
            "purpose": terms.purpose,
            "onward": str(terms.onward).lower(),
            "open": str(terms.is_open).lower(),
        }
        if terms.retention_s is not None:
            said["retention"] = duration(terms.retention_s)
        if terms.until_s is not None:
            said["until"] = _instant(terms.until_s)
        return said

    @property
    def is_end(self) -> bool:
        """Say whether the series is lent no more."""
        return self.word in {Word.WITHDRAWN, Word.EXPIRED, Word.ERASED}


def _instant(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()

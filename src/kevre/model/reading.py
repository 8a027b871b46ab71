"""One reading, and what is said of one that cannot be kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from kevre.model import exact
from kevre.model.errors import KevreError
from kevre.model.quality import Quality


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one series at one time.

    Attributes:
        start_s: start of the interval, or the instant itself [epoch s, UTC].
        step_s: length of the interval [s]; 0 for an instant.
        value: (mantissa, exponent), None when the quality is MISSING.
    """

    start_s: int
    step_s: int
    value: exact.Exact | None
    quality: Quality = Quality.MEASURED

    def __post_init__(self) -> None:
        """Hold that a missing reading, and no other, is without a value."""
        if (self.value is None) is not (self.quality is Quality.MISSING):
            raise ValueError("a reading has a value unless its quality is MISSING")
        if self.step_s < 0:
            raise ValueError("a step is not negative")

    @property
    def start(self) -> datetime:
        """Give the start as an instant in UTC."""
        return datetime.fromtimestamp(self.start_s, UTC)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one part of what was sent cannot be kept, and how to mend it.

    Attributes:
        line: number of the line or record in its source, from 1; 0 for the whole.
        field: name of the field at fault, as the source calls it.
        raw: the beginning of what was sent, for a person to look at.
    """

    code: str
    message: str
    line: int = 0
    field: str = ""
    hint: str = ""
    raw: str = ""

    @classmethod
    def of(cls, error: KevreError, *, line: int = 0, field: str = "", raw: str = "") -> Fault:
        """Make a fault of an error met while reading."""
        return cls(error.code, error.message, line, _clean(field), error.hint, _clean(raw))


def _clean(text: str) -> str:
    """Shorten a text, and take from it what no database keeps: lone surrogates and NUL."""
    return text[:200].replace("\0", "�").encode("utf-8", "replace").decode()

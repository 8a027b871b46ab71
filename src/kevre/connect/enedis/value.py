"""Values as Enedis writes them, exact."""

from __future__ import annotations

from kevre.model import exact

# So many digits always fit 64 bits.
EXACT_DIGITS = 15


def read(text: str, shift: int = 0) -> exact.Exact | None:
    """Give a value in the base unit, `shift` powers of ten below its own; None for an empty one.

    Raises:
        Malformed: not a number.
    """
    if not text:
        return None
    if text.isdecimal() and text.isascii() and len(text) <= EXACT_DIGITS:
        return (int(text) * 10**shift, 0) if shift >= 0 else (int(text), shift)
    mantissa, exponent = exact.parse(text.replace(",", "."))
    exponent += shift
    return mantissa * 10 ** max(exponent, 0), min(exponent, 0)

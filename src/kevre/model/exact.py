"""Exact decimals: a whole number times a power of ten, never a binary float.

A value is (mantissa, exponent) = mantissa x 10**exponent. The mantissa fits a signed
64-bit integer; the exponent lies between FINEST and COARSEST.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

from kevre.model.errors import Malformed

FINEST = -9
COARSEST = 9
_INT64_MAX = 2**63 - 1
_LONGEST = 40  # digits: longer texts are noise or an attack, not a measurement
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)

Exact = tuple[int, int]


def parse(text: str) -> Exact:
    """Give (mantissa, exponent) of a decimal text, without trailing zeros below the unit.

    Digits finer than 10**FINEST are rounded half to even: they are the noise of binary
    floats printed in full, not measurement.

    >>> parse("24.30621"), parse("1200"), parse("-0.50"), parse("1.3e3")
    ((2430621, -5), (1200, 0), (-5, -1), (1300, 0))

    Raises:
        Malformed: not a finite decimal number, or beyond 64 bits.
    """
    # Python reads 1_000 and the digits of every script; a source that writes so is damaged.
    if len(text) > _LONGEST or "_" in text or not text.isascii():
        raise _not_a_number(text)
    try:
        number = Decimal(text.strip())
    except InvalidOperation as error:
        raise _not_a_number(text) from error
    return from_decimal(number)


def from_decimal(number: Decimal) -> Exact:
    """Give (mantissa, exponent) of a finite Decimal, as `parse` does for its text."""
    if not number.is_finite() or number.adjusted() > 2 * COARSEST:
        raise _not_a_number(str(number))
    if number.adjusted() < FINEST - 1:
        return 0, 0
    scaled = number.quantize(Decimal(1).scaleb(FINEST), context=_CONTEXT)
    mantissa = int(scaled.scaleb(-FINEST, context=_CONTEXT))
    exponent = FINEST
    while exponent < 0 and mantissa % 10 == 0:
        mantissa //= 10
        exponent += 1
    if abs(mantissa) > _INT64_MAX:
        raise _not_a_number(str(number))
    return mantissa, exponent


def align(mantissa: int, exponent: int, target: int) -> int:
    """Give the mantissa of the same value at exponent `target`, which is not coarser.

    Raises:
        Malformed: the value needs more than 64 bits at that exponent.
    """
    if target > exponent:
        raise ValueError("aligning to a coarser exponent would lose digits")
    aligned: int = mantissa * 10 ** (exponent - target)
    if abs(aligned) > _INT64_MAX:
        raise Malformed(
            "value.too_large",
            "the value does not fit 64 bits at the precision of its series",
            hint="check the unit, or give the series fewer decimals",
        )
    return aligned


def to_text(mantissa: int, exponent: int) -> str:
    """Write the value in plain decimal notation, as `parse` reads it.

    >>> to_text(2430621, -5), to_text(12, 2)
    ('24.30621', '1200')
    """
    return format(Decimal(mantissa).scaleb(exponent, context=_CONTEXT), "f")


def _not_a_number(text: str) -> Malformed:
    return Malformed(
        "value.not_a_number",
        f"{text[:20]!r} is not a finite decimal number within 64 bits",
        hint="use digits with a point, such as 612 or 0.25",
    )

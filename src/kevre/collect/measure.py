"""What one number of a device becomes: a series, in its unit, with the sign it should have."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from kevre.collect.option import Options
from kevre.collect.sampler import unknown
from kevre.model import exact, unit
from kevre.model.errors import KevreError
from kevre.model.exact import Exact
from kevre.model.identifier import kind_of


class Sign(StrEnum):
    """What is kept of a number whose sign tells the direction."""

    AS_IS = "as-is"
    INVERTED = "inverted"
    POSITIVE = "positive"  # below zero counts as zero: one direction
    NEGATIVE = "negative"  # the amount below zero: the other direction


_SIGNS = {sign.value: sign for sign in Sign}


@dataclass(frozen=True, slots=True)
class Measure:
    """How a number of the device is read.

    Attributes:
        path: of the series it belongs to.
        factor: brings it to the base unit of the series.
        sign: what is kept of it.
    """

    path: str
    factor: Decimal
    sign: Sign = Sign.AS_IS

    def value(self, number: Decimal) -> Exact:
        """Give the exact value in the unit of the series.

        Raises:
            Malformed: no finite number, or beyond 64 bits.
        """
        if not number.is_finite():
            return exact.from_decimal(number)
        scaled = number * self.factor
        if self.sign in {Sign.INVERTED, Sign.NEGATIVE}:
            scaled = -scaled
        if self.sign in {Sign.POSITIVE, Sign.NEGATIVE}:
            scaled = max(scaled, Decimal(0))
        return exact.from_decimal(scaled)


def measure(options: Options, *, default_unit: str | None = None) -> Measure:
    """Read series, unit, scale and sign of one table.

    Raises:
        Malformed: the series is not known, or its unit is of another dimension.
    """
    path = known_path(options)
    base = kind_of(path)
    if base is None:
        raise unknown(path)
    given = options.text("unit", default_unit or base.unit)
    scale = options.number("scale", "1")
    sign = _SIGNS[options.choice("sign", _SIGNS, Sign.AS_IS)]
    try:
        factor = scale.scaleb(unit.shift(given, base.unit))
    except KevreError as error:
        error.where = error.where or options.where
        raise
    return Measure(path, factor, sign)


def known_path(options: Options, default: str | None = None) -> str:
    """Take the entry `series`, the path of a series whose kind is known.

    Raises:
        Malformed: no such series.
    """
    path = options.text("series", default)
    if kind_of(path) is None:
        error = unknown(path)
        error.where = options.where
        raise error
    return path

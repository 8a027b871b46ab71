"""Numbers with units, as people of each language write them."""

from __future__ import annotations

import math
from functools import lru_cache

from babel.numbers import format_decimal

_NARROW_SPACE = "\u202f"
_STEPS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_PREFIXED = {"W", "Wh", "VA", "var"}
# A household's day is said in kWh even where it is little.
_LEAST_PREFIX = {"Wh": (1e3, "k")}
_FINE, _COARSE = 10.0, 100.0


def quantity_scale(largest: float, unit: str) -> tuple[float, str]:
    """Give the factor and symbol with which values up to `largest` read well.

    >>> quantity_scale(5_200, "W"), quantity_scale(80, "Wh"), quantity_scale(21, "Cel")
    ((0.001, 'kW'), (0.001, 'kWh'), (1.0, '°C'))
    """
    if unit == "Cel":
        return 1.0, "°C"
    if unit not in _PREFIXED or not math.isfinite(largest):
        return 1.0, unit
    for size, prefix in _STEPS:
        if abs(largest) >= size:
            return 1 / size, prefix + unit
    size, prefix = _LEAST_PREFIX.get(unit, (1.0, ""))
    return 1 / size, prefix + unit


def power_text(power_w: float, locale: str) -> str:
    """Write a power given in W.

    >>> power_text(612, "fr_FR"), power_text(5234, "fr_FR")
    ('612\u202fW', '5,23\u202fkW')
    """
    return _text(power_w, "W", locale)


def energy_text(energy_wh: float, locale: str) -> str:
    """Write an energy given in Wh, in kWh or more.

    >>> energy_text(84_250, "en_GB"), energy_text(1_520_000, "fr_FR")
    ('84.2\u202fkWh', '1,52\u202fMWh')
    """
    return _text(energy_wh, "Wh", locale)


def decimals(value: float) -> str:
    """Give the number pattern with three digits that count."""
    size = abs(value)
    if size >= _COARSE or size == 0:
        return "#,##0"
    return "#,##0.0" if size >= _FINE else "#,##0.00"


# Babel takes 50 us for a number, and the days of a page are the same at its next view.
@lru_cache(maxsize=8_192)
def _text(value: float, unit: str, locale: str) -> str:
    factor, symbol = quantity_scale(value, unit)
    scaled = value * factor
    whole = symbol in _PREFIXED
    number = format_decimal(scaled, format="#,##0" if whole else decimals(scaled), locale=locale)
    return f"{number}{_NARROW_SPACE}{symbol}"

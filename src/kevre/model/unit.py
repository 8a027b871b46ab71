"""Units of measurement, and the exact powers of ten between those of one dimension.

Symbols are those of SenML (RFC 8428, 12.1, and RFC 8798 for the secondary ones) where one
exists. `VA`, `var`, `Wh` and their multiples are registered there too.
"""

from __future__ import annotations

from dataclasses import dataclass

from kevre.model.errors import Malformed


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: 1 of it is 10**shift of the base unit of its dimension."""

    symbol: str
    base: str
    shift: int


def _units(base: str, multiples: dict[str, int]) -> dict[str, Unit]:
    return {symbol: Unit(symbol, base, shift) for symbol, shift in ({base: 0} | multiples).items()}


UNITS: dict[str, Unit] = (
    _units("W", {"mW": -3, "kW": 3, "MW": 6})
    | _units("Wh", {"kWh": 3, "MWh": 6})
    | _units("Wh/m2", {"kWh/m2": 3})
    | _units("Wh/m3", {"kWh/m3": 3})
    | _units("VA", {"kVA": 3})
    | _units("VAh", {"kVAh": 3})
    | _units("var", {"kvar": 3})
    | _units("varh", {"kvarh": 3})
    | _units("V", {"mV": -3, "kV": 3})
    | _units("A", {"mA": -3})
    | _units("m3", {"l": -3})
    | _units("m3/s", {"l/s": -3})
    | _units("m3/h", {"l/h": -3})
    | _units("m", {"mm": -3, "km": 3})
    | _units("Pa", {"hPa": 2, "kPa": 3})
    | _units("W/m2", {"kW/m2": 3})
    | _units("g", {"mg": -3, "kg": 3})
    | _units("J", {"kJ": 3, "MJ": 6})
    | _units("/", {"%": -2})
    | _units("%RH", {})
    | _units("Cel", {})
    | _units("Hz", {})
    | _units("m/s", {})
    | _units("s", {"ms": -3})
    | _units("deg", {})
    | _units("ppm", {})
    | _units("count", {})
)

# Spellings met on the wire and in files. Quoalise 0 writes Wr for var.
SPELLINGS = {
    "Wr": "var",
    "VAr": "var",
    "VAR": "var",
    "kVAr": "kvar",
    "kVAR": "kvar",
    "VARh": "varh",
    "VArh": "varh",
    "kVARh": "kvarh",
    "kVArh": "kvarh",
    "m³": "m3",
    "m^3": "m3",
    "L": "l",
    "°C": "Cel",
    "degC": "Cel",
    "℃": "Cel",
    "KWh": "kWh",
    "kwh": "kWh",
    "W/m²": "W/m2",
    "mbar": "hPa",
}


def unit(symbol: str) -> Unit:
    """Find a unit by its symbol or a known other spelling.

    Raises:
        Malformed: the symbol is not known.
    """
    known = UNITS.get(SPELLINGS.get(symbol, symbol))
    if known is None:
        raise Malformed(
            "unit.unknown",
            f"unit {symbol[:20]!r} is not known",
            hint="use a SenML unit such as W, Wh, m3, Cel",
        )
    return known


def shift(source: str, target: str) -> int:
    """Give n such that a value in `source` is 10**n times that value in `target`.

    >>> shift("kWh", "Wh"), shift("W", "kW")
    (3, -3)

    Raises:
        Malformed: one is unknown, or they measure different things.
    """
    here, there = unit(source), unit(target)
    if here.base != there.base:
        raise Malformed(
            "unit.mismatch",
            f"{here.symbol} cannot be read as {there.symbol}",
            hint="energy (Wh) and power (W) are different quantities",
        )
    return here.shift - there.shift

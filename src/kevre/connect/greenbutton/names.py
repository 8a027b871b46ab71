"""ESPI's codes for what is measured, and ours."""

from __future__ import annotations

from kevre.formats.espi import ReadingType
from kevre.model.errors import Malformed
from kevre.model.quality import Quality

# uom: symbol of our base unit.
_UNITS = {72: "Wh", 73: "varh", 38: "W", 61: "VA", 63: "var", 29: "V", 5: "A", 42: "m3"}
_WAYS = {0: "consumption", 1: "consumption", 19: "production"}
_REGISTERS = frozenset({1, 3})  # bulk quantity, cumulative
_INSTANT = 12
_MAXIMUM = 8  # dataQualifier
_GAS = 7  # commodity
_SERVICE_GAS = 1
_INTERVALS = {
    "Wh": "energy/active/raw",
    "W": "power/active/raw",
    "V": "voltage/raw",
}
_INSTANTS = {
    "W": "power/active/instant",
    "VA": "power/apparent/instant",
    "var": "power/reactive/instant",
    "V": "voltage/instant",
    "A": "current/instant",
}
_MAXIMA = {"W": "power/active/max", "VA": "power/apparent/max"}
_INDEXES = {"Wh": "energy/active/index", "varh": "energy/reactive/index"}
_OF_GAS = {"Wh": "energy/gas/raw", "m3": "volume/gas/raw"}
_GAS_INDEXES = {"m3": "volume/gas/index"}
_QUALITIES = {
    0: Quality.MEASURED,  # valid
    7: Quality.CORRECTED,  # manually edited
    8: Quality.ESTIMATED,  # by a reference day
    9: Quality.ESTIMATED,  # by interpolation
    10: Quality.DOUBTFUL,  # questionable
    11: Quality.COMPUTED,  # derived
    12: Quality.ESTIMATED,  # projected
    14: Quality.MEASURED,  # raw
    15: Quality.COMPUTED,  # normalised for weather
    17: Quality.MEASURED,  # validated
    18: Quality.MEASURED,  # verified
    19: Quality.MEASURED,  # of revenue quality
}


def path(kind: ReadingType, service: int) -> str:
    """Give the path of what a reading type measures.

    Raises:
        Malformed: its unit, its direction or its behaviour has no path here.
    """
    way, unit = _WAYS.get(kind.direction), _UNITS.get(kind.uom, "")
    is_gas = kind.commodity == _GAS or (service == _SERVICE_GAS and not kind.commodity)
    found = _paths(kind, is_gas=is_gas).get(unit)
    if way is None or found is None:
        said = f"unit {kind.uom}, direction {kind.direction}, behaviour {kind.accumulation}"
        raise Malformed("greenbutton.quantity", f"readings of this kind are not known here: {said}")
    return f"{way}/{found}"


def _paths(kind: ReadingType, *, is_gas: bool) -> dict[str, str]:
    is_register = kind.accumulation in _REGISTERS
    if is_gas:
        return _GAS_INDEXES if is_register else _OF_GAS
    if is_register:
        return _INDEXES
    if kind.qualifier == _MAXIMUM:
        return _MAXIMA
    return _INSTANTS if kind.accumulation == _INSTANT else _INTERVALS


def quality(code: int | None) -> Quality:
    """Place ESPI's quality on our scale; nothing said is measured, another code doubtful."""
    return Quality.MEASURED if code is None else _QUALITIES.get(code, Quality.DOUBTFUL)

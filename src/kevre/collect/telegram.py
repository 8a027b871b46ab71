"""What a telegram of wired M-Bus says of the series of a meter.

Follows EN 13757-3, and "The M-Bus: A Documentation", rev. 4.8 (1997), chapter 8: medium in
the fixed header, then records of value, function, storage number, tariff and sub-unit. A
series is made of the meter's present value (storage 0) of all tariffs together, and of the
meter itself, not of what is wired to its inputs. Frames are decoded by pymeterbus.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from kevre.collect.driver import Sample, lacking
from kevre.model import exact
from kevre.model.errors import Malformed

# The byte of the medium: what the meter measures. EN 13757-3, table "Device type".
MEDIA = {
    0x02: "electricity",
    0x03: "gas",
    0x04: "heat",
    0x06: "water",
    0x07: "water",
    0x0C: "heat",
    0x0D: "heat",
    0x15: "water",
    0x16: "water",
}
_TEMPERATURES = {
    "FLOW_TEMPERATURE": "temperature/supply/instant",
    "RETURN_TEMPERATURE": "temperature/return/instant",
}
PATHS: dict[str, dict[str, str]] = {
    "heat": _TEMPERATURES
    | {
        "ENERGY_WH": "consumption/energy/heat/index",
        "ENERGY_J": "consumption/energy/heat/index",
        "VOLUME": "consumption/volume/heat/index",
        "POWER_W": "consumption/power/heat/instant",
        "POWER_J_H": "consumption/power/heat/instant",
        "VOLUME_FLOW": "consumption/flow/heat/instant",
    },
    "water": {
        "VOLUME": "consumption/volume/water/index",
        "VOLUME_FLOW": "consumption/flow/water/instant",
    },
    "gas": {
        "VOLUME": "consumption/volume/gas/index",
        "VOLUME_FLOW": "consumption/flow/gas/instant",
    },
    "electricity": {
        "ENERGY_WH": "consumption/energy/active/index",
        "POWER_W": "consumption/power/active/instant",
    },
}
_UNITS = {"WH", "J", "M3", "W", "J_H", "M3_H", "C"}
# Joules a Wh, and J/h a W: the only units met that are no power of ten apart.
_JOULES = Decimal(3_600)
_MILLI = Decimal("0.001")
_TOP_DIGIT, _NEGATIVE = 9, 0xF
# A meter at rest may say so by minus some watts; no series of one direction goes below zero.
_INSTANTS = ("power", "flow")


def samples(frame: bytes, medium: str = "") -> Iterator[Sample]:
    """Give the present values of a meter; where two records tell one series, the first.

    Args:
        frame: a long frame, whole.
        medium: overrules what the meter says of itself.

    Raises:
        Missing: pymeterbus is not installed.
        Malformed: no telegram of variable structure, torn, or of a medium not known here.
    """
    telegram = _telegram(frame)
    paths = PATHS.get(medium or MEDIA.get(_medium(telegram), ""))
    if paths is None:
        raise Malformed(
            "mbus.medium",
            "the meter says that it measures something else",
            hint="put medium = heat, water, gas or electricity into the file if you know better",
        )
    seen: set[str] = set()
    for record in telegram.records:
        sample = _sample(record, paths)
        if sample is not None and sample.path not in seen:
            seen.add(sample.path)
            yield sample


def _telegram(frame: bytes) -> Any:
    try:
        import meterbus
    except ImportError as error:
        raise lacking("pymeterbus", "mbus") from error
    try:
        # Whatever the library stumbles over is a frame that cannot be read.
        return meterbus.TelegramLong.parse(list(frame))
    except Exception as error:
        raise Malformed(
            "mbus.frame",
            f"the telegram cannot be read ({type(error).__name__})",
            hint="torn frames come from the line: check bias, length and baud; "
            "the fixed structure of the oldest meters is not understood",
        ) from error


def _medium(telegram: Any) -> int:
    medium: int = telegram.body.bodyHeader.measure_medium_field.parts[0]
    return medium


def _sample(record: Any, paths: dict[str, str]) -> Sample | None:
    """Give what one record says; None where it is no present value of the meter."""
    try:
        told = record.interpreted
        is_sound = _is_sound(record)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError):
        return None  # a kind of record that the library does not know
    is_present = (
        told["function"] == "FunctionType.INSTANTANEOUS_VALUE"
        and told["storage_number"] == 0
        and not told.get("tariff")
        and not told.get("device")
        and "unit_enh" not in told
    )
    path = paths.get(told["type"].partition(".")[2])
    unit = told["unit"].partition(".")[2]
    if not is_present or not is_sound or path is None or unit not in _UNITS:
        return None
    number = _number(told["value"], unit)
    if number is None:
        return None
    if path.split("/")[1] in _INSTANTS:
        number = max(number, Decimal(0))
    return Sample(path, exact.from_decimal(number))


def _number(value: object, unit: str) -> Decimal | None:
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        return None
    number = Decimal(value)
    if unit in {"J", "J_H"}:
        number = (number / _JOULES).quantize(_MILLI, ROUND_HALF_EVEN)
    return number if number.is_finite() else None


def _is_sound(record: Any) -> bool:
    """Say whether decimal digits are digits: meters write others for "no value"."""
    import meterbus

    _, coding = record.dib.length_encoding
    if coding != meterbus.DataEncoding.ENCODING_BCD:
        return True
    digits = [half for byte in record.dataField.parts for half in (byte & 0xF, byte >> 4)]
    return all(digit <= _TOP_DIGIT for digit in digits[:-1]) and digits[-1] in (
        *range(_TOP_DIGIT + 1),
        _NEGATIVE,
    )

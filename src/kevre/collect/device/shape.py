"""What makers put into MQTT: where in which message stands which series.

Sources: zigbee2mqtt.io, "MQTT topics and messages" and "Exposes"; tasmota.github.io,
"MQTT" and "Power monitoring"; Shelly's API documentation of the first generation (gen1, MQTT)
and of the second (gen2 and later: Switch, EM, EM1, EMData, EM1Data, Temperature, Humidity).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from kevre.collect import pointer
from kevre.collect.measure import Measure, Sign
from kevre.collect.pointer import Pointer
from kevre.model import unit
from kevre.model.identifier import KINDS, kind_of

_POWER = "consumption/power/active/instant"
_FED = "production/power/active/instant"
_APPARENT = "consumption/power/apparent/instant"
_REACTIVE = "consumption/power/reactive/instant"
_INDEX = "consumption/energy/active/index"
_FED_INDEX = "production/energy/active/index"
_VOLTAGE, _CURRENT = "consumption/voltage/instant", "consumption/current/instant"
_WARMTH, _MOIST, _AIR = "temperature/indoor/raw", "humidity/indoor/instant", "co2/indoor/instant"


@dataclass(frozen=True, slots=True)
class Rule:
    """One number in one kind of message.

    Attributes:
        topic: below the device's own topic; empty for that topic itself.
        place: of the number in the message; () where the message is the number.
        besides: a number that must stand there too for this one to mean what it should.
        unless: a place and the text there that makes it mean something else.
    """

    topic: str
    place: Pointer
    measure: Measure
    besides: Pointer = ()
    unless: tuple[Pointer, str] | None = None


_FAHRENHEIT = (pointer.parse("$.TempUnit"), "F")


def _rule(
    topic: str, at: str, path: str, given: str = "", *, sign: Sign = Sign.AS_IS, besides: str = ""
) -> Rule:
    kind = kind_of(path) or KINDS[path]
    factor = Decimal(1).scaleb(unit.shift(given, kind.unit)) if given else Decimal(1)
    place = pointer.parse(besides) if besides else ()
    return Rule(topic, pointer.parse(at), Measure(path, factor, sign), place)


def _both_ways(topic: str, at: str, end: str = "") -> tuple[Rule, Rule]:
    """Give the rules of a power whose sign tells the direction."""
    return (
        _rule(topic, at, _POWER + end, sign=Sign.POSITIVE),
        _rule(topic, at, _FED + end, sign=Sign.NEGATIVE),
    )


def _zigbee2mqtt(_: int) -> Iterator[Rule]:
    yield _rule("", "$.temperature", _WARMTH)
    yield _rule("", "$.humidity", _MOIST)
    yield _rule("", "$.co2", _AIR)
    yield _rule("", "$.power", _POWER, sign=Sign.POSITIVE)
    yield _rule("", "$.energy", _INDEX, "kWh")
    yield _rule("", "$.current", _CURRENT)
    # Beside a battery, `voltage` is that of the battery, in millivolts.
    yield _rule("", "$.voltage", _VOLTAGE, besides="$.power")


def _tasmota(_: int) -> Iterator[Rule]:
    energy = "$.ENERGY"
    yield _rule("SENSOR", f"{energy}.Power", _POWER, sign=Sign.POSITIVE)
    yield _rule("SENSOR", f"{energy}.Total", _INDEX, "kWh")
    yield _rule("SENSOR", f"{energy}.ExportActive", _FED_INDEX, "kWh")
    yield _rule("SENSOR", f"{energy}.ApparentPower", _APPARENT)
    yield _rule("SENSOR", f"{energy}.ReactivePower", _REACTIVE)
    yield _rule("SENSOR", f"{energy}.Voltage", _VOLTAGE)
    yield _rule("SENSOR", f"{energy}.Current", _CURRENT)
    for n in range(3):
        yield _rule("SENSOR", f"{energy}.Power[{n}]", f"{_POWER}/l{n + 1}", sign=Sign.POSITIVE)
        yield _rule("SENSOR", f"{energy}.Voltage[{n}]", f"{_VOLTAGE}/l{n + 1}")
        yield _rule("SENSOR", f"{energy}.Current[{n}]", f"{_CURRENT}/l{n + 1}")
    for chip in ("DS18B20", "AM2301", "BME280", "SHT3X", "SI7021", "SCD40", "MHZ19B"):
        warmth = _rule("SENSOR", f"$.{chip}.Temperature", _WARMTH)
        yield replace(warmth, unless=_FAHRENHEIT)
        yield _rule("SENSOR", f"$.{chip}.Humidity", _MOIST)
        yield _rule("SENSOR", f"$.{chip}.CarbonDioxide", _AIR)


def _shelly1(channel: int) -> Iterator[Rule]:
    relay, emeter = f"relay/{channel}", f"emeter/{channel}"
    yield _rule(f"{relay}/power", "$", _POWER, sign=Sign.POSITIVE)
    # Counted in watt-minutes.
    yield Rule(f"{relay}/energy", (), Measure(_INDEX, Decimal(1) / 60))
    yield from _both_ways(f"{emeter}/power", "$")
    yield _rule(f"{emeter}/total", "$", _INDEX)
    yield _rule(f"{emeter}/total_returned", "$", _FED_INDEX)
    yield _rule(f"{emeter}/voltage", "$", _VOLTAGE)
    yield _rule(f"{emeter}/current", "$", _CURRENT)
    yield _rule("sensor/temperature", "$", _WARMTH)
    yield _rule("sensor/humidity", "$", _MOIST)


def _shelly2(channel: int) -> Iterator[Rule]:
    """Give rules of `status/…` messages; `events/rpc` holds the same under its `params`."""
    n = channel
    for kind in ("switch", "pm1", "cover", "light"):
        topic = f"status/{kind}:{n}"
        yield _rule(topic, "$.apower", _POWER, sign=Sign.POSITIVE)
        yield _rule(topic, "$.aenergy.total", _INDEX)
        yield _rule(topic, "$.voltage", _VOLTAGE)
        yield _rule(topic, "$.current", _CURRENT)
    yield from _both_ways(f"status/em1:{n}", "$.act_power")
    yield _rule(f"status/em1:{n}", "$.voltage", _VOLTAGE)
    yield _rule(f"status/em1:{n}", "$.current", _CURRENT)
    yield _rule(f"status/em1data:{n}", "$.total_act_energy", _INDEX)
    yield _rule(f"status/em1data:{n}", "$.total_act_ret_energy", _FED_INDEX)
    yield from _both_ways(f"status/em:{n}", "$.total_act_power")
    for number, phase in enumerate("abc", 1):
        yield from _both_ways(f"status/em:{n}", f"$.{phase}_act_power", f"/l{number}")
        yield _rule(f"status/em:{n}", f"$.{phase}_voltage", f"{_VOLTAGE}/l{number}")
        yield _rule(f"status/em:{n}", f"$.{phase}_current", f"{_CURRENT}/l{number}")
    yield _rule(f"status/emdata:{n}", "$.total_act", _INDEX)
    yield _rule(f"status/emdata:{n}", "$.total_act_ret", _FED_INDEX)
    yield _rule(f"status/temperature:{n}", "$.tC", _WARMTH)
    yield _rule(f"status/humidity:{n}", "$.rh", _MOIST)


SHAPES = {
    "zigbee2mqtt": _zigbee2mqtt,
    "tasmota": _tasmota,
    "shelly1": _shelly1,
    "shelly2": _shelly2,
}

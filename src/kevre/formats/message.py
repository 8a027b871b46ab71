"""Messages of an MQTT broker, as values of inputs: a bare number, numbers in a row, or JSON.

A bare number is an input named after the last level of its topic; of JSON every number is one,
named after its place, such as `ENERGY.Power`. These are the forms of Tasmota, Shelly,
zigbee2mqtt, ESPHome and emonHub. Texts and booleans are passed over: they measure nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from kevre.formats.document import document
from kevre.model import exact
from kevre.model.errors import KevreError, Malformed
from kevre.model.input import MOST_NAME, MOST_NODE, MOST_UNIT, InputName, InputValue, Posted, short
from kevre.model.reading import Fault

_TIMES = ("time", "Time", "timestamp", "ts", "last_seen")
_LONGEST = 256 * 1024
_DEEPEST = 6
_MOST_PLACES = 500
_MILLISECONDS_FROM = 10**11
_BARE = re.compile(r"\s*([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)\s*([^\s0-9,]{1,10})?\s*\Z")
_ROW = re.compile(r"\s*[+-]?[0-9.eE+-]+(?:\s*,\s*[+-]?[0-9.eE+-]+)+\s*\Z")


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it arrived.

    Attributes:
        arrived_s: when; the time of what does not say its own [epoch s].
        is_kept: whether the broker kept it from before: when it was measured is not known then.
    """

    topic: str
    payload: bytes
    arrived_s: int
    is_kept: bool = False


def read(message: Message) -> Posted:
    """Read the numbers of a message; what cannot be read is a fault that names its topic."""
    try:
        if len(message.payload) > _LONGEST:
            raise _bad("the message is too long")
        return _read(message)
    except KevreError as error:
        raw = message.payload[:150].decode("utf-8", "replace")
        fault = Fault.of(error, line=1, field=message.topic[-80:], raw=f"{message.topic} {raw}")
        return Posted((), (fault,))


def _read(message: Message) -> Posted:
    text = message.payload.decode("utf-8", "replace").strip()
    if text[:1] in {"{", "["}:
        return _of_json(message, text)
    if message.is_kept:
        return Posted(())
    bare = _BARE.match(text)
    if bare is not None:
        node, _slash, name = message.topic.rpartition("/")
        return _one(node, name, message.arrived_s, bare[1], bare[2] or "")
    if _ROW.match(text):
        values = [
            _value(message.topic, str(place), message.arrived_s, part.strip())
            for place, part in enumerate(text.split(","))
        ]
        return Posted(tuple(values))
    return Posted((), nulls=1 if text.lower() in {"", "null", "nan"} else 0)


def _of_json(message: Message, text: str) -> Posted:
    try:
        whole = document(text)
    except ValueError as error:
        raise _bad("the message is no JSON") from error
    at_s = _own_time(whole)
    if at_s is None and message.is_kept:
        return Posted(())
    values: list[InputValue] = []
    nulls = 0
    for name, given, unit in _numbers(whole):
        if given is None:
            nulls += 1
            continue
        if len(values) >= _MOST_PLACES:
            raise _bad("the message holds too many numbers")
        when_s = message.arrived_s if at_s is None else at_s
        called = InputName(short(message.topic, MOST_NODE), short(name, MOST_NAME))
        values.append(InputValue(called, when_s, exact.from_decimal(given), unit, 1))
    return Posted(tuple(values), nulls=nulls)


def _one(node: str, name: str, at_s: int, text: str, unit: str) -> Posted:
    return Posted((_value(node or name, name, at_s, text, unit),))


def _value(node: str, name: str, at_s: int, text: str, unit: str = "") -> InputValue:
    called = InputName(short(node, MOST_NODE), short(name, MOST_NAME))
    return InputValue(called, at_s, exact.parse(text), short(unit, MOST_UNIT), 1)


def _numbers(
    part: object, place: str = "", depth: int = 0
) -> Iterator[tuple[str, Decimal | None, str]]:
    """Give place, number and unit of every number of a document; None where there is none."""
    if depth > _DEEPEST:
        raise _bad("the message is nested too deeply")
    if part is None or isinstance(part, Decimal):
        yield place or "value", part, ""
    elif isinstance(part, Mapping):
        yield from _members(part, place, depth)
    elif isinstance(part, list):
        for index, one in enumerate(part):
            yield from _numbers(one, _below(place, str(index)), depth + 1)


def _members(
    part: Mapping[str, object], place: str, depth: int
) -> Iterator[tuple[str, Decimal | None, str]]:
    unit = part.get("unit")
    given = part.get("value")
    if isinstance(unit, str) and isinstance(given, Decimal):
        yield place or "value", given, short(unit, MOST_UNIT)
        return
    for name, one in part.items():
        if depth == 0 and name in _TIMES:
            continue
        yield from _numbers(one, _below(place, name), depth + 1)


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _own_time(whole: object) -> int | None:
    """Give the time that a message says, if it says one that is sure of its zone."""
    if not isinstance(whole, Mapping):
        return None
    said = next((whole[name] for name in _TIMES if name in whole), None)
    if isinstance(said, Decimal) and said.is_finite() and 0 <= said < _MILLISECONDS_FROM * 100:
        return int(said / 1_000 if said >= _MILLISECONDS_FROM else said)
    if not isinstance(said, str):
        return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    # Tasmota writes its own wall clock, of a zone that nobody knows.
    return math.floor(at.timestamp()) if at.tzinfo is not None else None


def _bad(message: str) -> Malformed:
    return Malformed("message.malformed", message, hint="compare: mosquitto_sub -v -t '#'")

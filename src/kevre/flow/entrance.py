"""Entrances of software that people already run: its own names, sorted before the gate.

What an entrance reads comes here as values of inputs. Those of inputs that a person accepted
enter by the gate as readings of their series; those of new ones wait in the tray; those of
refused ones are counted. The sender is answered as its protocol wants; what it cannot be
told is in the quarantine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kevre.flow import input as inputs
from kevre.flow import tray
from kevre.flow.accept import FUTURE_TOLERANCE_S, Gate, Receipt, Writer
from kevre.flow.input import Input, State
from kevre.model.batch import Batch, Column
from kevre.model.errors import KevreError, Refused
from kevre.model.input import InputName, InputValue, Posted, first_faults
from kevre.model.reading import Fault
from kevre.model.window import EARLIEST_S
from kevre.quality.plausible import outside_time
from kevre.rights.key import Key

_MOST_FAULTS = 1_000
# IotaWatt asks where it stopped; to the minute is enough, for what comes twice is no change.
_NEWEST_NOTED_EVERY_S = 60

_ByInput = dict[InputName, list[InputValue]]


@dataclass(frozen=True, slots=True)
class Sorted:
    """What became of what was sent: entered, waiting, refused by a person, or in quarantine."""

    receipt: Receipt
    waiting: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one request or message brought.

    Attributes:
        key: whose inputs these are.
        digest: what makes a repetition recognisable.
        source: where it came in, for people.
    """

    posted: Posted
    key: Key
    digest: str
    source: str


def receive(gate: Gate, parcel: Parcel, now_s: int) -> Sorted:
    """Let a parcel in; durable when it returns.

    Raises:
        Unavailable: the store cannot write now; send all of it again.
    """
    faults = list(parcel.posted.faults)
    by_input = _timely(parcel.posted.values, faults, now_s)
    known = _known(parcel.key, by_input, faults, now_s)
    waiting = _wait(known, by_input, faults, now_s)
    refused = _count_refused(known, by_input, now_s)
    columns = _columns(known, by_input, faults)
    _note_newest(known, by_input)
    receipt = _enter(gate, parcel, columns, faults, now_s)
    return Sorted(receipt, waiting, refused)


def _timely(values: Iterable[InputValue], faults: list[Fault], now_s: int) -> _ByInput:
    """Sort the values by input, without those of an impossible time."""
    by_input: _ByInput = defaultdict(list)
    latest_s = now_s + FUTURE_TOLERANCE_S
    for value in values:
        if EARLIEST_S <= value.at_s < latest_s:
            by_input[value.input].append(value)
            continue
        fault = outside_time(value.at_s, value.line)
        faults.append(replace(fault, raw=str(value.input)[:200]))
    return by_input


def _known(
    key: Key, by_input: Mapping[InputName, Sequence[InputValue]], faults: list[Fault], now_s: int
) -> dict[InputName, Input]:
    """Find the inputs, and enter the new ones where the key may bring some."""
    known = inputs.of_key(key, by_input)
    for name, values in by_input.items():
        if name in known:
            continue
        try:
            known[name] = inputs.enter(key, name, values[0].unit, now_s)
        except Refused as error:
            raw = f"{len(values)} of {name}"
            faults.append(Fault.of(error, line=values[0].line, field=name.name[:80], raw=raw))
    return known


def _wait(
    known: dict[InputName, Input],
    by_input: Mapping[InputName, Sequence[InputValue]],
    faults: list[Fault],
    now_s: int,
) -> int:
    waiting = 0
    for name, found in known.items():
        if found.state not in {State.WAITING, State.ACCEPTED}:
            continue
        fitting = list(_in_unit_of(found, by_input[name], faults))
        if not fitting:
            continue
        if tray.keep(found, fitting, now_s):
            waiting += len(fitting)
        else:
            found.refresh_from_db()
    return waiting


def _in_unit_of(
    found: Input, values: Iterable[InputValue], faults: list[Fault]
) -> Iterable[InputValue]:
    """Give the values in the unit that the input was first said to have."""
    for value in values:
        if value.unit in {"", found.said_unit} or not found.said_unit:
            yield value
            continue
        try:
            yield replace(value, value=tray.in_unit(value.value, value.unit, found.said_unit))
        except KevreError as error:
            raw = f"{value.input} {value.unit}"
            faults.append(Fault.of(error, line=value.line, field="unit", raw=raw))


def _count_refused(
    known: Mapping[InputName, Input],
    by_input: Mapping[InputName, Sequence[InputValue]],
    now_s: int,
) -> int:
    refused = {name: found for name, found in known.items() if found.state == State.REFUSED}
    for name, found in refused.items():
        inputs.count_refused(found, len(by_input[name]), now_s)
    return sum(len(by_input[name]) for name in refused)


def _columns(
    known: Mapping[InputName, Input],
    by_input: Mapping[InputName, Sequence[InputValue]],
    faults: list[Fault],
) -> list[Column]:
    return [
        column
        for name, found in known.items()
        if found.state == State.OPEN
        for column in tray.columns(found, by_input[name], faults)
    ]


def _note_newest(
    known: Mapping[InputName, Input], by_input: Mapping[InputName, Sequence[InputValue]]
) -> None:
    for name, found in known.items():
        newest_s = max(value.at_s for value in by_input[name])
        if newest_s >= found.newest_s + _NEWEST_NOTED_EVERY_S:
            inputs.note_newest(found, newest_s)


def _enter(
    gate: Gate, parcel: Parcel, columns: Sequence[Column], faults: Sequence[Fault], now_s: int
) -> Receipt:
    if not columns and not faults:
        return Receipt.empty()
    writer = Writer.of_key(parcel.key)
    told = first_faults(faults, _MOST_FAULTS)
    batch = Batch(writer.origin, parcel.digest, tuple(columns), told, parcel.source)
    return gate.accept(batch, writer, now_s=now_s)

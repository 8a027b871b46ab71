"""Meters that speak Modbus, by a map of their registers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from kevre.collect import register
from kevre.collect.bus import Bus, bus, line
from kevre.collect.driver import Sample, Task
from kevre.collect.register import Register
from kevre.model.errors import KevreError, Malformed

_CONSUMED, _PRODUCED = "consumption/", "production/"


class Modbus:
    """Reads the registers of one meter, in as few requests as its map allows."""

    listens = False

    def __init__(self, at: Bus, registers: tuple[Register, ...]) -> None:
        self._bus = at
        self._blocks = tuple(register.blocks(registers))
        self._rounds = 0

    def open(self) -> None:
        """Nothing is held between reads."""

    def read(self) -> Iterator[Sample]:
        """Give each register that can be read, then raise the first failure.

        Raises:
            Unavailable: no answer.
            Malformed: the meter has no such register, or holds no number there.
        """
        failure: KevreError | None = None
        with self._bus.taken():
            for block in self._blocks:
                try:
                    yield from self._samples(block)
                except Malformed as error:
                    failure = failure or error
        self._rounds += 1
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Nothing is held between reads."""

    def counts(self) -> Mapping[str, int]:
        """Count the rounds of reads."""
        return {"rounds": self._rounds}

    def _samples(self, block: tuple[Register, ...]) -> Iterator[Sample]:
        start, end = block[0].address, max(one.end for one in block)
        words = self._bus.words(start, end - start, block[0].table)
        failure: Malformed | None = None
        for one in block:
            try:
                number = one.number(words[one.address - start : one.end - start])
            except Malformed as error:
                failure = failure or error
                continue
            yield Sample(one.measure.path, one.measure.value(number))
        if failure is not None:
            raise failure


def make(task: Task) -> Modbus:
    """Make the driver of its options: line, and a map or registers."""
    options = task.options
    name = options.choice("map", register.known() | {"own": None}, "own")
    if name == "own":
        at = line(options)
        found = register.registers(options)
        if not found:
            raise options.wrong("map", "there, and neither is a [[device.register]]")
    else:
        chosen = register.load(name)
        at = line(options, baud=chosen.baud, parity=chosen.parity)
        found = chosen.registers
    if options.flag("reversed"):
        found = tuple(_reversed(one) for one in found)
    return Modbus(bus(at, task.around), found)


def _reversed(one: Register) -> Register:
    """Swap consumption and production: the meter stands the other way round."""
    path = one.measure.path
    if path.startswith(_CONSUMED):
        path = _PRODUCED + path.removeprefix(_CONSUMED)
    elif path.startswith(_PRODUCED):
        path = _CONSUMED + path.removeprefix(_PRODUCED)
    return replace(one, measure=replace(one.measure, path=path))

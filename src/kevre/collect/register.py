"""Registers of Modbus meters as data: where, which type, what it measures.

A map of registers is TOML, one file for each kind of meter in `device/maps/`, with the
maker's document that it follows. The same tables may stand in the file of a collector.
"""

from __future__ import annotations

import struct
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

from kevre.collect.bus import TABLES
from kevre.collect.measure import Measure, measure
from kevre.collect.option import Options
from kevre.model.errors import Malformed

_FORMATS = {
    "uint16": ">H",
    "int16": ">h",
    "uint32": ">I",
    "int32": ">i",
    "uint64": ">Q",
    "int64": ">q",
    "float32": ">f",
    "float64": ">d",
}
_ORDERS = {"big": True, "little": False}
_WORD = 2  # bytes
_LAST = 65_535
_FLOAT_DIGITS = range(6, 10)  # nine always tell one float of 32 bits from another


@dataclass(frozen=True, slots=True)
class Register:
    """One number of a meter.

    Attributes:
        address: of its first word as sent on the wire, from 0.
        form: of its type, for `struct`, high word first.
        is_big: the high word comes first on the wire too.
    """

    table: str
    address: int
    form: str
    is_big: bool
    measure: Measure

    @property
    def words(self) -> int:
        """Count its words."""
        return struct.calcsize(self.form) // _WORD

    @property
    def end(self) -> int:
        """Give the address after it."""
        return self.address + self.words

    def number(self, words: Sequence[int]) -> Decimal:
        """Give the exact number of its words; of a float the shortest that is no other.

        Raises:
            Malformed: a float that is no number: the meter does not measure this.
        """
        ordered = words if self.is_big else words[::-1]
        raw = b"".join(word.to_bytes(_WORD, "big") for word in ordered)
        (read,) = struct.unpack(self.form, raw)
        if isinstance(read, int):
            return Decimal(read)
        exact = _shortest(read, self.form, raw)
        if not exact.is_finite():
            raise Malformed(
                "modbus.not_a_number",
                f"register {self.address} holds no number",
                hint="this meter, or its wiring, does not measure it: take it out of the list",
            )
        return exact


@dataclass(frozen=True, slots=True)
class Map:
    """The registers of one kind of meter, and how its line is set in the factory."""

    title: str
    source: str
    baud: int
    parity: str
    registers: tuple[Register, ...]


def known() -> dict[str, None]:
    """Give the names of the maps that are shipped."""
    folder = files("kevre.collect.device") / "maps"
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith(".toml"))
    return dict.fromkeys(name.removesuffix(".toml") for name in names)


def load(name: str) -> Map:
    """Read one of the maps that are shipped."""
    text = (files("kevre.collect.device") / "maps" / f"{name}.toml").read_text("utf-8")
    options = Options(tomllib.loads(text, parse_float=Decimal), f"map {name}")
    made = Map(
        options.text("title"),
        options.text("source"),
        options.whole("baud"),
        options.text("parity"),
        registers(options),
    )
    options.done()
    return made


def registers(options: Options) -> tuple[Register, ...]:
    """Read tables [[register]].

    Raises:
        Malformed: an entry is wrong; it names table and entry.
    """
    return tuple(_register(table) for table in options.tables("register"))


def blocks(some: Iterable[Register]) -> Iterator[tuple[Register, ...]]:
    """Put registers together that touch or overlap, to be read in one request.

    Never across a gap: meters refuse to read what is not in their table.
    """
    block: list[Register] = []
    end = 0
    for one in sorted(some, key=lambda one: (one.table, one.address)):
        if block and (one.table != block[0].table or one.address > end):
            yield tuple(block)
            block = []
        end = max(end, one.end) if block else one.end
        block.append(one)
    if block:
        yield tuple(block)


def _register(table: Options) -> Register:
    kind = table.choice("table", TABLES, "holding")
    address = table.whole("address")
    form = _FORMATS[table.choice("type", _FORMATS, "uint16")]
    is_big = _ORDERS[table.choice("word_order", _ORDERS, "big")]
    made = Register(kind, address, form, is_big, measure(table))
    if made.end - 1 > _LAST:
        raise table.wrong("address", f"a whole number up to {_LAST}")
    table.done()
    return made


def _shortest(read: float, form: str, raw: bytes) -> Decimal:
    """Give the decimal with the fewest digits that is this float and no other.

    >>> _shortest(struct.unpack(">f", struct.pack(">f", 230.1))[0], ">f", struct.pack(">f", 230.1))
    Decimal('230.1')
    """
    if form == _FORMATS["float64"]:
        return Decimal(repr(read))
    for digits in _FLOAT_DIGITS:
        text = f"{read:.{digits}g}"
        if struct.pack(form, float(text)) == raw:
            return Decimal(text)
    return Decimal(repr(read))

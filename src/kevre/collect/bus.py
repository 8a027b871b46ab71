"""A Modbus line, serial or TCP: taken for one round of reads, then left to others.

Several meters may hang on one serial line: whoever reads it holds its lock. The line is
opened for each round, so that an adapter which came back is found again.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kevre.collect.driver import Surroundings, lacking
from kevre.collect.option import Options
from kevre.model.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from pymodbus.client import ModbusSerialClient, ModbusTcpClient

_TOTAL_S = 30.0  # of one round of reads
_MOST_WORDS = 60  # in one request: Eastron's meters refuse more than 80
_PARITIES = {"none": "N", "even": "E", "odd": "O"}
TABLES = {"holding": True, "input": True}


@dataclass(frozen=True, slots=True)
class Line:
    """How a device is reached, and its number on the line."""

    host: str
    port: int
    device: str
    baud: int
    parity: str
    stop_bits: int
    unit: int
    timeout_s: int

    @property
    def place(self) -> str:
        """Name the line, as the key of its lock."""
        return self.device or f"{self.host}:{self.port}/{self.unit}"


def line(options: Options, *, baud: int = 9_600, parity: str = "none") -> Line:
    """Read how a device is reached: `host`, or the path of a port as `serial`.

    Raises:
        Malformed: both or none of them.
    """
    made = Line(
        options.text("host", ""),
        options.whole("port", 502, least=1),
        options.text("serial", ""),
        options.whole("baud", baud, least=300),
        options.choice("parity", _PARITIES, parity),
        options.whole("stop_bits", 1, least=1),
        options.whole("unit_id", 1),
        options.whole("timeout_s", 3, least=1),
    )
    if bool(made.host) is bool(made.device):
        raise options.wrong("host", "there alone, or else serial")
    return made


class Bus:
    """Reads words of one device on a line."""

    def __init__(self, at: Line, lock: threading.Lock) -> None:
        self._at = at
        self._lock = lock
        self._client: ModbusTcpClient | ModbusSerialClient | None = None
        self._end_s = 0.0

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Hold the line for one round of reads.

        Raises:
            Missing: pymodbus is not installed.
            Unavailable: nobody is there.
        """
        with self._lock:
            client = self._made()
            try:
                if not client.connect():
                    raise _unreachable("no connection")
                self._client, self._end_s = client, time.monotonic() + _TOTAL_S
                yield
            finally:
                self._client = None
                client.close()  # type: ignore[no-untyped-call]  # pymodbus types its reads only

    def words(self, address: int, count: int, table: str = "holding") -> tuple[int, ...]:
        """Read words of 16 bits, in as many requests as it takes.

        Raises:
            Unavailable: no answer, or none in time.
            Malformed: the device has no such register.
        """
        found: list[int] = []
        while len(found) < count:
            more = min(count - len(found), _MOST_WORDS)
            found.extend(self._request(address + len(found), more, table))
        return tuple(found)

    def _request(self, address: int, count: int, table: str) -> list[int]:
        from pymodbus.exceptions import ModbusException

        client = self._client
        if client is None:
            raise AssertionError("words are read while the line is taken")
        if time.monotonic() > self._end_s:
            raise _unreachable("too slow")
        ask = client.read_input_registers if table == "input" else client.read_holding_registers
        try:
            answer = ask(address, count=count, device_id=self._at.unit)
        except (ModbusException, OSError) as error:
            raise _unreachable(type(error).__name__) from error
        if answer.isError():
            raise Malformed(
                "modbus.register",
                f"the device refuses {count} {table} registers from {address}",
                hint="compare with its maker's table: addresses there often start at one",
            )
        if len(answer.registers) != count:
            raise _unreachable("a short answer")
        return list(answer.registers)

    def _made(self) -> ModbusTcpClient | ModbusSerialClient:
        try:
            from pymodbus.client import ModbusSerialClient, ModbusTcpClient
        except ImportError as error:
            raise lacking("pymodbus", "modbus") from error
        # It would write the address of the device into the log.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        at = self._at
        if at.host:
            return ModbusTcpClient(at.host, port=at.port, timeout=at.timeout_s, retries=0)
        return ModbusSerialClient(
            at.device,
            baudrate=at.baud,
            parity=_PARITIES[at.parity],
            stopbits=at.stop_bits,
            timeout=at.timeout_s,
            retries=0,
        )


def bus(at: Line, around: Surroundings) -> Bus:
    """Make the bus of a line, with the lock that all devices on it share."""
    return Bus(at, around.lines[at.place])


def _unreachable(why: str) -> Unavailable:
    return Unavailable(
        "modbus.unreachable",
        f"the device does not answer ({why})",
        hint="check address, unit_id, baud and parity; on RS-485 swap A and B",
    )

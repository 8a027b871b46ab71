"""Heat, water, gas and electricity meters on wired M-Bus, through a level converter.

Follows EN 13757-2: the meter is reset (SND_NKE), chosen by its address or its number, and
asked for its data (REQ_UD2); it answers in a long frame. Only the first telegram of a meter
that has several is read; the present values stand there.
"""

from __future__ import annotations

import re
import termios
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import serial

from kevre.collect import telegram
from kevre.collect.driver import Sample, Task
from kevre.model.errors import Unavailable

_ACK, _SHORT, _LONG, _STOP = 0xE5, 0x10, 0x68, 0x16
_RESET, _ASK, _SEND, _SELECT = 0x40, 0x5B, 0x73, 0x52
_SELECTED = 0xFD  # the address of the meter that was chosen by its number
_LAST_ADDRESS = 250
_FRAME_ENDS = 6  # bytes of a long frame beside those its length counts
_TOTAL_S = 8.0  # of one exchange; a full frame at 300 baud takes 9.6 s, at 2400 baud 1.2 s
_SLOWEST_S = 20.0
_READ_S = 0.2
_SLOW_BAUD = 600
_NUMBER = re.compile(r"[0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{8})?\Z")
_ANY_REST = "FFFFFFFF"  # any maker, version and medium
_PARITIES = {"even": serial.PARITY_EVEN, "none": serial.PARITY_NONE}
_CONSUMED, _PRODUCED = "consumption/", "production/"


@dataclass(frozen=True, slots=True)
class Meter:
    """Which meter on which line.

    Attributes:
        line: path of a serial port, or `socket://host:port` of a converter in the network.
        address: the primary one; 0xFD where it is chosen by its number.
        number: eight digits on its plate, or all sixteen of its secondary address.
    """

    line: str
    baud: int
    parity: str
    address: int
    number: str = ""


class MBus:
    """Asks one meter for its data."""

    listens = False

    def __init__(
        self, meter: Meter, lock: threading.Lock, *, medium: str = "", is_producer: bool = False
    ) -> None:
        self._meter = meter
        self._lock = lock
        self._medium = medium
        self._is_producer = is_producer
        self._counts = Counter({"telegrams": 0})

    def open(self) -> None:
        """Nothing is held between reads: the line may be shared."""

    def read(self) -> Iterator[Sample]:
        """Give the present values of the meter.

        Raises:
            Unavailable: no line, or no answer.
            Malformed: the answer cannot be read.
        """
        with self._lock:
            frame = self._exchange()
        self._counts["telegrams"] += 1
        for sample in telegram.samples(frame, self._medium):
            yield _produced(sample) if self._is_producer else sample

    def close(self) -> None:
        """Nothing is held between reads."""

    def counts(self) -> Mapping[str, int]:
        """Count the telegrams."""
        return dict(self._counts)

    def _exchange(self) -> bytes:
        meter = self._meter
        try:
            with serial.serial_for_url(
                meter.line, baudrate=meter.baud, parity=meter.parity, timeout=_READ_S
            ) as line:
                return self._asked(line)
        except (OSError, ValueError, termios.error) as error:
            raise Unavailable(
                "mbus.line",
                "the line to the meters cannot be opened or has gone",
                hint="is the converter plugged in, and this user in the group dialout?",
            ) from error

    def _asked(self, line: serial.Serial) -> bytes:
        end_s = time.monotonic() + (_SLOWEST_S if self._meter.baud < _SLOW_BAUD else _TOTAL_S)
        line.reset_input_buffer()
        if self._meter.number:
            line.write(_short(_RESET, _SELECTED))
            _frame(line, min(end_s, time.monotonic() + 1))  # no answer when none was selected
            line.write(_select(self._meter.number))
        else:
            line.write(_short(_RESET, self._meter.address))
        if _frame(line, end_s) != bytes([_ACK]):
            raise _no_answer()
        line.write(_short(_ASK, self._meter.address))
        frame = _frame(line, end_s)
        if len(frame) <= 1:
            raise _no_answer()
        return frame


def make(task: Task) -> MBus:
    """Make the driver of its options: line, address or number, medium."""
    options = task.options
    line = options.text("line")
    number = options.text("number", "")
    if number and not _NUMBER.match(number):
        raise options.wrong("number", "the 8 digits on the plate, or all 16 of the address")
    address = _SELECTED if number else options.whole("address")
    if not number and address > _LAST_ADDRESS:
        raise options.wrong("address", f"a whole number up to {_LAST_ADDRESS}")
    baud = options.whole("baud", 2_400, least=300)
    parity = _PARITIES[options.choice("parity", _PARITIES, "even")]
    meter = Meter(line, baud, parity, address, number)
    medium = options.choice("medium", telegram.PATHS | {"told": {}}, "told")
    return MBus(
        meter,
        task.around.lines[line],
        medium="" if medium == "told" else medium,
        is_producer=options.flag("reversed"),
    )


def _short(control: int, address: int) -> bytes:
    return bytes([_SHORT, control, address, (control + address) & 0xFF, _STOP])


def _select(number: str) -> bytes:
    """Write the frame that chooses a meter: its digits from the low end, then the rest."""
    full = bytes.fromhex(number if len(number) > len(_ANY_REST) else number + _ANY_REST)
    body = bytes([_SEND, _SELECTED, _SELECT]) + full[3::-1] + full[4:]
    length = len(body)
    return bytes([_LONG, length, length, _LONG]) + body + bytes([sum(body) & 0xFF, _STOP])


def _frame(line: serial.Serial, end_s: float) -> bytes:
    """Read one answer, a byte alone or a long frame; what came by the end where it is torn."""
    found = bytearray()
    while time.monotonic() < end_s:
        found += line.read(_wanted(found) - len(found))
        while found and found[0] not in {_ACK, _LONG}:
            del found[0]  # noise before the answer
        if found and len(found) == _wanted(found):
            break
    return bytes(found)


def _wanted(found: bytearray) -> int:
    """Give how long the answer will be, as far as what came tells."""
    if not found or found[0] == _ACK:
        return 1
    return found[1] + _FRAME_ENDS if len(found) > 1 else 2


def _produced(sample: Sample) -> Sample:
    """Count for production: the meter of a loop that gives heat, such as a solar one."""
    if not sample.path.startswith(_CONSUMED):
        return sample
    return replace(sample, path=_PRODUCED + sample.path.removeprefix(_CONSUMED))


def _no_answer() -> Unavailable:
    return Unavailable(
        "mbus.no_answer",
        "the meter does not answer",
        hint="check its address and baud; a battery meter may allow only some reads a day",
    )

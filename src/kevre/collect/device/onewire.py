"""Thermometers on a 1-wire bus, as Linux shows them (DS18B20, DS18S20, DS1822, DS28EA00).

Follows the kernel's Documentation/w1/slaves/w1_therm.rst: the file `w1_slave` of a sensor
holds nine bytes and YES or NO for their checksum, then the temperature in thousandths of
a degree. Identifiers as in RFC 9039, 4.3: family, serial number, checksum.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from kevre.collect.driver import Sample, Task
from kevre.collect.measure import known_path
from kevre.model.errors import Unavailable

BUS = "/sys/bus/w1/devices"
_FAMILIES = ("10", "22", "28", "3b", "42")
_SENSOR = re.compile(r"([0-9a-f]{2})-([0-9a-f]{12})\Z")
_ANSWER = re.compile(
    r"(?:[0-9a-f]{2} ){9}: crc=[0-9a-f]{2} (YES|NO)\s.*?t=(-?[0-9]{1,7})\s*\Z", re.DOTALL
)
# What the chip holds from power-on until its first conversion [thousandths of a degree].
_POWER_ON_MC = 85_000
_POLYNOMIAL = 0x8C  # X8 + X5 + X4 + 1, low bit first


class OneWire:
    """Reads every thermometer of the bus, or those named; one that fails spares the rest."""

    listens = False

    def __init__(self, bus: Path, sensors: tuple[str, ...], path: str) -> None:
        self._bus = bus
        self._sensors = sensors
        self._path = path
        self._refused = 0

    def open(self) -> None:
        """See that there is a bus.

        Raises:
            Unavailable: the kernel shows none.
        """
        if not self._bus.is_dir():
            raise _no_bus()

    def read(self) -> Iterator[Sample]:
        """Give the temperature of each sensor, then raise the first failure.

        Raises:
            Unavailable: a sensor is gone, its checksum is wrong, or it has just got power.
        """
        failure: Unavailable | None = None
        for sensor in self._sensors or self._found():
            try:
                milli = self._milli_degrees(sensor)
            except Unavailable as error:
                self._refused += 1
                failure = failure or error
                continue
            yield Sample(self._path, (milli, -3), point=urn(sensor))
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Nothing is held between reads."""

    def counts(self) -> Mapping[str, int]:
        """Count the answers that were refused."""
        return {"refused": self._refused}

    def _found(self) -> list[str]:
        try:
            entries = [entry.name for entry in self._bus.iterdir()]
        except OSError as error:
            raise _no_bus() from error
        names = sorted(name for name in entries if name[:2] in _FAMILIES)
        found = [name for name in names if _SENSOR.match(name)]
        if not found:
            raise Unavailable(
                "onewire.no_sensor",
                "no thermometer answers on the bus",
                hint="check its three wires and the 4.7 kilo-ohm resistor",
            )
        return found

    def _milli_degrees(self, sensor: str) -> int:
        try:
            answer = (self._bus / sensor / "w1_slave").read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(
                "onewire.gone",
                "a thermometer does not answer",
                where=sensor,
                hint="check its wires; a bus of stubs and long cables loses sensors",
            ) from error
        found = _ANSWER.match(answer)
        if found is None or found[1] != "YES":
            raise Unavailable(
                "onewire.checksum",
                "the checksum of a thermometer is wrong",
                where=sensor,
                hint="now and then is normal; if often, shorten the cable",
            )
        if int(found[2]) == _POWER_ON_MC:
            raise Unavailable(
                "onewire.power_on",
                "a thermometer gives 85 degrees, its value after power-on",
                where=sensor,
                hint="its supply fails during conversion: use three wires, not parasite power",
            )
        return int(found[2])


def _no_bus() -> Unavailable:
    return Unavailable(
        "onewire.no_bus",
        "there is no 1-wire bus",
        hint="on a Raspberry Pi add dtoverlay=w1-gpio to config.txt and restart",
    )


def make(task: Task) -> OneWire:
    """Make the driver of its options: bus, sensors, series."""
    options = task.options
    sensors = options.texts("sensors")
    for sensor in sensors:
        if not _SENSOR.match(sensor):
            raise options.wrong("sensors", "identifiers such as 28-0316a2795bff")
    path = known_path(options, "temperature/indoor/raw")
    return OneWire(Path(options.text("bus", BUS)), sensors, path)


def urn(sensor: str) -> str:
    """Give the URN of a sensor as Linux names it.

    >>> urn("10-0008013a07e2")
    'urn:dev:ow:10e2073a01080063'

    Source: the identifier is the example of RFC 9039, 4.3; Linux writes the serial number
    from its high end. Checksum: Maxim application note 27.
    """
    family, serial = sensor.split("-")
    code = bytes.fromhex(family) + bytes.fromhex(serial)[::-1]
    return f"urn:dev:ow:{code.hex()}{_checksum(code):02x}"


def _checksum(code: bytes) -> int:
    checksum = 0
    for byte in code:
        checksum ^= byte
        for _ in range(8):
            checksum = checksum >> 1 ^ (_POLYNOMIAL if checksum & 1 else 0)
    return checksum

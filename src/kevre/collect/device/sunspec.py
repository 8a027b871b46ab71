"""Inverters and meters that describe themselves as SunSpec has it.

Follows SunSpec's Device Information Model Specification: the marker `SunS` at one of three
addresses, then models one after the other. What the models hold is pysunspec2's knowledge.
Read here: inverters (101 to 103, 111 to 113), meters (201 to 204, 211 to 214), and the
AC measurement of distributed sources (701).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from kevre.collect.bus import Bus, bus, line
from kevre.collect.driver import Sample, Task, lacking
from kevre.collect.measure import Measure, Sign
from kevre.model.errors import Malformed, Unavailable

_MADE, _USED = "production", "consumption"
_POINTS = dict[str, tuple[Measure, ...]]


def _one(path: str, sign: Sign = Sign.AS_IS) -> tuple[Measure, ...]:
    return (Measure(path, Decimal(1), sign),)


def _signed(path: str, way: str, other: str) -> tuple[Measure, ...]:
    """Split a power whose sign tells the direction; above zero it goes `way`."""
    return _one(f"{way}/{path}", Sign.POSITIVE) + _one(f"{other}/{path}", Sign.NEGATIVE)


_FREQUENCY: _POINTS = {"Hz": _one("frequency/grid/instant")}
_INVERTER: _POINTS = _FREQUENCY | {
    "W": _signed("power/active/instant", _MADE, _USED),
    "WH": _one(f"{_MADE}/energy/active/index"),
}
_METER: _POINTS = _FREQUENCY | {
    "W": _signed("power/active/instant", _USED, _MADE),
    "TotWhImp": _one(f"{_USED}/energy/active/index"),
    "TotWhExp": _one(f"{_MADE}/energy/active/index"),
}
for _line, _phase in enumerate("ABC", 1):
    _INVERTER |= {
        f"Aph{_phase}": _one(f"{_MADE}/current/instant/l{_line}"),
        f"PhVph{_phase}": _one(f"{_MADE}/voltage/instant/l{_line}"),
    }
    _METER |= {
        f"Wph{_phase}": _signed(f"power/active/instant/l{_line}", _USED, _MADE),
        f"PhVph{_phase}": _one(f"{_USED}/voltage/instant/l{_line}"),
    }
_SOURCE: _POINTS = _FREQUENCY | {
    "W": _signed("power/active/instant", _MADE, _USED),
    "TotWhInj": _one(f"{_MADE}/energy/active/index"),
    "TotWhAbs": _one(f"{_USED}/energy/active/index"),
}
MODELS: dict[int, _POINTS] = (
    dict.fromkeys((101, 102, 103, 111, 112, 113), _INVERTER)
    | dict.fromkeys((201, 202, 203, 204, 211, 212, 213, 214), _METER)
    | {701: _SOURCE}
)


class SunSpec:
    """Searches a device for models at the first read, then reads those it knows."""

    listens = False

    def __init__(self, at: Bus) -> None:
        self._bus = at
        self._models: list[Any] = []  # of pysunspec2, which has no types
        self._silence: Unavailable | None = None
        self._rounds = 0

    def open(self) -> None:
        """Search anew at the next read: the device may have been replaced."""
        self._models = []

    def read(self) -> Iterator[Sample]:
        """Give what the models say; what the device does not measure gives nothing.

        Raises:
            Missing: pysunspec2 is not installed.
            Unavailable: no answer.
            Malformed: not a SunSpec device, or one without any model known here.
        """
        with self._bus.taken():
            if self._models:
                for model in self._models:
                    model.read()
            else:
                self._models = self._found()
        self._rounds += 1
        seen: set[str] = set()
        for model in self._models:
            for sample in _samples(model):
                # Of two models of one device the first counts: some say the same twice.
                if sample.path not in seen:
                    seen.add(sample.path)
                    yield sample

    def close(self) -> None:
        """Nothing is held between reads."""

    def counts(self) -> Mapping[str, int]:
        """Count the rounds of reads."""
        return {"rounds": self._rounds}

    def _found(self) -> list[Any]:
        try:
            from sunspec2.modbus.client import SunSpecModbusClientDevice, SunSpecModbusClientError
        except ImportError as error:
            raise lacking("pysunspec2", "modbus") from error
        device = SunSpecModbusClientDevice()
        device.read = self._bytes
        self._silence = None
        try:
            device.scan(connect=False)
        except SunSpecModbusClientError as error:
            if self._silence is not None:
                raise self._silence from error
            raise Malformed(
                "sunspec.none",
                "the device does not describe itself as SunSpec has it",
                hint="switch SunSpec on in the device's menu, or use the driver modbus with a map",
            ) from error
        known = [model for model in device.model_list if model.model_id in MODELS]
        if not known:
            raise Malformed(
                "sunspec.models",
                "the device has no SunSpec model of an inverter or a meter",
                hint="use the driver modbus with a map",
            )
        return known

    def _bytes(self, address: float, count: float, _: int = 3) -> bytes:
        """Read for pysunspec2, which counts words in halves of bytes."""
        try:
            words = self._bus.words(int(address), int(count))
        except Unavailable as error:
            self._silence = error  # the search goes on, and would tell of a wrong device
            raise
        return b"".join(word.to_bytes(2, "big") for word in words)


def _samples(model: Any) -> Iterator[Sample]:
    for name, measures in MODELS[model.model_id].items():
        point = model.points.get(name)
        number = None if point is None else _number(model, point)
        if number is None:
            continue
        for measure in measures:
            yield Sample(measure.path, measure.value(number))


def _number(model: Any, point: Any) -> Decimal | None:
    """Give the exact number of a point, by its scale factor; None where not implemented."""
    raw = point.value
    if raw is None or raw != raw:  # noqa: PLR0124  a float that is no number
        return None
    scale = point.pdef.get("sf")
    if scale is None:
        return Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
    shift = scale if isinstance(scale, int) else model.points[scale].value
    return None if shift is None else Decimal(raw).scaleb(shift)


def make(task: Task) -> SunSpec:
    """Make the driver of its options: how the device is reached."""
    return SunSpec(bus(line(task.options), task.around))

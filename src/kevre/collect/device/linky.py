"""What a frame of téléinformation says of the series of its metering point.

Labels as in Enedis-NOI-CPT_54E, tables of the standard and of the historical mode. Per
tariff class registers are summed: the total is what every contract has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from kevre.collect.device import label
from kevre.collect.driver import Sample, Task
from kevre.collect.port import Port
from kevre.collect.tic import Decoder, Frame, Mode
from kevre.model.errors import Unavailable

IMPORT_INDEX = "consumption/energy/active/index"
EXPORT_INDEX = "production/energy/active/index"
IMPORT_POWER = "consumption/power/apparent/instant"
EXPORT_POWER = "production/power/apparent/instant"

# Path: registers whose sum it is. The first line whose labels are all there counts.
_STANDARD = (
    (IMPORT_INDEX, ("EAST",)),
    (EXPORT_INDEX, ("EAIT",)),
    (IMPORT_POWER, ("SINSTS",)),
    (EXPORT_POWER, ("SINSTI",)),
)
_HISTORICAL = (
    (IMPORT_INDEX, ("BASE",)),
    (IMPORT_INDEX, ("HCHC", "HCHP")),
    (IMPORT_INDEX, ("EJPHN", "EJPHPM")),
    (IMPORT_INDEX, ("BBRHCJB", "BBRHPJB", "BBRHCJW", "BBRHPJW", "BBRHCJR", "BBRHPJR")),
    (IMPORT_POWER, ("PAPP",)),
)
_SILENCE_S = 12.0  # no whole frame for so long: the meter may speak in the other mode
_MODES = {
    "both": (Mode.STANDARD, Mode.HISTORICAL),
    "standard": (Mode.STANDARD,),
    "historical": (Mode.HISTORICAL,),
}
_LABELS = {"usual": False, "all": True}


class Linky:
    """Listens to the customer port of one meter; finds out at which speed it speaks.

    Args:
        port: path of the serial port.
        modes: to try, one after the other, while no frame comes.
        in_detail: give every measured label, not only total registers and power.
    """

    listens = True

    def __init__(
        self, port: str, modes: tuple[Mode, ...], task: Task, *, in_detail: bool = False
    ) -> None:
        self._path = port
        self._modes = list(modes)
        self._clock = task.around.clock
        self._in_detail = in_detail
        self._decoder = Decoder()
        self._port: Port | None = None
        self._heard_s = 0.0

    def open(self) -> None:
        """Open the port at the speed that is up."""
        self._port = Port(self._path, self._modes[0].baud)
        self._heard_s = self._clock()

    def read(self) -> Iterator[Sample]:
        """Give what the newest whole frame says.

        Raises:
            Unavailable: the port has gone, or was silent for long: then the next speed is up.
        """
        if self._port is None:
            raise AssertionError("read after open")
        frames = self._decoder.feed(self._port.read())
        now_s = self._clock()
        if frames:
            self._heard_s = now_s
        for frame in frames:
            # The totals come first: of one series the first value of a period counts.
            yield from samples(frame)
            yield from label.samples(frame) if self._in_detail else ()
        # abs: a clock set back must not make silence last for years
        if abs(now_s - self._heard_s) > _SILENCE_S:
            self._modes.append(self._modes.pop(0))
            raise Unavailable(
                "port.silent",
                "nothing that can be read comes from the meter",
                hint="check the wires on I1 and I2 of the meter and the adapter",
            )

    def close(self) -> None:
        """Close the port."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def counts(self) -> Mapping[str, int]:
        """Give the counts of the decoder: a bad cable shows here first."""
        return asdict(self._decoder.counts)


def make(task: Task) -> Linky:
    """Make the driver of its options: port, mode, labels."""
    options = task.options
    spoken = options.choice("mode", _MODES, "both")
    labels = options.choice("labels", _LABELS, "usual")
    port = options.text("port")
    return Linky(port, _MODES[spoken], task, in_detail=labels == "all")


def samples(frame: Frame) -> Iterator[Sample]:
    """Give total registers and power, for what the frame holds whole.

    Energies are in Wh, apparent powers in VA. A register of which one class is missing
    from the frame gives nothing, rather than a total that falls.

    Args:
        frame: a decoded frame; its values are of the instant it was received, for the
            meter's own clock drifts by minutes.
    """
    table = _STANDARD if frame.mode is Mode.STANDARD else _HISTORICAL
    seen: set[str] = set()
    for path, labels in table:
        total = _total(frame, labels)
        if total is not None and path not in seen:
            seen.add(path)
            yield Sample(path, (total, 0))


def _total(frame: Frame, labels: tuple[str, ...]) -> int | None:
    texts = [value.text for label in labels if (value := frame.labels.get(label)) is not None]
    if len(texts) < len(labels) or not all(text.isdecimal() for text in texts):
        return None
    return sum(int(text) for text in texts)

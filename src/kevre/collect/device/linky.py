"""What a frame of téléinformation says of the series of its metering point.

Labels as in Enedis-NOI-CPT_54E, tables of the standard and of the historical mode. Per
tariff class registers are summed: the total is what every contract has.
"""

from __future__ import annotations

from collections.abc import Iterator

from kevre.collect.tic import Frame, Mode
from kevre.model.reading import Reading

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


def readings(frame: Frame, at_s: int) -> Iterator[tuple[str, Reading]]:
    """Give (path of the series, reading) for what the frame holds whole.

    Energies are in Wh, apparent powers in VA. A register of which one class is missing
    from the frame gives nothing, rather than a total that falls.

    Args:
        frame: a decoded frame.
        at_s: when it was received [epoch s]; the meter's own clock drifts by minutes.
    """
    table = _STANDARD if frame.mode is Mode.STANDARD else _HISTORICAL
    seen: set[str] = set()
    for path, labels in table:
        total = _total(frame, labels)
        if total is not None and path not in seen:
            seen.add(path)
            yield path, Reading(at_s, 0, (total, 0))


def is_index(path: str) -> bool:
    """Say whether a path names a register, which needs reading less often than a power."""
    return path in {IMPORT_INDEX, EXPORT_INDEX}


def _total(frame: Frame, labels: tuple[str, ...]) -> int | None:
    texts = [value.text for label in labels if (value := frame.labels.get(label)) is not None]
    if len(texts) < len(labels) or not all(text.isdecimal() for text in texts):
        return None
    return sum(int(text) for text in texts)

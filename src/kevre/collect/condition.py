"""How the devices of a collector stand: for the status, and for the node."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from kevre.model.errors import Malformed


class Condition(StrEnum):
    """How a device stands, for the person who looks after it."""

    STARTING = "starting"  # nothing came from it yet, or since it came back
    RUNNING = "running"  # the last read went well
    FAILING = "failing"  # the last read failed; it is tried again
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class DeviceState:
    """How one device stands and what it met since the collector started.

    Attributes:
        readings: given to the spool.
        failures: reads or openings that failed; each is followed by a new opening.
        error: code, sentence and remedy of the last failure; stays after it was overcome.
        error_at_s: when that was [epoch s]; 0 for never.
        reading_at_s: when the last reading was [epoch s]; 0 for never.
        counts: what the driver itself counts, such as checksum errors.
    """

    name: str
    driver: str
    condition: Condition = Condition.STARTING
    readings: int = 0
    failures: int = 0
    error: str = ""
    error_at_s: int = 0
    reading_at_s: int = 0
    counts: dict[str, int] = field(default_factory=dict)


def encode_states(states: Iterable[DeviceState]) -> str:
    """Write states as JSON: a list of objects with the names of the attributes."""
    return json.dumps([asdict(state) for state in states], ensure_ascii=False)


def decode_states(text: str) -> tuple[DeviceState, ...]:
    """Read what `encode_states` wrote.

    Raises:
        Malformed: it is something else.
    """
    try:
        return tuple(
            DeviceState(**one | {"condition": Condition(one["condition"])})
            for one in json.loads(text)
        )
    except (ValueError, TypeError, KeyError) as error:
        raise Malformed("device.states", "these are no states of devices") from error


def device_lines(states: Iterable[DeviceState]) -> Iterator[str]:
    """Say for a person how each device stands: one line, and one more for its last error."""
    for state in states:
        counts = "".join(f", {count} {name}" for name, count in sorted(state.counts.items()))
        heard = f", last {instant_text(state.reading_at_s)}" if state.reading_at_s else ""
        yield (
            f"device {state.name} ({state.driver}): {state.condition}, "
            f"{state.readings} readings{heard}, {state.failures} failures{counts}"
        )
        if state.error:
            yield f"  last error {instant_text(state.error_at_s)}: {state.error}"


def instant_text(at_s: int) -> str:
    """Write an instant for a person, in UTC."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

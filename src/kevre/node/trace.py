"""The life of one reading as lines for an operator, with the seal it lies under."""

from __future__ import annotations

from datetime import UTC, datetime

from kevre.federate import identity, provenance
from kevre.flow import trace
from kevre.flow.way import Way
from kevre.model import identifier
from kevre.model.errors import Missing
from kevre.node.config import Config
from kevre.places.series import Series


def lines(config: Config, way: Way, urn: str, at: datetime) -> list[str]:
    """Tell the life of the reading of a series whose interval holds an instant.

    Raises:
        Missing: there is no such series or reading.
        Malformed: the name is none.
    """
    now = datetime.now(UTC)
    name = str(identifier.parse(urn))
    series = Series.objects.select_related("point__site", "source__peer").filter(urn=name).first()
    if series is None:
        raise Missing("series.absent", "there is no such series", where=name)
    found = trace.life(way.store, way.door, series, at, now=now)
    sealed = provenance.told(
        series,
        int(found.start.timestamp()),
        identity.hold(config.home),
        lambda window: trace.raw(way.door, series, window, now=now),
    )
    steps = [*found.steps, trace.Step(None, sealed)]
    return [name, f"the reading that starts {found.start.isoformat()}", *map(_line, steps)]


def _line(step: trace.Step) -> str:
    return f"{step.at:%Y-%m-%d %H:%M:%S}  {step.what}" if step.at else f"{'':19}  {step.what}"

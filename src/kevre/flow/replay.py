"""Replay: readings that were in quarantine enter by the gate, after their cause was mended.

Every line of a part is resolved after the gate has the part on disk: a crash between brings the
same readings again, which is no change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from kevre.flow import quarantine
from kevre.flow.accept import Gate, Writer
from kevre.flow.quarantine import Quarantined, Wanted
from kevre.flow.tray import in_unit
from kevre.model import identifier
from kevre.model.batch import Batch, Column, ColumnBuilder

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Mending:
    """What is different this time; what is empty stays as it was.

    Attributes:
        urn: the series that the readings belong to.
        unit: in which they were measured, whatever was said.
        is_doubtful: values beyond what is believed are kept, as doubtful.
    """

    urn: str = ""
    unit: str = ""
    is_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the lines: readings that entered, those that went back, with new lines."""

    lines: int
    entered: int
    returned: int


def replay(gate: Gate, wanted: Wanted, mending: Mending, *, now_s: int) -> Replayed:
    """Let the readings of quarantined lines in; each line once.

    Raises:
        Malformed: the unit or the series of the mending makes no sense.
    """
    lines = entered = returned = 0
    last = wanted.lines.order_by("-pk").values_list("pk", flat=True).first() or 0
    while part := _part(wanted, last):
        for origin, group in _by_origin(part):
            batch = _batch(origin, group, mending)
            writer = replace(Writer.operator(origin), takes_doubtful=mending.is_doubtful)
            receipt = gate.accept(batch, writer, now_s=now_s)
            entered += receipt.kept
            returned += len(receipt.quarantined)
        quarantine.resolve(part, datetime.fromtimestamp(now_s, UTC))
        lines += len(part)
    return Replayed(lines, entered, returned)


def _part(wanted: Wanted, last: int) -> list[Quarantined]:
    """Give the next lines that hold readings; what a replay puts back is not among them."""
    return list(wanted.lines.filter(pk__lte=last).exclude(held=b"").order_by("pk")[:_AT_ONCE])


def _by_origin(part: Sequence[Quarantined]) -> Iterator[tuple[str, list[Quarantined]]]:
    groups: dict[str, list[Quarantined]] = defaultdict(list)
    for one in part:
        groups[one.origin].append(one)
    yield from groups.items()


def _batch(origin: str, group: Sequence[Quarantined], mending: Mending) -> Batch:
    """Make one batch of lines; of two readings of one instant the later line's stands."""
    builders: dict[tuple[str, str], ColumnBuilder] = {}
    for line in group:
        column = _mended(quarantine.unpack(bytes(line.held)), mending)
        key = column.series, column.kind.unit
        builder = builders.setdefault(key, ColumnBuilder(column.series, column.kind))
        for reading in column.readings():
            builder.add(reading, line=line.line)
    columns = tuple(builder.build() for builder in builders.values())
    name = f"replay:{group[0].pk}:{group[-1].pk}"
    return Batch(origin, name, columns, source=group[0].source)


def _mended(column: Column, mending: Mending) -> Column:
    series = str(identifier.parse(mending.urn)) if mending.urn else column.series
    kind = column.kind
    if mending.urn:
        kind = identifier.parse(series).kind or kind
    if not mending.unit and kind == column.kind:
        return replace(column, series=series)
    said = mending.unit or column.kind.unit
    builder = ColumnBuilder(series, kind)
    for one in column.readings():
        value = None if one.value is None else in_unit(one.value, said, kind.unit)
        builder.add(replace(one, value=value))
    return builder.build()

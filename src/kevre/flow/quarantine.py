"""Quarantine: what could not be kept, with its reason and, where there are any, its readings.

A person mends the cause and has the readings replayed: they enter by the gate like everything
else. A line is resolved after the gate has its readings on disk; what still cannot be kept
lies in a new line, with the reason of that day. What was no reading, such as a line of a file
that cannot be read, has nothing to replay: send the mended file again.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import cbor2
from django.db import models
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from kevre.model.batch import Batch, Column
from kevre.model.reading import Fault
from kevre.model.series import Direction, Fluid, Kind, Statistic

# Beyond this the readings of one line are not kept, only counted: send them again.
MOST_HELD = 100_000
# How long a line that was dealt with can still be looked at.
KEPT = timedelta(days=180)


class Quarantined(models.Model):
    """One fault of one batch. The same fault of the same batch is kept once.

    Attributes:
        urn: of the series that the readings are of; empty where it is not known.
        count: of the readings at fault.
        held: the readings, see `pack`; empty where there are none, or too many.
    """

    origin = models.CharField(max_length=80)
    batch_key = models.CharField(max_length=80)
    source = models.CharField(max_length=300, blank=True)
    line = models.BigIntegerField(default=0)
    code = models.CharField(max_length=60)
    field = models.CharField(max_length=80, blank=True)
    message = models.CharField(max_length=300)
    hint = models.CharField(max_length=300, blank=True)
    raw = models.CharField(max_length=200, blank=True)
    urn = models.CharField(max_length=200, blank=True, db_index=True)
    count = models.BigIntegerField(default=0)
    held = models.BinaryField(default=b"")
    received_at = models.DateTimeField(db_index=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("quarantined reading")
        verbose_name_plural = _("quarantine")
        ordering = ("-received_at", "line")
        constraints = (
            models.UniqueConstraint(
                fields=("origin", "batch_key", "line", "code", "field", "urn"),
                name="quarantined_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.source}:{self.line} {self.code}"


@dataclass(frozen=True, slots=True)
class Held:
    """A fault, and the readings that it keeps out."""

    fault: Fault
    column: Column | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Open lines of one origin with one reason and one series."""

    origin: str
    code: str
    urn: str
    lines: int
    count: int
    can_replay: bool
    newest: Quarantined


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are meant; what is empty means any.

    Attributes:
        series: a part of the name of a series.
        urn: the whole name, which may be empty; None for any.
    """

    origin: str = ""
    code: str = ""
    series: str = ""
    urn: str | None = None

    @property
    def lines(self) -> QuerySet[Quarantined]:
        """Give the open lines."""
        found = Quarantined.objects.filter(resolved_at__isnull=True)
        if self.origin:
            found = found.filter(origin=self.origin)
        if self.code:
            found = found.filter(code=self.code)
        if self.urn is not None:
            found = found.filter(urn=self.urn)
        return found.filter(urn__contains=self.series) if self.series else found


def keep(batch: Batch, origin: str, found: Iterable[Held], now_s: int) -> None:
    """Keep the faults of a batch for a person to mend; the same fault is kept once."""
    at = datetime.fromtimestamp(now_s, UTC)
    Quarantined.objects.bulk_create(
        (
            Quarantined(
                origin=origin,
                batch_key=batch.key,
                source=batch.source[:300],
                line=one.fault.line,
                code=one.fault.code,
                field=one.fault.field[:80],
                message=one.fault.message[:300],
                hint=one.fault.hint[:300],
                raw=one.fault.raw[:200].replace("\x00", "�"),
                urn=one.column.series if one.column else "",
                count=len(one.column) if one.column else 0,
                held=pack(one.column) if one.column and len(one.column) <= MOST_HELD else b"",
                received_at=at,
            )
            for one in found
        ),
        ignore_conflicts=True,
        batch_size=200,
    )


def groups(wanted: Wanted, limit: int) -> list[Group]:
    """Give the open lines together, those with the newest line first."""
    rows = (
        wanted.lines.order_by()
        .values("origin", "code", "urn")
        .annotate(
            lines=Count("pk"),
            readings=Sum("count"),
            last=Max("pk"),
            replayable=Count("pk", filter=~Q(held=b"")),
        )
        .order_by("-last")[:limit]
    )
    newest = Quarantined.objects.defer("held").in_bulk([row["last"] for row in rows])
    return [
        Group(
            row["origin"],
            row["code"],
            row["urn"],
            row["lines"],
            row["readings"] or 0,
            bool(row["replayable"]),
            newest[row["last"]],
        )
        for row in rows
    ]


def forget(wanted: Wanted, now: datetime) -> int:
    """Let lines go for good; their readings are deleted. Count them."""
    return wanted.lines.update(resolved_at=now, held=b"")


def resolve(lines: Sequence[Quarantined], now: datetime) -> None:
    """Call lines dealt with: the gate has what they held."""
    Quarantined.objects.filter(pk__in=[one.pk for one in lines]).update(resolved_at=now, held=b"")


def let_go(now: datetime) -> int:
    """Delete lines that were dealt with longer ago than KEPT; count them."""
    count, _each = Quarantined.objects.filter(resolved_at__lt=now - KEPT).delete()
    return count


def erase(urn: str) -> int:
    """Delete every line of a series with its readings, resolved or not; count them."""
    count, _each = Quarantined.objects.filter(urn=urn).delete()
    return count


def split(column: Column, bad: Mapping[int, Fault]) -> tuple[Column, Iterator[Held]]:
    """Give the sound part of a column, and each reading at fault by itself."""
    sound = cut(column, [at for at in range(len(column)) if at not in bad])
    return sound, (Held(fault, cut(column, [at])) for at, fault in bad.items())


def cut(column: Column, places: Sequence[int]) -> Column:
    """Give some readings of a column."""
    return replace(
        column,
        start_s=array("q", (column.start_s[at] for at in places)),
        step_s=array("i", (column.step_s[at] for at in places)),
        value=array("q", (column.value[at] for at in places)),
        quality=array("B", (column.quality[at] for at in places)),
        line=array("i"),
    )


def pack(column: Column) -> bytes:
    """Write a column small: CBOR of its kind and its buffers, little-endian, deflated."""
    kind = column.kind
    told = [kind.fluid.value, kind.quantity, kind.direction.value, kind.statistic.value, kind.unit]
    parts = [column.start_s, column.step_s, column.value, column.quality]
    body = [column.series, told, column.exponent, *(part.tobytes() for part in parts)]
    return zlib.compress(cbor2.dumps(body))


def unpack(held: bytes) -> Column:
    """Read what `pack` wrote."""
    series, told, exponent, *parts = cbor2.loads(zlib.decompress(held))
    fluid, quantity, direction, statistic, unit = told
    kind = Kind(Fluid(fluid), quantity, Direction(direction), Statistic(statistic), unit)
    columns = [array(code, part) for code, part in zip("qiqB", parts, strict=True)]
    return Column(series, kind, exponent, *columns)

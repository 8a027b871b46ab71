"""The one gate in: every batch of every origin enters here.

It checks that the writer may write each series, keeps the good readings with their change
log in one transaction, quarantines the rest with its reason, and only then acknowledges.
The quarantine is written first: its lines are idempotent, so a repetition after a crash
finds them there.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from kevre.flow import quarantine
from kevre.flow.arrival import Arrival, Arrivals
from kevre.flow.live import Hub
from kevre.flow.quarantine import Held
from kevre.flow.register import Registrar
from kevre.model import identifier
from kevre.model.batch import Batch, Column
from kevre.model.errors import KevreError, Malformed, Refused, Unavailable
from kevre.model.quality import Quality
from kevre.model.reading import Fault
from kevre.places.series import Series
from kevre.places.site import Site
from kevre.places.source import Source
from kevre.quality.plausible import BEYOND, implausible
from kevre.rights.key import Key
from kevre.store import Store, Written

# A clock may be a little ahead; a reading from next week is a mistake.
FUTURE_TOLERANCE_S = 86_400
# What happened longer ago than this is history, not news for open pages.
_NEWS_S = 3_600


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, and what they may write.

    Attributes:
        origin: name of the origin; never a person's.
        points: URNs of the metering points it may write; None for any.
        may_register: whether series unknown so far are entered in the registry.
        site: where newly registered points stand.
        source: what newly registered series say of their origin.
        own_series: whether it only writes series that it brought: those of its source.
        prefixes: beginnings of the paths it may write; none for all.
        takes_doubtful: whether values beyond what is believed are kept, as doubtful: a person
            looked at them.
    """

    origin: str
    points: frozenset[str] | None
    may_register: bool = False
    site: Site | None = None
    source: Source | None = None
    own_series: bool = False
    prefixes: tuple[str, ...] = ()
    takes_doubtful: bool = False

    @classmethod
    def of_key(cls, key: Key) -> Writer:
        """Give the writer that a key stands for: its own points, nothing else."""
        urns = frozenset(key.points.values_list("urn", flat=True))
        prefixes = tuple(map(str, key.prefixes))
        return cls(f"key:{key.name}", urns, may_register=True, prefixes=prefixes)

    @classmethod
    def peer(cls, origin: str, site: Site | None, source: Source) -> Writer:
        """Give the writer of another node: what it brought first, and nothing of anybody else."""
        return cls(origin, None, may_register=True, site=site, source=source, own_series=True)

    @classmethod
    def operator(
        cls, origin: str, site: Site | None = None, source: Source | None = None
    ) -> Writer:
        """Give the writer of an import by an operator, who may write and register anything."""
        return cls(origin, None, may_register=True, site=site, source=source)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender is told: every reading is kept or in quarantine.

    `kept` counts new, changed and unchanged readings; a repetition keeps all, changes none.
    """

    kept: int
    changed: int
    same: int
    quarantined: tuple[Fault, ...]

    @classmethod
    def empty(cls) -> Receipt:
        """Give the receipt of nothing, to add to."""
        return cls(0, 0, 0, ())

    def __add__(self, other: Receipt) -> Receipt:
        """Give the receipt of both."""
        return Receipt(
            self.kept + other.kept,
            self.changed + other.changed,
            self.same + other.same,
            self.quarantined + other.quarantined,
        )


class Gate:
    """The gate over one store."""

    def __init__(self, store: Store, hub: Hub) -> None:
        self._store = store
        self._hub = hub
        self._arrivals = Arrivals()

    def accept(self, batch: Batch, writer: Writer, *, now_s: int) -> Receipt:
        """Keep what can be kept of a batch; durable when it returns.

        Raises:
            Unavailable: the store cannot write now; nothing was kept, send it again.
        """
        held = [Held(fault) for fault in batch.faults]
        columns = self._admit(batch.columns, writer, held, now_s)
        quarantine.keep(batch, writer.origin, held, now_s)
        written = self._store.write(
            [(series.pk, column) for series, column in columns],
            batch=f"{writer.origin}:{batch.key}",
            now_s=now_s,
        )
        late = list(_late(written, columns))
        quarantine.keep(batch, writer.origin, late, now_s)
        receipt = _receipt(written, tuple(one.fault for one in (*held, *late)))
        self._arrivals.note(_arrival(batch, writer.origin, receipt, now_s))
        self._tell(columns, now_s)
        return receipt

    def _admit(
        self, columns: Iterable[Column], writer: Writer, held: list[Held], now_s: int
    ) -> list[tuple[Series, Column]]:
        registrar = Registrar(self._store, writer.site, writer.source)
        admitted: list[tuple[Series, Column]] = []
        for column in columns:
            try:
                series = _find(column, writer, registrar)
            except Unavailable:
                # No fault of the readings: the sender keeps them, and comes again.
                raise
            except KevreError as error:
                fault = replace(Fault.of(error, field="n"), raw=_summary(column))
                held.append(Held(fault, column))
                continue
            sound, bad = _sound(column, writer, now_s)
            held.extend(bad)
            if len(sound):
                admitted.append((series, sound))
        return admitted

    def _tell(self, columns: Sequence[tuple[Series, Column]], now_s: int) -> None:
        for series, column in columns:
            last = len(column) - 1
            is_news = now_s - column.start_s[last] < _NEWS_S
            if is_news and column.quality[last] != Quality.MISSING:
                value = column.value[last] * 10.0**column.exponent
                self._hub.publish(series.pk, column.start_s[last], value)


def _find(column: Column, writer: Writer, registrar: Registrar) -> Series:
    """Find the series of a column in the registry, or enter it if the writer may."""
    name = identifier.parse(column.series)
    if writer.points is not None and name.point not in writer.points:
        raise Refused(
            "series.not_yours",
            "this key does not write that metering point",
            hint="ask the node's operator to add the point to the key",
        )
    if writer.prefixes and not name.path.startswith(writer.prefixes):
        raise Refused(
            "series.not_in_scope",
            "this key does not write that quantity",
            hint="ask the node's operator to widen the key",
        )
    known = registrar.find(name)
    if known is None and not writer.may_register:
        raise Malformed("series.unknown", "no such series", hint="register it first")
    if known is not None and writer.own_series and known.source != writer.source:
        raise Refused(
            "series.of_another",
            "this series came from somebody else first",
            hint="two nodes measure under one name: give one of them another",
        )
    series = known or registrar.register(name, column)
    if series.unit != column.kind.unit or series.statistic != column.kind.statistic:
        raise Malformed(
            "series.other_kind",
            f"the series is {series.statistic} in {series.unit}, "
            f"the readings are {column.kind.statistic} in {column.kind.unit}",
            hint="send them under the identifier of their own quantity",
        )
    return series


def _sound(column: Column, writer: Writer, now_s: int) -> tuple[Column, list[Held]]:
    """Split off what cannot be true: readings from the future, values beyond physics."""
    bad = implausible(column, latest_s=now_s + FUTURE_TOLERANCE_S)
    if not bad:
        return column, []
    if writer.takes_doubtful:
        beyond = [at for at, fault in bad.items() if fault.code == BEYOND]
        column = _doubted(column, beyond)
        bad = {at: fault for at, fault in bad.items() if fault.code != BEYOND}
    sound, held = quarantine.split(column, bad)
    return sound, list(held)


def _doubted(column: Column, places: Iterable[int]) -> Column:
    """Give a column some of whose readings are doubtful."""
    quality = array("B", column.quality)
    for at in places:
        quality[at] = Quality.DOUBTFUL
    return replace(column, quality=quality)


def _late(written: Written, columns: Sequence[tuple[Series, Column]]) -> Iterator[Held]:
    """Give what the store could not keep, each with its reading."""
    by_series = {series.pk: column for series, column in columns}
    for key, start_s, fault in written.refused:
        column = by_series.get(key)
        at = column.start_s.index(start_s) if column and start_s in column.start_s else None
        yield Held(fault, None if column is None or at is None else quarantine.cut(column, [at]))


def _summary(column: Column) -> str:
    return f"{len(column)} readings of …{column.series[-60:]}"


def _receipt(written: Written, faults: tuple[Fault, ...]) -> Receipt:
    kept = written.new + written.changed + written.same
    return Receipt(kept, written.new + written.changed, written.same, faults)


def _arrival(batch: Batch, origin: str, receipt: Receipt, now_s: int) -> Arrival:
    return Arrival(
        origin=origin,
        key=batch.key,
        source=batch.source[:300],
        received_at=datetime.fromtimestamp(now_s, UTC),
        kept=receipt.kept,
        changed=receipt.changed,
        quarantined=len(receipt.quarantined),
    )

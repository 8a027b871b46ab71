"""What parsers share: gathering readings into batches of bounded size, and their faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from kevre.model import identifier
from kevre.model.batch import Batch, ColumnBuilder
from kevre.model.errors import KevreError, Malformed
from kevre.model.reading import Fault, Reading
from kevre.model.series import Kind

LARGEST = 50_000
_MOST_FAULTS = 1_000


@dataclass(frozen=True, slots=True)
class Hints:
    """What a person knows of a file that the file does not say."""

    prm: str | None = None
    series: str | None = None
    zone: ZoneInfo | None = None
    unit: str | None = None
    stamp: Literal["start", "end"] | None = None


@dataclass(slots=True)
class Gathering:
    """Collects readings and faults of one file, and gives them on as batches.

    Of many faults the first thousand are kept one by one, the others counted in one more.
    """

    origin: str
    key: str
    source: str
    uncounted: int = 0
    _builders: dict[str, ColumnBuilder] = field(default_factory=dict)
    _faults: list[Fault] = field(default_factory=list)
    _told: int = 0
    _batches: int = 0

    def add(self, path: str, point: str, reading: Reading, line: int) -> None:
        """Take one reading of the series `point` + `path`."""
        name = f"{point}_{path}"
        builder = self._builders.get(name)
        if builder is None:
            builder = self._builders[name] = ColumnBuilder(name, _kind(path))
        builder.add(reading, line=line)

    def fault(self, error: KevreError | Fault, *, line: int, field: str, raw: str = "") -> None:
        """Take the fault of one line."""
        if self._told >= _MOST_FAULTS:
            self.uncounted += 1
            return
        self._told += 1
        fault = (
            error if isinstance(error, Fault) else Fault.of(error, line=line, field=field, raw=raw)
        )
        self._faults.append(fault)

    def full(self) -> Iterator[Batch]:
        """Give a batch when enough was collected."""
        if sum(map(len, self._builders.values())) >= LARGEST:
            yield self._batch()

    def rest(self, torn: str = "") -> Iterator[Batch]:
        """Give what is left; `torn` says why the file ends too early."""
        if torn:
            self._faults.append(
                Fault(
                    "file.torn",
                    f"the file ends before it should: {torn}",
                    hint="fetch it again; what came before is kept",
                    raw=self.source,
                )
            )
        if self.uncounted:
            said = f"{self.uncounted} more lines have faults"
            self._faults.append(Fault("file.more_faults", said, hint="mend the first ones"))
        if self._builders or self._faults or not self._batches:
            yield self._batch()

    def _batch(self) -> Batch:
        self._batches += 1
        columns = tuple(column for b in self._builders.values() if len(column := b.build()))
        repeated = [fault for builder in self._builders.values() for fault in builder.faults]
        faults = (*self._faults, *repeated)
        self._builders.clear()
        self._faults.clear()
        return Batch(self.origin, f"{self.key}.{self._batches}", columns, faults, self.source)


def _kind(path: str) -> Kind:
    kind = identifier.kind_of(path)
    if kind is None:
        raise Malformed("identifier.kind", "the path of this series is not known")
    return kind

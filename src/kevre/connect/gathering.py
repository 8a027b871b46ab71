"""What parsers share: gathering readings into batches of bounded size, and their faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal
from zoneinfo import ZoneInfo

from kevre.connect.cipher import Key
from kevre.connect.gathered import Block, Gathered
from kevre.model import exact, identifier
from kevre.model.batch import Batch
from kevre.model.errors import KevreError, Malformed
from kevre.model.quality import Quality
from kevre.model.reading import Fault
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
    direction: Literal["consumption", "production"] | None = None
    keys: tuple[Key, ...] = ()


@dataclass(slots=True)
class Gathering:
    """Collects readings and faults of one file, and gives them on as batches.

    Of many faults the first thousand are kept one by one, the others counted in one more.
    """

    origin: str
    key: str
    source: str
    uncounted: int = 0
    _series: dict[tuple[str, str], Gathered] = field(default_factory=dict)
    _faults: list[Fault] = field(default_factory=list)
    _told: int = 0
    _added: int = 0
    _batches: int = 0

    def add(
        self,
        path: str,
        point: str,
        start_s: int,
        step_s: int,
        value: exact.Exact | None,
        *,
        line: int,
        quality: int = Quality.MEASURED,
    ) -> None:
        """Take one reading of the series `point` + `path`; None is a missing one."""
        self._of(path, point).add(start_s, step_s, value, line, quality)
        self._added += 1

    def extend(self, path: str, point: str, block: Block) -> None:
        """Take many readings of the series `point` + `path` at once."""
        self._of(path, point).extend(block)
        self._added += len(block.start_s)

    def _of(self, path: str, point: str) -> Gathered:
        gathered = self._series.get((point, path))
        if gathered is None:
            gathered = Gathered(f"{point}_{path}", _kind(path))
            self._series[(point, path)] = gathered
        return gathered

    def fault(
        self, error: KevreError | Fault, *, line: int = 0, field: str = "", raw: str = ""
    ) -> None:
        """Take the fault of one line."""
        if self._told >= _MOST_FAULTS:
            self.uncounted += 1
            return
        self._told += 1
        fault = (
            error if isinstance(error, Fault) else Fault.of(error, line=line, field=field, raw=raw)
        )
        self._faults.append(fault)

    @property
    def is_full(self) -> bool:
        """Say whether enough was collected for a batch."""
        return self._added >= LARGEST

    @property
    def is_empty(self) -> bool:
        """Say whether nothing was collected, ever."""
        return not (self._series or self._faults or self._batches)

    def rest(self, ending: Malformed | None = None) -> Iterator[Batch]:
        """Give what is left; `ending` says why the file ended too early, if it did."""
        if ending is not None:
            self._faults.append(Fault.of(ending, field=ending.where))
        # Building the last batch may find faults itself, so what is uncounted is known after.
        if self._series or self._faults or self.uncounted or not self._batches:
            yield self._with_summary(self.batch())

    def _with_summary(self, batch: Batch) -> Batch:
        if not self.uncounted:
            return batch
        said = f"{self.uncounted} more lines have faults"
        summary = Fault("file.more_faults", said, hint="mend the first ones")
        return replace(batch, faults=(*batch.faults, summary))

    def batch(self) -> Batch:
        """Make a batch of what was collected, and start anew."""
        self._batches += 1
        columns = []
        for gathered in self._series.values():
            column, bad = gathered.column()
            for fault in bad:
                self.fault(fault)
            if len(column):
                columns.append(column)
        faults = tuple(self._faults)
        self._series.clear()
        self._faults.clear()
        self._added = 0
        key = f"{self.key}.{self._batches}"
        return Batch(self.origin, key, tuple(columns), faults, self.source)


def _kind(path: str) -> Kind:
    kind = identifier.kind_of(path)
    if kind is None:
        raise Malformed("identifier.kind", "the path of this series is not known")
    return kind

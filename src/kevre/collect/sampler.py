"""Which of the values that devices give become readings: the first of each period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kevre.collect.driver import Sample
from kevre.model.errors import Malformed
from kevre.model.identifier import kind_of
from kevre.model.reading import Reading
from kevre.model.series import Statistic


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a series gets a reading [s]; a register needs fewer."""

    every_s: int = 5
    index_s: int = 60

    def of(self, path: str) -> int:
        """Give the period of one series."""
        kind = kind_of(path)
        if kind is not None and kind.statistic is Statistic.REGISTER:
            return max(self.every_s, self.index_s)
        return self.every_s


@dataclass(slots=True)
class Sampler:
    """Chooses, from values that may come every second, the readings worth sending.

    Time is cut into periods since the epoch; the first value in a period gives its reading,
    stamped with its own second. A value with an instant of its own is given once.

    Args:
        point: URN that the series stand below.
    """

    point: str
    pace: Pace
    _period: dict[str, int] = field(default_factory=dict)

    def due(self, samples: Iterable[Sample], now_s: int) -> Iterator[tuple[str, Reading]]:
        """Give (URN, reading) of the series whose period is new.

        Raises:
            Malformed: a path does not tell its kind; a driver gave what no series is.
        """
        for sample in samples:
            urn = sample.urn(self.point)
            if kind_of(sample.path) is None:
                raise unknown(sample.path)
            every_s = self.pace.of(sample.path)
            period = now_s // every_s if sample.start_s is None else sample.start_s
            if self._period.get(urn) == period:
                continue
            self._period[urn] = period
            yield urn, sample.reading(now_s)


def unknown(path: str) -> Malformed:
    """Make the error of a path that is no series."""
    return Malformed(
        "device.series",
        f"{path[:60]!r} is no series known here",
        hint="use a path such as consumption/energy/active/index: docs/users/device.md",
    )

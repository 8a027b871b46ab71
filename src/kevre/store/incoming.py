"""Readings on their way in: the columns of one or several writes as few long arrays.

A night brings a hundred thousand columns of 48 readings: what is done to each of them in
Python is done a hundred thousand times, so as little as possible is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kevre.model.batch import Column
from kevre.model.errors import Malformed
from kevre.store.result import Bytes, Ints, Longs


@dataclass(frozen=True, slots=True, eq=False)
class Incoming:
    """Readings in parts, one for each column.

    Attributes:
        job: int64, shape (m,): number of the write that brought the part.
        series: int64, shape (m,).
        exponent: int64, shape (m,): of its values.
        bounds: int64, shape (m+1,): readings of part i lie at bounds[i]:bounds[i+1].
        start_s, step_s, value, quality: shape (n,), as in a column.
    """

    job: Longs
    series: Longs
    exponent: Longs
    bounds: Longs
    start_s: Longs
    step_s: Ints
    value: Longs
    quality: Bytes

    def __len__(self) -> int:
        """Count the readings."""
        return len(self.start_s)

    @property
    def counts(self) -> Longs:
        """Count the readings of each part."""
        return np.diff(self.bounds)

    @property
    def part(self) -> Longs:
        """Give the number of the part of each reading."""
        return np.repeat(np.arange(len(self.series)), self.counts)

    def only(self, kept: NDArray[np.bool_]) -> Incoming:
        """Give the readings where `kept` is true, without the parts that lose all."""
        before = np.concatenate(([0], np.cumsum(kept)))
        bounds = before[self.bounds]
        whole = np.diff(bounds) > 0
        return Incoming(
            self.job[whole],
            self.series[whole],
            self.exponent[whole],
            np.append(bounds[:-1][whole], bounds[-1]),
            self.start_s[kept],
            self.step_s[kept],
            self.value[kept],
            self.quality[kept],
        )

    def take(self, parts: Longs) -> Incoming:
        """Give some parts, in the order asked."""
        counts = self.counts[parts]
        bounds = np.concatenate(([0], np.cumsum(counts)))
        shift = np.repeat(self.bounds[:-1][parts] - bounds[:-1], counts)
        at = np.arange(bounds[-1]) + shift
        return Incoming(
            self.job[parts],
            self.series[parts],
            self.exponent[parts],
            bounds,
            self.start_s[at],
            self.step_s[at],
            self.value[at],
            self.quality[at],
        )


def of(columns: Sequence[tuple[int, Column]]) -> Incoming:
    """Put columns that are not empty side by side.

    Raises:
        Malformed: the readings of one are not in strictly increasing time.
    """
    count = len(columns)
    whole = [column for _, column in columns]
    lengths = np.fromiter((len(column.start_s) for column in whole), np.int64, count)
    incoming = Incoming(
        np.zeros(count, np.int64),
        np.fromiter((series for series, _ in columns), np.int64, count),
        np.fromiter((column.exponent for column in whole), np.int64, count),
        np.concatenate(([0], np.cumsum(lengths))),
        np.frombuffer(b"".join([column.start_s for column in whole]), np.int64),
        np.frombuffer(b"".join([column.step_s for column in whole]), np.int32),
        np.frombuffer(b"".join([column.value for column in whole]), np.int64),
        np.frombuffer(b"".join([column.quality for column in whole]), np.uint8),
    )
    is_late = incoming.start_s[1:] <= incoming.start_s[:-1]
    is_late[incoming.bounds[1:-1] - 1] = False
    if is_late.any():
        raise Malformed(
            "store.unordered",
            "the readings of a series are not in strictly increasing time",
            hint="build columns with ColumnBuilder",
        )
    return incoming


def waves(parts: Sequence[Incoming]) -> Iterator[Incoming]:
    """Deal the readings of several writes into groups by series, none twice in a group.

    The groups come in the order of writing, so that what was written later wins.
    """
    whole = _joined([replace(one, job=one.job + job) for job, one in enumerate(parts)])
    if (whole.series[1:] > whole.series[:-1]).all():
        if len(whole):
            yield whole
        return
    order = np.argsort(whole.series, kind="stable")
    series = whole.series[order]
    is_first = np.append(True, series[1:] != series[:-1])
    place = np.arange(len(order))
    turn = place - np.maximum.accumulate(np.where(is_first, place, 0))
    for number in range(int(turn.max()) + 1):
        yield whole.take(order[turn == number])


def _joined(parts: Sequence[Incoming]) -> Incoming:
    if len(parts) == 1:
        return parts[0]
    ends = np.cumsum([len(one) for one in parts])
    shifted = [one.bounds[1:] + end - len(one) for one, end in zip(parts, ends, strict=True)]
    return Incoming(
        np.concatenate([one.job for one in parts]),
        np.concatenate([one.series for one in parts]),
        np.concatenate([one.exponent for one in parts]),
        np.concatenate(([0], *shifted)),
        np.concatenate([one.start_s for one in parts]),
        np.concatenate([one.step_s for one in parts]),
        np.concatenate([one.value for one in parts]),
        np.concatenate([one.quality for one in parts]),
    )

"""Points of measurement in Enedis' coded words (v, d, p, n, iv), made into readings.

JSON of Data Connect, answers of SGE and files R6x say the same with the same words; the
readers of each know where the words stand, and this module what they mean.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise, zip_longest
from typing import Literal

from kevre.connect.enedis import names, value
from kevre.connect.enedis.stamp import Stamps, day_of, no_step, start_of
from kevre.connect.gathered import Block
from kevre.connect.gathering import Gathering, Hints
from kevre.model import identifier, step, unit, window
from kevre.model.errors import Malformed

_DATE_LENGTH = 10
_MOST_STEPS = 48
_DAILY_STEPS = frozenset({"", "P1D"})


class Form(StrEnum):
    """How the stamps of a list of points are meant."""

    CURVE = "curve"  # mean power of an interval, stamped at one of its ends
    DAILY = "daily"  # energy of the calendar day of the stamp
    PEAK = "peak"  # at the very instant of the stamp


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a list of points.

    Attributes:
        point: URN of the metering point.
        path: of the series.
        form: how its stamps are meant.
        shift: power of ten from its unit to the base unit.
        step_s: step of points that do not say their own; 0 if unknown.
    """

    point: str
    path: str
    form: Form
    shift: int
    step_s: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of points, a column for each word; columns of one length, or empty.

    Attributes:
        stamps: local times.
        texts: values as written.
        steps: ISO 8601 durations.
        natures: letters of how a value came about.
        doubts: indices of plausibility.
    """

    stamps: list[str]
    texts: list[str]
    steps: list[str] = field(default_factory=list)
    natures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def each(self) -> Iterator[tuple[str, ...]]:
        """Give the points one by one."""
        return zip_longest(
            self.stamps, self.texts, self.steps, self.natures, self.doubts, fillvalue=""
        )

    def qualities(self, count: int) -> list[int]:
        """Give the quality of each point."""
        known = set(zip_longest(self.natures, self.doubts, fillvalue="")) or {("", "")}
        if len(known) == 1:
            return [names.quality(*known.pop())] * count
        pairs = zip_longest(self.natures, self.doubts, fillvalue="")
        by_pair = {pair: int(names.quality(*pair)) for pair in known}
        return [by_pair[pair] for pair in pairs]


@dataclass(frozen=True, slots=True)
class _Starts:
    """Where the points of one list of stamps stand."""

    stamps: list[str]
    key: tuple[str, int]
    start_s: array[int]
    step_s: array[int]


def point_of(digits: str, hints: Hints) -> str:
    """Give the URN of a metering point; what a person says goes first.

    Raises:
        Malformed: not 14 digits.
    """
    if hints.series:
        return identifier.point(hints.series)
    return identifier.prm_point(hints.prm or digits.strip())


def heading(
    point: str, quantity: str, way: str, *, stage: str, symbol: str, step_text: str = ""
) -> Heading:
    """Give the heading of points whose quantity is a code; `EA` is then an energy a day.

    Raises:
        Malformed: quantity, direction, unit or step are not known.
    """
    if quantity == "PMA":
        path, form = names.maximum(way, symbol), Form.PEAK
    elif quantity == "EA":
        path, form = f"{names.direction(way)}/energy/active/daily", Form.DAILY
    else:
        path, form = names.coded_curve(quantity, way, stage), Form.CURVE
    kind = identifier.KINDS[path]
    step_s = step.seconds(step_text) if step_text and form is Form.CURVE else 0
    return Heading(point, path, form, unit.shift(symbol or kind.unit, kind.unit), step_s)


class Points:
    """Makes readings of points; one that cannot be read becomes a fault.

    Args:
        gathering: takes the readings and faults.
        hints: which zone naive stamps are in (Paris, if nothing is said), and which end of
            their interval they are.
        stamp: which end stamps are, where the source says or its kind tells; else the step
            tells: see docs/decisions/stamping.md.
    """

    def __init__(
        self, gathering: Gathering, hints: Hints, stamp: Literal["start", "end"] | None = None
    ) -> None:
        self._gathering = gathering
        self._stamp = hints.stamp or stamp
        self._stamps = Stamps(hints.zone or window.PARIS)
        self._steps: dict[str, int] = {}
        self._before: _Starts | None = None

    def restart(self) -> None:
        """Begin another list of points."""
        self._stamps.restart()

    def take(
        self, at: Heading, number: int, stamp: str, text: str, *, step_text: str, quality: int
    ) -> None:
        """Read one point; `number` is its line or its place in the source."""
        try:
            start_s, step_s = self._placed(at, stamp, step_text)
        except Malformed as error:
            self._gathering.fault(error, line=number, field="d", raw=f"{stamp};{text}")
            return
        try:
            known = value.read(text, at.shift)
        except Malformed as error:
            self._gathering.fault(error, line=number, field="v", raw=text)
            return
        self._gathering.add(at.path, at.point, start_s, step_s, known, line=number, quality=quality)

    def take_all(self, at: Heading, first: int, rows: Rows) -> None:
        """Read a whole list of points; `first` is the number of its first.

        Lists in order, with one step and whole values, as nearly all are, are read at once:
        see docs/performance.md.
        """
        self.restart()
        block = self._block(at, first, rows)
        if block is not None:
            self._gathering.extend(at.path, at.point, block)
            return
        self.restart()
        for n, (stamp, text, step_text, nature, doubt) in enumerate(rows.each()):
            quality = names.quality(nature, doubt)
            self.take(at, first + n, stamp, text, step_text=step_text, quality=quality)

    def _block(self, at: Heading, first: int, rows: Rows) -> Block | None:
        steps = set(rows.steps)
        digits = "".join(rows.texts)
        is_whole = digits.isdecimal() and digits.isascii() and "" not in rows.texts
        if at.form is not Form.CURVE or len(steps) > 1 or not is_whole or at.shift < 0:
            return None
        if max(map(len, rows.texts)) > value.EXACT_DIGITS - at.shift:
            return None
        starts = self._starts(at, rows.stamps, steps.pop() if steps else "")
        if starts is None:
            return None
        count, scale = len(starts.start_s), 10**at.shift
        return Block(
            starts.start_s,
            starts.step_s,
            array("q", [int(text) * scale for text in rows.texts]),
            array("B", rows.qualities(count)),
            array("i", range(first, first + count)),
        )

    def _starts(self, at: Heading, stamps: list[str], step_text: str) -> _Starts | None:
        """Place a list of stamps; that of the list before is kept, for days come again."""
        before, key = self._before, (step_text, at.step_s)
        if before is not None and before.key == key and before.stamps == stamps:
            return before
        try:
            placed = [self._placed(at, stamp, step_text) for stamp in stamps]
        except Malformed:
            return None
        start_s = array("q", [start for start, _ in placed])
        if any(a >= b for a, b in pairwise(start_s)):
            return None
        step_s = array("i", [step_s for _, step_s in placed])
        self._before = _Starts(stamps, key, start_s, step_s)
        return self._before

    def _placed(self, at: Heading, stamp: str, step_text: str) -> tuple[int, int]:
        if at.form is Form.CURVE:
            step_s = self._step_s(step_text) or at.step_s
            if not step_s:
                raise no_step()
            return start_of(self._stamps.read(stamp), step_s, self._stamp), step_s
        if at.form is Form.DAILY:
            if step_text not in _DAILY_STEPS:
                raise no_step()
            return day_of(stamp)
        if len(stamp) == _DATE_LENGTH:
            return day_of(stamp)[0], 0
        return self._stamps.read(stamp), 0

    def _step_s(self, text: str) -> int:
        if not text:
            return 0
        known = self._steps.get(text)
        if known is None:
            known = step.seconds(text)
            if len(self._steps) < _MOST_STEPS:
                self._steps[text] = known
        return known

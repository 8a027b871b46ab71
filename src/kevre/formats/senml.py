"""SenML (RFC 8428): what its JSON, CBOR and XML forms have in common.

Two labels are ours, which other readers ignore as section 4.4 says they may: `st`, the step
of an interval reading in seconds, with its base `bst`; and `q`, the quality, with its base
`bq`. Without `st`, the step of a mean or a sum is inferred from its neighbours.

Times are whole seconds here: fractions are cut. Of several readings within one second the
last is kept, and a fault says so.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from kevre.model import exact, identifier, unit
from kevre.model.batch import Batch, Column, ColumnBuilder
from kevre.model.errors import KevreError, Malformed
from kevre.model.quality import Quality
from kevre.model.reading import Fault, Reading
from kevre.model.series import Kind, Statistic
from kevre.model.window import EARLIEST_S, LATEST_S

Record = Mapping[str, Any]

MOST_RECORDS = 1_000_000
_RELATIVE = 2**28  # section 4.5.3: smaller times count from now
_VERSION = 10
_INTERVALS = frozenset({Statistic.MEAN, Statistic.SUM})
_LONGEST_STEP_S = 366 * 86_400
_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class Resolved:
    """One record with its bases applied (section 4.6).

    Attributes:
        at: absolute time [epoch s], with its fraction.
        value: None where there is none, as for a missing reading or a text.
    """

    line: int
    name: str
    unit: str
    at: Decimal
    value: Decimal | None
    is_text: bool = False
    step_s: int | None = None
    quality: Quality = Quality.MEASURED


@dataclass(slots=True)
class _Bases:
    """The base fields in force; `broken` are those that could not be read."""

    version: int = _VERSION
    name: str = ""
    at: Decimal = Decimal(0)
    unit: str = ""
    value: Decimal = Decimal(0)
    step_s: int | None = None
    quality: int = 0
    broken: set[str] = field(default_factory=set)

    def take(self, record: Record) -> None:
        """Apply the base fields of a record to it and all that follow.

        Raises:
            Malformed: one cannot be read, here or before: until it is given anew, a record
                that counts from it would be misread.
        """
        errors = [error for label in record if (error := self._take_one(str(label), record))]
        if errors:
            raise errors[0]
        if self.broken:
            raise Malformed(
                "senml.base",
                "a base field before this record could not be read",
                where=min(self.broken),
                hint="mend the record that the first such fault names",
            )

    def _take_one(self, label: str, record: Record) -> Malformed | None:
        self.broken.discard(label)
        try:
            if label.startswith("b") and label.endswith("_"):
                raise _not_understood(label)
            if label in _BASES:
                attribute, read = _BASES[label]
                setattr(self, attribute, read(record[label], label))
        except Malformed as error:
            self.broken.add(label)
            return error
        return None


def resolve(records: Iterable[object], now_s: int) -> Iterator[Resolved | Fault]:
    """Apply the base fields; give each record, or why it cannot be read.

    Args:
        records: as decoded, with the labels of the JSON form.
        now_s: what relative times count from [epoch s].
    """
    bases = _Bases()
    for line, record in enumerate(records, start=1):
        if line > MOST_RECORDS:
            yield Fault(
                "senml.too_many", f"more than {MOST_RECORDS} records", line, hint="split it"
            )
            return
        try:
            yield _resolve_one(record, bases, line, now_s)
        except KevreError as error:
            yield Fault.of(error, line=line, field=error.where, raw=_excerpt(record))


def _resolve_one(record: object, bases: _Bases, line: int, now_s: int) -> Resolved:
    if not isinstance(record, Mapping):
        raise Malformed("senml.record", "a record is an object", hint="see RFC 8428, section 4")
    bases.take(record)
    must = next((label for label in record if str(label).endswith("_")), None)
    if must is not None:
        raise _not_understood(str(must))
    at = bases.at + _number(record.get("t", 0), "t")
    value = record.get("v")
    quality = _quality(record["q"], "q") if "q" in record else bases.quality
    return Resolved(
        line,
        bases.name + _text(record.get("n", ""), "n"),
        _text(record.get("u", bases.unit), "u"),
        at if at >= _RELATIVE else at + now_s,
        None if value is None else _number(value, "v") + bases.value,
        any(label in record for label in ("vs", "vb", "vd")),
        _step(record["st"], "st") if "st" in record else bases.step_s,
        Quality(quality),
    )


def batch(
    records: Iterable[object], *, now_s: int, origin: str, source: str, content: bytes
) -> Batch:
    """Make a batch of a pack; every record is in a column or named in a fault."""
    series: dict[str, _Gathered] = {}
    faults: list[Fault] = []
    for one in resolve(records, now_s):
        if isinstance(one, Fault):
            faults.append(one)
            continue
        try:
            _gather(one, series)
        except KevreError as error:
            faults.append(Fault.of(error, line=one.line, field=error.where, raw=one.name))
    columns = []
    for gathered in series.values():
        column, bad = gathered.column()
        faults.extend(bad)
        if len(column):
            columns.append(column)
    key = hashlib.sha256(content).hexdigest()[:32]
    return Batch(origin, key, tuple(columns), tuple(faults), source)


@dataclass(slots=True)
class _Gathered:
    """The records of one series, whose step may be known only at the end."""

    series: str
    kind: Kind
    rows: list[tuple[int, int, int | None, exact.Exact | None, Quality]] = field(
        default_factory=list
    )

    def column(self) -> tuple[Column, list[Fault]]:
        """Make the column and the faults of what does not fit in."""
        builder = ColumnBuilder(self.series, self.kind)
        usual_s = self._usual_step_s()
        for line, start_s, step_s, value, quality in self.rows:
            length_s = usual_s if step_s is None else step_s
            if length_s is None:
                builder.faults.append(
                    Fault(
                        "senml.step",
                        "the length of the interval is not known",
                        line,
                        "st",
                        "add st, the step in seconds, or send two readings in a row",
                    )
                )
                continue
            builder.add(Reading(start_s, length_s, value, quality), line=line)
        column = builder.build()
        return column, builder.faults

    def _usual_step_s(self) -> int | None:
        if self.kind.statistic not in _INTERVALS:
            return 0
        starts = sorted({row[1] for row in self.rows})
        steps = Counter(b - a for a, b in pairwise(starts))
        return steps.most_common(1)[0][0] if steps else None


def _gather(one: Resolved, series: dict[str, _Gathered]) -> None:
    with _at("n"):
        name = identifier.parse(one.name)
    if name.kind is None:
        raise Malformed(
            "senml.kind",
            "the path of this series is not known",
            where="n",
            hint="use a path such as consumption/power/active/raw",
        )
    start_s = int(one.at.to_integral_value("ROUND_FLOOR"))
    if not EARLIEST_S <= start_s < LATEST_S:
        raise Malformed("time.out_of_range", "the time is outside 1990 to 2099", where="t")
    gathered = series.setdefault(str(name), _Gathered(str(name), name.kind))
    gathered.rows.append((one.line, start_s, one.step_s, _value(one, name.kind), one.quality))


def _value(one: Resolved, kind: Kind) -> exact.Exact | None:
    if one.quality is Quality.MISSING:
        return None
    if one.is_text or one.value is None:
        raise Malformed(
            "senml.not_numeric",
            "the record has no number",
            where="v",
            hint="send q 7 where a reading is known to be missing",
        )
    with _at("u"):
        shift = unit.shift(one.unit or kind.unit, kind.unit)
    with _at("v"):
        return exact.from_decimal(one.value.scaleb(shift))


@contextmanager
def _at(label: str) -> Iterator[None]:
    """Name the field of what is raised inside."""
    try:
        yield
    except Malformed as error:
        error.where = label
        raise


def records(columns: Iterable[Column]) -> Iterator[dict[str, Any]]:
    """Give the records of columns, with bases where they change; values as int or Decimal."""
    step_s: int | None = None
    for column in columns:
        for index in range(len(column)):
            record: dict[str, Any] = {}
            if index == 0:
                record = {"bn": column.series, "bt": column.start_s[0], "bu": column.kind.unit}
            if column.step_s[index] != step_s:
                step_s = record["bst"] = column.step_s[index]
            if index:
                record["t"] = column.start_s[index] - column.start_s[0]
            if column.quality[index] != Quality.MISSING:
                record["v"] = _plain(column.value[index], column.exponent)
            if column.quality[index]:
                record["q"] = column.quality[index]
            yield record


def _plain(value: int, exponent: int) -> int | Decimal:
    if exponent >= 0:
        return int(value * 10**exponent)
    while exponent < 0 and value % 10 == 0:
        value //= 10
        exponent += 1
    return value if exponent == 0 else Decimal(value).scaleb(exponent)


def _number(value: object, label: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Malformed("senml.number", "this is not a number", where=label)
    try:
        # repr gives the shortest decimal that is this very float.
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except (InvalidOperation, ValueError) as error:
        raise Malformed("senml.number", "this is not a number", where=label) from error
    if not number.is_finite() or number.adjusted() > 20 or len(number.as_tuple().digits) > 40:  # noqa: PLR2004
        raise Malformed("senml.number", "this number is out of all bounds", where=label)
    return number


def _text(value: object, label: str) -> str:
    if not isinstance(value, str) or len(value) > 200:  # noqa: PLR2004
        raise Malformed("senml.text", "this is not a short text", where=label)
    return value


def _step(value: object, label: str) -> int:
    number = _number(value, label)
    if number != int(number) or not 0 <= number <= _LONGEST_STEP_S:
        raise Malformed("senml.step", "a step is a whole number of seconds", where=label)
    return int(number)


def _quality(value: object, label: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value not in set(Quality):
        raise Malformed("senml.quality", "a quality is a whole number from 0 to 7", where=label)
    return value


def _version(value: object, label: str) -> int:
    if value not in (5, _VERSION):
        raise Malformed("senml.version", "only SenML version 10 is read", where=label)
    return _VERSION


def _not_understood(label: str) -> Malformed:
    return Malformed("senml.must_understand", "this label is not known here", where=label)


def _excerpt(record: object) -> str:
    """Write a record for a person; one nested too deeply, or of huge numbers, is left out."""
    try:
        return str(record)[:_EXCERPT]
    except (RecursionError, ValueError):
        return ""


_BASES: dict[str, tuple[str, Callable[[object, str], object]]] = {
    "bver": ("version", _version),
    "bn": ("name", _text),
    "bt": ("at", _number),
    "bu": ("unit", _text),
    "bv": ("value", _number),
    "bst": ("step_s", _step),
    "bq": ("quality", _quality),
}

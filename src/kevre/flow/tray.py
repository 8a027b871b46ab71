"""The tray: readings of inputs that wait for a person to say what they measure.

It is bounded: beyond MOST_WAITING readings of one input, every second one of the older half
goes, and is counted. What is accepted enters by the gate like everything else, oldest
first; a reading leaves the tray after the gate has it on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from django.db import connection, models, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from kevre.flow.accept import Gate, Writer
from kevre.flow.input import Input, State
from kevre.model import exact, identifier
from kevre.model import unit as units
from kevre.model.batch import Batch, Column, ColumnBuilder
from kevre.model.errors import KevreError, Malformed
from kevre.model.exact import Exact
from kevre.model.input import InputValue
from kevre.model.reading import Fault, Reading

MOST_WAITING = 100_000
_AT_ONCE = 10_000
# Counting from the oldest, every second of the older half.
THIN = """
    delete from flow_waiting where id in (
        select ranked.id from (
            select id, row_number() over (order by at_s) as place
            from flow_waiting where input_id = %s
        ) as ranked
        where ranked.place <= %s and ranked.place %% 2 = 0
    )
"""


class Waiting(models.Model):
    """One reading that waits; the newest word on an instant stands."""

    input = models.ForeignKey(Input, on_delete=models.CASCADE, related_name="readings")
    at_s = models.BigIntegerField()
    mantissa = models.BigIntegerField()
    exponent = models.SmallIntegerField()

    class Meta:
        verbose_name = _("waiting reading")
        verbose_name_plural = _("waiting readings")
        constraints = (models.UniqueConstraint(fields=("input", "at_s"), name="waiting_once"),)

    def __str__(self) -> str:
        return f"{self.input_id} @ {self.at_s}"


def keep(
    found: Input, values: Sequence[InputValue], now_s: int, *, most: int = MOST_WAITING
) -> bool:
    """Keep values of an input that waits; False where a person has decided meanwhile."""
    with transaction.atomic():
        # Locked, so that the last of what waited and the first that does not keep their order.
        locked = Input.objects.select_for_update().get(pk=found.pk)
        if locked.state not in {State.WAITING, State.ACCEPTED}:
            return False
        locked.waiting += _put(locked, values)
        _note(locked, values, now_s)
        _thin(locked, most)
        locked.save()
    return True


def drain(gate: Gate, now_s: int) -> int:
    """Let what waited for accepted inputs enter by the gate; count what entered."""
    accepted = Input.objects.filter(state=State.ACCEPTED).select_related("point")
    return sum(_drain(gate, one, now_s) for one in accepted)


def refuse(found: Input) -> None:
    """Forget what waits for an input; what comes later is counted and not kept."""
    with transaction.atomic():
        locked = Input.objects.select_for_update().get(pk=found.pk)
        Waiting.objects.filter(input=locked).delete()
        locked.state, locked.waiting = State.REFUSED, 0
        locked.save(update_fields=("state", "waiting"))


def columns(found: Input, values: Iterable[InputValue], faults: list[Fault]) -> list[Column]:
    """Make the columns of an input that a person accepted; its sign becomes two directions."""
    if found.point is None:
        raise AssertionError("an accepted input has a point")
    builders: dict[str, ColumnBuilder] = {}
    for path in found.paths:
        kind = identifier.kind_of(path)
        if kind is None:
            raise AssertionError("an accepted input has a path of a known kind")
        builders[path] = ColumnBuilder(f"{found.point.urn}_{path}", kind)
    for value in values:
        try:
            unit = found.unit if value.unit in {"", found.said_unit} else value.unit
            whole = in_unit(value.value, unit, builders[found.path].kind.unit)
        except KevreError as error:
            raw = f"{value.input} {value.unit}"
            faults.append(Fault.of(error, line=value.line, field="unit", raw=raw))
            continue
        for builder, one in zip(builders.values(), _split(found, whole), strict=True):
            builder.add(Reading(value.at_s, 0, one), line=value.line)
    built = [builder.build() for builder in builders.values()]
    faults.extend(fault for builder in builders.values() for fault in builder.faults)
    return [column for column in built if len(column)]


def in_unit(value: Exact, said: str, wanted: str) -> Exact:
    """Give a value in another unit of its dimension, exactly.

    >>> in_unit((15, -1), "kW", "W")
    (1500, 0)

    Raises:
        Malformed: the units are not of one dimension.
    """
    shift = units.shift(said, wanted)
    if not shift:
        return value
    mantissa, exponent = value
    return exact.from_decimal(Decimal(mantissa).scaleb(exponent + shift))


def _split(found: Input, whole: Exact) -> tuple[Exact, ...]:
    if not found.is_signed:
        return (whole,)
    mantissa, exponent = whole
    return (max(mantissa, 0), exponent), (max(-mantissa, 0), exponent)


def _put(locked: Input, values: Sequence[InputValue]) -> int:
    """Put values beside the others, one of the same instant as another row; count the more."""
    more = 0
    newest = {value.at_s: value.value for value in values}
    instants = sorted(newest)
    for start in range(0, len(instants), _AT_ONCE):
        some = instants[start : start + _AT_ONCE]
        replaced, _each = Waiting.objects.filter(input=locked, at_s__in=some).delete()
        more += len(some) - replaced
        Waiting.objects.bulk_create(
            (
                Waiting(input=locked, at_s=at_s, mantissa=newest[at_s][0], exponent=newest[at_s][1])
                for at_s in some
            ),
            batch_size=500,
        )
    return more


def _note(locked: Input, values: Sequence[InputValue], now_s: int) -> None:
    plain = [float(value.value[0]) * 10.0 ** value.value[1] for value in values]
    least, most = min(plain), max(plain)
    locked.least = least if locked.least is None else min(locked.least, least)
    locked.most = most if locked.most is None else max(locked.most, most)
    locked.newest_s = max(locked.newest_s, *(value.at_s for value in values))
    locked.heard_at = datetime.fromtimestamp(now_s, UTC)


def _thin(locked: Input, most: int) -> None:
    """Take every second of the older half while there are too many."""
    while locked.waiting > most:
        with connection.cursor() as cursor:
            cursor.execute(THIN, [locked.pk, max(locked.waiting // 2, 2)])
        left = Waiting.objects.filter(input=locked).count()
        locked.thinned += locked.waiting - left
        locked.waiting = left


def _drain(gate: Gate, one: Input, now_s: int) -> int:
    entered = 0
    while rows := list(Waiting.objects.filter(input=one).order_by("at_s")[:_AT_ONCE]):
        values = [InputValue(one.called, row.at_s, (row.mantissa, row.exponent)) for row in rows]
        gate.accept(_batch(one, values), _writer(one), now_s=now_s)
        # By their keys: another word on one of these instants came as another row, and stays.
        with transaction.atomic():
            gone, _each = Waiting.objects.filter(pk__in=[row.pk for row in rows]).delete()
            Input.objects.filter(pk=one.pk).update(waiting=F("waiting") - gone)
        entered += len(rows)
    with transaction.atomic():
        locked = Input.objects.select_for_update().get(pk=one.pk)
        if locked.state == State.ACCEPTED and not Waiting.objects.filter(input=locked).exists():
            locked.state, locked.waiting = State.OPEN, 0
            locked.save(update_fields=("state", "waiting"))
    return entered


def _batch(one: Input, values: Sequence[InputValue]) -> Batch:
    faults: list[Fault] = []
    whole = columns(one, values, faults)
    key = f"tray:{one.pk}:{values[0].at_s}:{values[-1].at_s}"
    return Batch(f"tray:{one.lineage}", key, tuple(whole), tuple(faults), "tray")


def _writer(one: Input) -> Writer:
    if one.point is None:
        raise Malformed("input.path", "an input cannot be this quantity")
    return Writer(
        f"tray:{one.lineage}", frozenset({one.point.urn}), may_register=True, site=one.point.site
    )

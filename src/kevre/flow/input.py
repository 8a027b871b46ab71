"""Inputs: what software in the field calls its numbers, and what a person said they measure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from kevre.model import identifier
from kevre.model import unit as units
from kevre.model.errors import Conflict, Malformed, Missing, Refused
from kevre.model.input import MOST_NAME, MOST_NODE, MOST_UNIT, InputName
from kevre.model.series import Direction, Kind, Statistic
from kevre.places.point import MeteringPoint
from kevre.quality.proposal import Proposal, propose
from kevre.rights.key import Key

# A key that invents more names than this sends something else than measurements.
MOST_UNDECIDED = 200
# What comes without the length of its interval can only be one of these.
STATISTICS = {Statistic.INSTANT, Statistic.REGISTER}
_OPPOSITE = {
    Direction.CONSUMPTION: Direction.PRODUCTION,
    Direction.PRODUCTION: Direction.CONSUMPTION,
}


class State(models.TextChoices):
    """How far a person has come with an input."""

    WAITING = "waiting", _("waits for a decision")
    ACCEPTED = "accepted", _("accepted, what waited is entering")
    OPEN = "open", _("accepted")
    REFUSED = "refused", _("refused")


class Input(models.Model):
    """One name under which the keys of a lineage send numbers.

    It belongs to the lineage, so that a rotated key finds what was accepted before. `said_unit`
    is the sender's word on its unit, if any; `unit` what a person said it to be.
    """

    lineage = models.CharField(max_length=12)
    node = models.CharField(max_length=MOST_NODE)
    name = models.CharField(max_length=MOST_NAME)
    said_unit = models.CharField(max_length=MOST_UNIT, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    first_at = models.DateTimeField()
    heard_at = models.DateTimeField()
    newest_s = models.BigIntegerField(default=0)
    least = models.FloatField(null=True, blank=True)
    most = models.FloatField(null=True, blank=True)
    waiting = models.PositiveIntegerField(default=0)
    thinned = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)
    point = models.ForeignKey(
        MeteringPoint, on_delete=models.PROTECT, null=True, blank=True, related_name="inputs"
    )
    path = models.CharField(max_length=120, blank=True)
    unit = models.CharField(max_length=MOST_UNIT, blank=True)
    is_signed = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("input")
        verbose_name_plural = _("inputs")
        ordering = ("lineage", "node", "name")
        constraints = (
            models.UniqueConstraint(fields=("lineage", "node", "name"), name="input_once"),
        )

    def __str__(self) -> str:
        return f"{self.node}/{self.name}"

    @property
    def called(self) -> InputName:
        """Give its name."""
        return InputName(self.node, self.name)

    @property
    def proposal(self) -> Proposal:
        """Guess what it measures."""
        return propose(self.called, self.said_unit, self.least, self.most)

    @property
    def paths(self) -> tuple[str, ...]:
        """Give the paths that it writes: one, or with its sign one for each direction."""
        return (self.path, opposite(self.path)) if self.is_signed else (self.path,)

    @property
    def urns(self) -> tuple[str, ...]:
        """Give the series that it writes; none before somebody decided."""
        return tuple(f"{self.point.urn}_{path}" for path in self.paths) if self.point else ()


def lineage_of(key: Key) -> str:
    """Give what a key and its successors have in common."""
    return key.lineage or key.name


def keys_of(lineage: str) -> models.QuerySet[Key]:
    """Give the keys of a lineage that are not revoked, the newest first."""
    same = Q(lineage=lineage) | Q(lineage="", name=lineage)
    return Key.objects.filter(same, revoked_at=None).order_by("-pk")


def points_of(lineage: str) -> list[MeteringPoint]:
    """Give the points that the keys of a lineage write."""
    key = keys_of(lineage).first()
    return list(key.points.order_by("urn")) if key else []


def of_key(key: Key, names: Iterable[InputName]) -> dict[InputName, Input]:
    """Give the inputs of a key that are known already, among these names."""
    asked = set(names)
    found = Input.objects.filter(
        lineage=lineage_of(key),
        node__in={name.node for name in asked},
        name__in={name.name for name in asked},
    )
    return {one.called: one for one in found.select_related("point") if one.called in asked}


def brings(key: Key) -> bool:
    """Say whether a key sends under names of its own: it may, or it did."""
    return bool(key.prefixes) or Input.objects.filter(lineage=lineage_of(key)).exists()


def brings_none() -> Refused:
    """Make the error of a key that has no names of its own."""
    return Refused(
        "input.not_allowed",
        "this key only writes series under their identifiers",
        hint="make a key with a prefix: kevre key --maker",
    )


def enter(key: Key, name: InputName, unit: str, now_s: int) -> Input:
    """Enter a name that was not heard before.

    Raises:
        Refused: the key brings no inputs of its own, or too many wait already.
    """
    lineage = lineage_of(key)
    if not key.prefixes:
        raise brings_none()
    if Input.objects.filter(lineage=lineage, state=State.WAITING).count() >= MOST_UNDECIDED:
        raise Refused(
            "input.too_many",
            f"{MOST_UNDECIDED} inputs of this key wait for a decision",
            hint="accept or refuse some in the tray",
        )
    now = datetime.fromtimestamp(now_s, UTC)
    made, _created = Input.objects.get_or_create(
        lineage=lineage,
        node=name.node,
        name=name.name,
        defaults={"said_unit": unit[:MOST_UNIT], "first_at": now, "heard_at": now},
    )
    return made


def count_refused(found: Input, count: int, now_s: int) -> None:
    """Count what came for an input that a person refused."""
    Input.objects.filter(pk=found.pk).update(
        refused=F("refused") + count, heard_at=datetime.fromtimestamp(now_s, UTC)
    )


def note_newest(found: Input, newest_s: int) -> None:
    """Write down how far the readings of an input have come."""
    Input.objects.filter(pk=found.pk, newest_s__lt=newest_s).update(newest_s=newest_s)


def decide(found: Input, point: MeteringPoint, path: str, unit: str, *, is_signed: bool) -> None:
    """Say what an input measures; what waits enters by the gate next.

    Raises:
        Malformed: the path is of no kind that an input can be, or not of that unit.
        Refused: the key does not write there.
        Conflict: another input writes that series.
    """
    kind = _kind(path)
    units.shift(unit, kind.unit)
    if is_signed:
        opposite(path)
    found.point, found.path, found.unit, found.is_signed = point, path, unit, is_signed
    key = keys_of(found.lineage).first()
    if key is None or not key.points.filter(pk=point.pk).exists():
        raise Refused(
            "input.not_in_scope",
            gettext_noop("the key of this input does not write that point"),
            hint=gettext_noop("add the point to the key first"),
        )
    if not all(one.startswith(tuple(map(str, key.prefixes))) for one in found.paths):
        raise Refused(
            "input.not_in_scope",
            gettext_noop("the key of this input does not write that quantity"),
            hint=gettext_noop("widen the prefixes of the key first"),
        )
    _refuse_taken(found)
    found.state = State.ACCEPTED
    found.save(update_fields=("point", "path", "unit", "is_signed", "state"))


def find(pk: int) -> Input:
    """Find an input by its number.

    Raises:
        Missing: there is none.
    """
    found = Input.objects.filter(pk=pk).first()
    if found is None:
        raise Missing("input.absent", "there is no such input", hint="see kevre tray list")
    return found


def opposite(path: str) -> str:
    """Give the path of the same quantity the other way.

    >>> opposite("consumption/power/active/instant/heat-pump")
    'production/power/active/instant/heat-pump'

    Raises:
        Malformed: it has no direction.
    """
    way, _slash, rest = path.partition("/")
    kind = identifier.kind_of(path)
    if kind is None or kind.direction not in _OPPOSITE or way != kind.direction:
        raise Malformed(
            "input.no_direction",
            gettext_noop("this quantity flows no way, so its sign is no direction"),
            hint=gettext_noop("leave the sign to temperatures"),
        )
    return f"{_OPPOSITE[kind.direction].value}/{rest}"


def _kind(path: str) -> Kind:
    kind = identifier.kind_of(path)
    if kind is None or kind.statistic not in STATISTICS:
        raise Malformed(
            "input.path",
            gettext_noop("an input cannot be this quantity"),
            hint=gettext_noop("choose an instant or an index"),
        )
    return kind


def _refuse_taken(found: Input) -> None:
    decided = Input.objects.filter(point=found.point, state__in=(State.ACCEPTED, State.OPEN))
    others = decided.exclude(pk=found.pk)
    if set(found.paths) & {path for other in others for path in other.paths}:
        raise Conflict(
            "input.taken",
            gettext_noop("another input writes this series already"),
            hint=gettext_noop("name the part: consumption/power/active/instant/heat-pump"),
        )

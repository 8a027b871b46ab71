"""The gate of rights: turns grants into a permit, and writes the access log before.

Who may read a site: an operator, a member of the party that owns it, and whoever a grant in
force names. A grant with `totals_only` lets a site count in a sum of at least
LEAST_TOGETHER such sites, never alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from kevre.model.errors import Refused
from kevre.model.permit import Permit
from kevre.model.step import Resolution
from kevre.model.terms import Terms
from kevre.model.window import EARLIEST_S, LATEST_S, Window
from kevre.places.party import Party
from kevre.places.series import Series
from kevre.places.site import Site
from kevre.rights import access, acting
from kevre.rights import terms as conditions
from kevre.rights.access import AccessRecord, Basis
from kevre.rights.account import Account
from kevre.rights.grant import Audience, Grant

# Fewer homes than this in one sum could be told apart: the threshold that French open data
# on housing uses (article D. 111-53 of the code de l'énergie: at least ten points).
LEAST_TOGETHER = 10
# Only `permit_export` writes this purpose: with no account, it stands for whoever commands the
# node's machine, where a line of a guest has the purpose of a page or of the API.
OPERATOR_EXPORT = "operator export"
ALWAYS = Window.of_seconds(EARLIEST_S, LATEST_S)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks: an account, or an organisation by its node; without either, a guest.

    Attributes:
        is_support: whether somebody else looks in the account's place, who told it so.
        only: the grants of the party that count; all if None. What is open to everyone stays so.
    """

    account: Account | None
    party: Party | None = None
    is_support: bool = False
    only: frozenset[int] | None = None

    @property
    def is_operator(self) -> bool:
        """Say whether the reader runs this node and may see all that it holds."""
        return self.account is not None and self.account.is_superuser


@dataclass(frozen=True, slots=True)
class _Right:
    """Why one series may be read, as far as a grant says; no grant means ownership."""

    grant: Grant | None
    window: Window
    finest: Resolution


def grants_in_force(reader: Reader, now: datetime) -> QuerySet[Grant]:
    """Give the grants that hold for this reader at this moment."""
    named = Q(audience=Audience.EVERYONE)
    if reader.account is not None:
        named |= Q(party__memberships__account=reader.account)
    if reader.party is not None:
        named |= Q(party=reader.party) if reader.only is None else Q(pk__in=reader.only)
    return (
        Grant.objects.filter(named, valid_since__lte=now, withdrawn_at__isnull=True)
        .filter(Q(valid_until__isnull=True) | Q(valid_until__gt=now))
        .distinct()
    )


def readable_sites(reader: Reader, now: datetime) -> QuerySet[Site]:
    """Give the sites of which this reader may read at least some series one by one."""
    if reader.is_operator:
        return Site.objects.all()
    granted = grants_in_force(reader, now).filter(totals_only=False).values("site")
    right = Q(pk__in=granted)
    if reader.account is not None:
        right |= Q(pk__in=_own_sites(reader.account).values("pk"))
    return Site.objects.filter(right)


def reach(reader: Reader, series: QuerySet[Series], now: datetime) -> dict[int, list[str]]:
    """Tell by which grants each of some series may be read one by one, raw: {series: [rights]}.

    A right is a grant and its period of readings, in one text. Series that no grant covers are
    not in it. It is for planning what to send: what is read later asks the gate again.
    """
    found: dict[int, list[str]] = defaultdict(list)
    for one, grant in _reached(reader, series, now):
        found[one.pk].append(f"{grant.pk} {grant.readings_since} {grant.readings_until}")
    return dict(found)


def terms(reader: Reader, series: QuerySet[Series], now: datetime) -> dict[int, Terms]:
    """Tell under what terms each of some series may be read one by one, raw."""
    found: dict[int, Terms] = {}
    reached: dict[int, Series] = {}
    for one, grant in _reached(reader, series, now):
        told = _terms(grant)
        known = found.get(one.pk)
        found[one.pk] = told if known is None else known.widened(told)
        reached[one.pk] = one
    bounds = conditions.of(reached.values())
    return {
        key: told.bounded(bounds[key].terms) if key in bounds else told
        for key, told in found.items()
    }


def permit(
    reader: Reader,
    series: Sequence[Series],
    window: Window,
    resolution: Resolution,
    *,
    purpose: str,
    now: datetime,
) -> Permit:
    """Allow the reading of every one of these series, one by one, or refuse.

    The window of the permit is the part of `window` that all their grants cover.

    Raises:
        Refused: one of them is not granted, or not so finely, or not for that time. The
            same words for a series that does not exist.
    """
    rights = _rights(reader, series, resolution, now)
    allowed = window
    for one in series:
        right = rights.get(one.pk)
        shared = allowed.clip(right.window) if right else None
        if shared is None:
            raise Refused(
                "grant.none",
                "no grant covers this reading",
                hint="sign in, or ask the holder for a grant",
            )
        allowed = shared
    finest = max(
        (right.finest for right in rights.values()), key=lambda r: r.least_s, default=resolution
    )
    _record(
        reader, [(one, rights[one.pk].grant) for one in series], allowed, resolution, purpose, now
    )
    return Permit(
        frozenset(one.pk for one in series), allowed, finest, totals_only=False, purpose=purpose
    )


def permit_total(
    reader: Reader,
    series: Sequence[Series],
    window: Window,
    resolution: Resolution,
    *,
    purpose: str,
    now: datetime,
) -> tuple[Permit, frozenset[int]]:
    """Allow what may be summed of these series; also give the sites that will count.

    Series that may be read one by one count. Those of sites that only count in totals do so
    if at least LEAST_TOGETHER such sites are among them; otherwise they are left out.

    Raises:
        Refused: nothing may be counted.
    """
    alone = _rights(reader, series, resolution, now)
    hidden = [one for one in series if one.pk not in alone]
    together = _total_grants(reader, hidden, window, resolution, now)
    counted: list[tuple[Series, Grant | None]] = []
    for one in series:
        if one.pk in alone and alone[one.pk].window.covers(window):
            counted.append((one, alone[one.pk].grant))
        elif one.pk in together:
            counted.append((one, together[one.pk]))
    if not counted:
        raise Refused("grant.none", "no grant covers this total", hint="ask the holders")
    _record(reader, counted, window, resolution, purpose, now, totals_only=True)
    allowed = Permit(
        frozenset(one.pk for one, _ in counted),
        window,
        resolution,
        totals_only=True,
        purpose=purpose,
    )
    return allowed, frozenset(one.point.site_id for one, _ in counted if one.point.site_id)


def permit_export(series: Collection[int], window: Window, *, now: datetime) -> Permit:
    """Allow the node's own command to copy closed readings, and log it series by series.

    Whoever may run the command on the machine holds the file of the readings already; this
    permit makes the copy known, and no more: raw readings of the named series, in a window
    that is past, for one purpose. No page and no answer of the API can come by it (an
    import contract holds this).

    Raises:
        Refused: the window is not past.
    """
    if window.end > now:
        raise Refused("permit.not_past", "an export holds only what is past")
    access.append(
        AccessRecord(
            at=now,
            basis=Basis.EXPORT,
            series_id=one,
            start=window.start,
            end=window.end,
            resolution=Resolution.RAW.value,
            purpose=OPERATOR_EXPORT,
        )
        for one in series
    )
    return Permit(
        frozenset(series), window, Resolution.RAW, totals_only=False, purpose=OPERATOR_EXPORT
    )


def _reached(
    reader: Reader, series: QuerySet[Series], now: datetime
) -> Iterator[tuple[Series, Grant]]:
    """Give each series with each grant that lets it be read one by one, raw."""
    withheld = conditions.withheld(series)
    grants = grants_in_force(reader, now).filter(totals_only=False)
    for grant in grants.order_by("pk"):
        for one in series.filter(point__site=grant.site_id).select_related("point"):
            if one.pk not in withheld and _covers(grant, one, Resolution.RAW):
                yield one, grant


def _terms(grant: Grant) -> Terms:
    if grant.audience == Audience.EVERYONE:
        return Terms(grant.purpose, onward=True, is_open=True)
    until_s = int(grant.valid_until.timestamp()) if grant.valid_until else None
    return Terms(grant.purpose, grant.retention_s, grant.onward, until_s)


def _own_sites(account: Account) -> QuerySet[Site]:
    return Site.objects.filter(party__memberships__account=account)


def _rights(
    reader: Reader, series: Sequence[Series], resolution: Resolution, now: datetime
) -> dict[int, _Right]:
    """Find, for each series that may be read alone, the widest right to it."""
    everything = _Right(None, ALWAYS, Resolution.RAW)
    if reader.is_operator:
        return {one.pk: everything for one in series}
    own: set[int] = set()
    if reader.account is not None:
        own = set(_own_sites(reader.account).values_list("pk", flat=True))
    sites = {one.point.site_id for one in series}
    grants = list(grants_in_force(reader, now).filter(site__in=sites, totals_only=False))
    bounds = conditions.of(series)
    rights: dict[int, _Right] = {}
    for one in series:
        bound = bounds.get(one.pk)
        if one.point.site_id in own and not (bound and bound.is_ended):
            rights[one.pk] = everything
            continue
        if bound is not None and bound.is_closed:
            continue
        fitting = [_of_grant(g) for g in grants if _covers(g, one, resolution)]
        if fitting:
            rights[one.pk] = max(fitting, key=lambda right: right.window.length_s)
    return rights


def _total_grants(
    reader: Reader,
    series: Sequence[Series],
    window: Window,
    resolution: Resolution,
    now: datetime,
) -> dict[int, Grant]:
    """Find the grants by which these series may count together, if they are enough."""
    sites = {one.point.site_id for one in series}
    grants = list(grants_in_force(reader, now).filter(site__in=sites, totals_only=True))
    closed = {key for key, bound in conditions.of(series).items() if bound.is_closed}
    found: dict[int, Grant] = {}
    for one in series:
        if one.pk in closed:
            continue
        for grant in grants:
            if _covers(grant, one, resolution) and _of_grant(grant).window.covers(window):
                found[one.pk] = grant
    enough = len({grant.site_id for grant in found.values()}) >= LEAST_TOGETHER
    return found if enough else {}


def _covers(grant: Grant, series: Series, resolution: Resolution) -> bool:
    return (
        grant.site_id == series.point.site_id
        and series.path.startswith(grant.path_prefix)
        and resolution.least_s >= Resolution(grant.finest).least_s
    )


def _of_grant(grant: Grant) -> _Right:
    window = Window(grant.readings_since or ALWAYS.start, grant.readings_until or ALWAYS.end)
    return _Right(grant, window, Resolution(grant.finest))


def _record(
    reader: Reader,
    counted: Iterable[tuple[Series, Grant | None]],
    window: Window,
    resolution: Resolution,
    purpose: str,
    now: datetime,
    *,
    totals_only: bool = False,
) -> None:
    own = Basis.OPERATOR if reader.is_operator else Basis.HOLDER
    access.append(
        AccessRecord(
            at=now,
            account=reader.account,
            party=reader.party,
            basis=own if grant is None else Basis.GRANT,
            grant=grant,
            series_id=series.pk,
            start=window.start,
            end=window.end,
            resolution=resolution.value,
            totals_only=totals_only,
            purpose=acting.PURPOSE if reader.is_support else purpose,
        )
        for series, grant in counted
    )

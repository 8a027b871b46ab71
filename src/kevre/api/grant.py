"""Grants: those that a person gave or has, and those of an application, which may give one back."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Path, Query, Router, Schema

from kevre.api.visit import LARGEST_KEY, application, person, visit
from kevre.model.errors import Missing, Refused
from kevre.places.party import Party, PartyKind
from kevre.rights import consent
from kevre.rights import grant as grants
from kevre.rights.grant import Grant

router = Router()


class GrantOut(Schema):
    """One grant; `receiver` is null for everyone, and for a person, who is not named."""

    id: int
    site: str
    path_prefix: str
    finest: str
    totals_only: bool
    purpose: str
    audience: str
    receiver: str | None
    readings_since: datetime | None
    readings_until: datetime | None
    valid_since: datetime
    valid_until: datetime | None
    withdrawn_at: datetime | None
    in_force: bool

    @classmethod
    def of(cls, one: Grant, now: datetime) -> GrantOut:
        """Describe a grant."""
        return cls(
            id=one.pk,
            site=one.site.slug,
            path_prefix=one.path_prefix,
            finest=one.finest,
            totals_only=one.totals_only,
            purpose=one.purpose,
            audience=one.audience,
            receiver=named(one.party),
            readings_since=one.readings_since,
            readings_until=one.readings_until,
            valid_since=one.valid_since,
            valid_until=one.valid_until,
            withdrawn_at=one.withdrawn_at,
            in_force=grants.is_in_force(one, now),
        )


class GrantsOut(Schema):
    """A page of grants; `next` is the `after` of the page that follows."""

    grants: list[GrantOut]
    next: int | None


@router.get("", response=GrantsOut, summary="List grants")
def grant_list(
    request: HttpRequest,
    side: Literal["given", "received"] = Query(
        "received", description="given for sites of yours, or received; of an application: received"
    ),
    after: int = Query(0, ge=0, le=LARGEST_KEY, description="id of the last of the page before"),
    limit: int = Query(100, ge=1, le=500),
) -> GrantsOut:
    """Give grants in the order of their ids, those that ended too."""
    _, now = visit(request)
    found = _found(request, side).select_related("site", "party").order_by("pk")
    page = list(found.filter(pk__gt=after)[: limit + 1])
    following = page[limit - 1].pk if len(page) > limit else None
    return GrantsOut(grants=[GrantOut.of(one, now) for one in page[:limit]], next=following)


@router.get("/{int:key}", response=GrantOut, summary="Describe one grant")
def grant_one(request: HttpRequest, key: int = Path(..., ge=0, le=LARGEST_KEY)) -> GrantOut:
    """Give one grant; one of others is as absent as an unknown one."""
    _, now = visit(request)
    every = _found(request, "received") | _found(request, "given")
    found = every.select_related("site", "party").filter(pk=key).distinct().first()
    if found is None:
        raise _absent()
    return GrantOut.of(found, now)


@router.post("/{int:key}/renounce", response=GrantOut, summary="Give a grant back")
def renounce(request: HttpRequest, key: int = Path(..., ge=0, le=LARGEST_KEY)) -> GrantOut:
    """End a grant that the application has and needs no more; only its token may do so."""
    _, now = visit(request)
    found = application(request)
    if found is None:
        raise Refused("token.needed", "a token of an application is needed")
    asking, account = found
    ended = consent.renounce(asking, account, key, now)
    if ended is None:
        raise _absent()
    return GrantOut.of(ended, now)


def named(party: Party | None) -> str | None:
    """Name an organisation or an application; a person's name does not leave the registry."""
    return None if party is None or party.kind == PartyKind.PERSON else party.name


def _found(request: HttpRequest, side: str) -> QuerySet[Grant]:
    found = application(request)
    if found is not None:
        asking, account = found
        return consent.held(asking, account) if side == "received" else Grant.objects.none()
    account = person(request)
    return grants.given(account) if side == "given" else grants.received(account)


def _absent() -> Missing:
    return Missing("grant.absent", "there is no such grant, or it is not yours to see")

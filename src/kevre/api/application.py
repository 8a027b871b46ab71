"""Applications that the caller answers for, and how they are used; no secret leaves here."""

from __future__ import annotations

from datetime import date, datetime

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema

from kevre.api.visit import LARGEST_KEY, person, visit
from kevre.model.errors import Missing
from kevre.rights import application as applications
from kevre.rights.application import Application

router = Router()
_MOST_DAYS = 400


class ApplicationOut(Schema):
    """One application, as people read it."""

    id: int
    client_id: str
    name: str
    kind: str
    page: str
    purpose: str
    prefixes: list[str]
    finest: str
    lasts_days: int
    back_days: int
    redirect_uris: list[str]
    scopes: list[str]
    registered_at: datetime
    blocked_at: datetime | None

    @classmethod
    def of(cls, one: Application) -> ApplicationOut:
        """Describe an application."""
        return cls(
            id=one.pk,
            client_id=one.client_id,
            name=one.party.name,
            kind=one.kind,
            page=one.page,
            purpose=one.purpose,
            prefixes=list(one.prefixes),
            finest=one.finest,
            lasts_days=one.lasts_days,
            back_days=one.back_days,
            redirect_uris=one.client.get_redirect_uris(),
            scopes=one.client.get_scopes(),
            registered_at=one.registered_at,
            blocked_at=one.blocked_at,
        )


class ApplicationsOut(Schema):
    """All of them."""

    applications: list[ApplicationOut]


class UseOut(Schema):
    """The requests of one day."""

    day: date
    asked: int
    refused: int


class UsesOut(Schema):
    """Days on which there were any, the newest first."""

    days: list[UseOut]


@router.get("", response=ApplicationsOut, summary="List your applications")
def application_list(request: HttpRequest) -> ApplicationsOut:
    """Give the applications that the person answers for."""
    visit(request)
    found = applications.owned(person(request))
    return ApplicationsOut(applications=[ApplicationOut.of(one) for one in found])


@router.get("/{int:key}", response=ApplicationOut, summary="Describe one application")
def application_one(
    request: HttpRequest, key: int = Path(..., ge=0, le=LARGEST_KEY)
) -> ApplicationOut:
    """Give one application; one of others is as absent as an unknown one."""
    return ApplicationOut.of(_find(request, key))


@router.get("/{int:key}/uses", response=UsesOut, summary="See how an application is used")
def uses(
    request: HttpRequest,
    key: int = Path(..., ge=0, le=LARGEST_KEY),
    days: int = Query(31, ge=1, le=_MOST_DAYS),
) -> UsesOut:
    """Count requests and refusals by day."""
    found = _find(request, key).uses.all()[:days]
    return UsesOut(
        days=[UseOut(day=one.day, asked=one.asked, refused=one.refused) for one in found]
    )


def _find(request: HttpRequest, key: int) -> Application:
    visit(request)
    found = applications.owned(person(request)).filter(pk=key).first()
    if found is None:
        raise Missing("application.absent", "there is no such application, or it is not yours")
    return found

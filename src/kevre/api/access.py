"""The access log: who read the series of one's sites, and what an application read."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Query, Router, Schema

from kevre.api.grant import named
from kevre.api.visit import LARGEST_KEY, application, person, visit
from kevre.rights import access, consent
from kevre.rights.access import AccessRecord
from kevre.rights.account import Account

router = Router()


class AccessOut(Schema):
    """One answer that was given; `reader` is null for guests and for people.

    `basis`: grant, holder, operator or export. `is_own` says that it was you.
    """

    id: int
    at: datetime
    series: int
    start: datetime
    end: datetime
    resolution: str
    totals_only: bool
    purpose: str
    basis: str
    grant: int | None
    reader: str | None
    is_own: bool

    @classmethod
    def of(cls, one: AccessRecord, account: Account | None) -> AccessOut:
        """Describe a line of the log."""
        return cls(
            id=one.pk,
            at=one.at,
            series=one.series_id,
            start=one.start,
            end=one.end,
            resolution=one.resolution,
            totals_only=one.totals_only,
            purpose=one.purpose,
            basis=one.basis,
            grant=one.grant_id,
            reader=named(one.party),
            is_own=account is not None and one.account_id == account.pk,
        )


class AccessesOut(Schema):
    """A page of the log, the newest first; `next` is the `before` of the page that follows."""

    accesses: list[AccessOut]
    next: int | None


@router.get("", response=AccessesOut, summary="List who read your series")
def access_list(
    request: HttpRequest,
    series: int | None = Query(None, ge=0, le=LARGEST_KEY, description="id of one series"),
    before: int | None = Query(
        None, ge=0, le=LARGEST_KEY, description="id of the last line of the page before"
    ),
    limit: int = Query(100, ge=1, le=500),
) -> AccessesOut:
    """Give the log of one's own sites; to an application, of what it read by this token."""
    visit(request)
    found = application(request)
    account = None if found else person(request)
    records = consent.accesses(*found) if found else access.about(person(request))
    if series is not None:
        records = records.filter(series_id=series)
    if before is not None:
        records = records.filter(pk__lt=before)
    page = list(records.select_related("party").order_by("-pk")[: limit + 1])
    following = page[limit - 1].pk if len(page) > limit else None
    return AccessesOut(
        accesses=[AccessOut.of(one, account) for one in page[:limit]], next=following
    )

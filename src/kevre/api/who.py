"""Who the caller is to this node: what a client asks first."""

from __future__ import annotations

from typing import Literal

from django.http import HttpRequest
from ninja import Router, Schema

from kevre.api.visit import application, caller, visit
from kevre.rights import consent

router = Router()


class WhoOut(Schema):
    """Who asks, in the eyes of the node; `grants` are those that a token may use now."""

    kind: Literal["guest", "account", "application"]
    name: str | None
    stands_for_person: bool
    grants: list[int]


@router.get("", response=WhoOut, summary="Say who you are here")
def who(request: HttpRequest) -> WhoOut:
    """Tell what a token or a session is good for."""
    visit(request)
    found = application(request)
    if found is not None:
        asking, person = found
        grants = sorted(consent.grants(asking, person))
        return WhoOut(
            kind="application",
            name=asking.party.name,
            stands_for_person=person is not None,
            grants=grants,
        )
    account = caller(request)
    kind: Literal["guest", "account"] = "guest" if account is None else "account"
    name = None if account is None else account.email
    return WhoOut(kind=kind, name=name, stands_for_person=account is not None, grants=[])

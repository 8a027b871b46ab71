"""`kevre user` and `kevre key`: accounts of people, write keys of origins."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer
from rich.console import Console

from kevre.model.errors import Conflict, Missing
from kevre.node import start

out = Console(highlight=False)


def user(
    email: Annotated[str, typer.Argument(help="The address by which the person signs in.")],
    *,
    operator: Annotated[bool, typer.Option(help="May open the administration.")] = False,
) -> None:
    """Make an account with a random password, shown once."""
    start.ready()
    from allauth.account.models import EmailAddress

    from kevre.rights.models import Account

    if Account.objects.filter(email=email.lower()).exists():
        raise Conflict("user.exists", "there is an account with this address already")
    password = secrets.token_urlsafe(12)
    account = Account.objects.create_user(email, password, is_staff=operator, is_superuser=operator)
    # An operator vouches for the address, so the person need not confirm it by e-mail.
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    out.print(f"Account made. Password: {password}", markup=False)


def key(
    origin: Annotated[str, typer.Argument(help="What will hold the key, such as `pi-school-1`.")],
    points: Annotated[list[str], typer.Argument(help="URNs of the metering points it writes.")],
) -> None:
    """Make a write key for metering points; its secret is shown once."""
    start.ready()
    from kevre.places.models import MeteringPoint
    from kevre.rights.key import issue

    known = list(MeteringPoint.objects.filter(urn__in=points))
    if len(known) != len(set(points)):
        raise Missing("point.absent", "a metering point is not registered", hint="see the admin")
    _, secret = issue(origin, known)
    out.print(secret, markup=False)

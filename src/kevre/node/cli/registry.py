"""`kevre user`, `kevre key` and `kevre keys`: accounts of people, write keys of origins."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from kevre.model.errors import Conflict, Missing
from kevre.node import start

if TYPE_CHECKING:
    from kevre.rights.key import Key

out = Console(highlight=False)
keys = typer.Typer(help="Write keys of origins: list, rotate, revoke.", no_args_is_help=True)
KeyName = Annotated[str, typer.Argument(help="Name of the key, as `kevre keys list` gives it.")]


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
    *,
    short: Annotated[bool, typer.Option(help="32 hexadecimal digits, as emonHub wants.")] = False,
    prefix: Annotated[
        list[str] | None, typer.Option(help="Beginning of paths it may write, such as production/.")
    ] = None,
    maker: Annotated[
        bool, typer.Option(help="May bring inputs of its own names: short, with usual prefixes.")
    ] = False,
    per_minute: Annotated[int, typer.Option(help="Most requests a minute; 0: no limit.")] = 6_000,
) -> None:
    """Make a write key for metering points; its secret is shown once."""
    start.ready()
    from kevre.places.models import MeteringPoint
    from kevre.rights.key import MAKER, issue

    known = list(MeteringPoint.objects.filter(urn__in=points))
    if len(known) != len(set(points)):
        raise Missing("point.absent", "a metering point is not registered", hint="see the admin")
    prefixes = prefix or (list(MAKER) if maker else [])
    _, secret = issue(
        origin, known, is_short=short or maker, prefixes=prefixes, per_minute=max(per_minute, 0)
    )
    out.print(secret, markup=False)


@keys.command("list")
def list_keys() -> None:
    """Say of each key what it writes, when it was used last and how long it is good."""
    start.ready()
    from kevre.rights.models import Key

    for one in Key.objects.prefetch_related("points").order_by("pk"):
        points = " ".join(point.urn for point in one.points.all())
        out.print(one.name, one.origin, _state(one), points, *one.prefixes, markup=False, sep="  ")


@keys.command()
def rotate(
    name: KeyName,
    *,
    hours: Annotated[float, typer.Option(help="How long the old one stays good [h].")] = 24.0,
    short: Annotated[bool, typer.Option(help="32 hexadecimal digits, as emonHub wants.")] = False,
) -> None:
    """Make the successor of a key; the old one stays good for a while."""
    old = _key(name)
    from kevre.rights import key as life

    until = datetime.now(UTC) + timedelta(hours=hours)
    out.print(life.rotate(old, until, is_short=short)[1], markup=False)


@keys.command()
def revoke(name: KeyName) -> None:
    """End a key at once."""
    found = _key(name)
    from kevre.rights import key as life

    life.revoke(found, datetime.now(UTC))
    out.print(f"{name} is revoked", markup=False)


def _key(name: str) -> Key:
    start.ready()
    from kevre.rights.models import Key

    found = Key.objects.filter(name=name).first()
    if found is None:
        raise Missing("key.absent", "there is no key of this name", hint="see kevre keys list")
    return found


def _state(one: Key) -> str:
    used = f"used {one.last_used_at:%Y-%m-%d %H:%M}" if one.last_used_at else "never used"
    if one.revoked_at:
        return f"{used}, revoked {one.revoked_at:%Y-%m-%d %H:%M}"
    return f"{used}, until {one.valid_until:%Y-%m-%d %H:%M}" if one.valid_until else used

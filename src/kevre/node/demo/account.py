"""The demo's accounts and its device's key, with secrets made for this home alone."""

from __future__ import annotations

import os
import secrets
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from allauth.account.models import EmailAddress
from django.utils.translation import gettext_noop as _

from kevre.model.errors import Refused
from kevre.places.party import Party
from kevre.places.point import MeteringPoint
from kevre.places.territory import Territory
from kevre.rights import key
from kevre.rights.account import Account, Membership
from kevre.rights.role import Role, RoleKind

# INSEE code of Lorient.
_TOWN = "56121"
DEVICE_ORIGIN = "demo-linky"
DEVICE_POINT = "urn:dev:prm:00000000000101"


@dataclass(frozen=True, slots=True)
class Credential:
    """One account that a person may try the demo with."""

    role: str
    email: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Role:
    role: str
    email: str
    party: str
    kind: RoleKind | None = None


_ROLES = (
    _Role(_("operator of the node"), "operator@kevre.example", ""),
    _Role(
        _("energy manager of the town"),
        "energie@lorient.example",
        "Ville de Lorient (démo)",
        RoleKind.MANAGER,
    ),
    _Role(_("citizen with a home"), "camille@foyer.example", "Camille Fictive", RoleKind.CITIZEN),
)


def register_accounts(path: Path) -> tuple[Credential, ...]:
    """Make the accounts, or give again those that stand in the file; only its owner reads it."""
    known = _read(path)
    credentials = known or tuple(
        Credential(role.role, role.email, secrets.token_urlsafe(12)) for role in _ROLES
    )
    for role, credential in zip(_ROLES, credentials, strict=True):
        _account(role, credential)
    if not known:
        _write_secret(path, "\n".join(_toml(credential) for credential in credentials))
    return credentials


def register_device_key(path: Path) -> None:
    """Leave a write key for the live device in the file, unless one that works is there."""
    if path.exists() and _works(path.read_text("utf-8").strip()):
        return
    point = MeteringPoint.objects.get(urn=DEVICE_POINT)
    _, secret = key.issue(DEVICE_ORIGIN, [point])
    path.unlink(missing_ok=True)
    _write_secret(path, secret + "\n")


def _account(role: _Role, credential: Credential) -> None:
    account = Account.objects.filter(email=role.email).first()
    if account is None:
        make = Account.objects.create_user if role.party else Account.objects.create_superuser
        account = make(role.email, credential.password)
    # Nobody reads mail at these addresses: they count as confirmed.
    EmailAddress.objects.update_or_create(
        user=account, email=role.email, defaults={"verified": True, "primary": True}
    )
    if role.party:
        Membership.objects.get_or_create(account=account, party=Party.objects.get(name=role.party))
    town = Territory.objects.filter(code=_TOWN).first()
    if role.kind and town:
        Role.objects.get_or_create(account=account, kind=role.kind, territory=town)


def _read(path: Path) -> tuple[Credential, ...]:
    if not path.exists():
        return ()
    return tuple(Credential(**entry) for entry in tomllib.loads(path.read_text("utf-8"))["account"])


def _toml(credential: Credential) -> str:
    return (
        f'[[account]]\nrole = "{credential.role}"\nemail = "{credential.email}"\n'
        f'password = "{credential.password}"\n'
    )


def _works(secret: str) -> bool:
    try:
        key.find(secret)
    except Refused:
        return False
    return True


def _write_secret(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)

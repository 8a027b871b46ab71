"""Roles: what an account may do in a territory and all below it.

No role lets anybody read: readings are read by ownership or by a grant. An operator of the whole
node (`is_superuser`) has every power everywhere.
"""

from __future__ import annotations

from enum import StrEnum
from functools import reduce
from operator import or_

from allauth.account.models import EmailAddress
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from kevre.model.errors import Conflict, Refused
from kevre.places.territory import Territory
from kevre.rights.account import Account


class RoleKind(models.TextChoices):
    """What somebody is in a territory."""

    OPERATOR = "operator", _("Operator")
    MANAGER = "manager", _("Energy manager")
    ADVISER = "adviser", _("Adviser")
    RESEARCHER = "researcher", _("Researcher")
    CITIZEN = "citizen", _("Citizen")


class Power(StrEnum):
    """One thing that a role lets do.

    ACCOUNTS: make accounts and give roles. SUPPORT: see the pages as a person sees them, who is
    told of it. COLLECTORS: pair and set up collectors. REQUESTS: decide on requests to read the
    sites of organisations. ASK: ask people for access to their readings. APPLICATIONS: register
    applications that ask people by themselves.
    """

    ACCOUNTS = "accounts"
    SUPPORT = "support"
    COLLECTORS = "collectors"
    REQUESTS = "requests"
    ASK = "ask"
    APPLICATIONS = "applications"


# The one table of what each may do; docs/operators/roles.md shows it.
MAY: dict[RoleKind, frozenset[Power]] = {
    RoleKind.OPERATOR: frozenset(Power) - {Power.REQUESTS},
    RoleKind.MANAGER: frozenset({Power.COLLECTORS, Power.REQUESTS, Power.ASK, Power.APPLICATIONS}),
    RoleKind.ADVISER: frozenset({Power.ASK}),
    RoleKind.RESEARCHER: frozenset({Power.ASK, Power.APPLICATIONS}),
    RoleKind.CITIZEN: frozenset(),
}


class Role(models.Model):
    """That an account has a role in a territory."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="roles")
    kind = models.CharField(max_length=16, choices=RoleKind.choices)
    territory = models.ForeignKey(Territory, on_delete=models.PROTECT, related_name="roles")
    given_by = models.ForeignKey(
        Account, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    given_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ("kind", "territory")
        constraints = (
            models.UniqueConstraint(fields=("account", "kind", "territory"), name="role_once"),
        )

    def __str__(self) -> str:
        return f"{self.account_id} · {self.kind} · {self.territory_id}"


def may(account: Account | None, power: Power, place: Territory | None = None) -> bool:
    """Say whether an account has a power in a territory, or anywhere if none is named."""
    if account is None or not account.is_active:
        return False
    if account.is_superuser:
        return True
    paths = _paths(account, power)
    return bool(paths) if place is None else place.path.startswith(tuple(paths))


def territories(account: Account | None, power: Power) -> QuerySet[Territory]:
    """Give the territories in which an account has a power."""
    if account is None or not account.is_active:
        return Territory.objects.none()
    if account.is_superuser:
        return Territory.objects.all()
    below = [Q(path__startswith=path) for path in _paths(account, power)]
    return Territory.objects.filter(reduce(or_, below)) if below else Territory.objects.none()


def accounts(actor: Account | None, power: Power) -> QuerySet[Account]:
    """Give the accounts that a power reaches: who has a role or a site where the actor has it.

    Operators are reached by those of the whole node only, and nobody reaches himself.
    """
    if actor is None or not actor.is_active:
        return Account.objects.none()
    found = Account.objects.exclude(pk=actor.pk)
    if actor.is_superuser:
        return found
    places = territories(actor, power).values("pk")
    reached = Q(roles__territory__in=places) | Q(parties__sites__territory__in=places)
    operators = Role.objects.filter(kind=RoleKind.OPERATOR).values("account")
    found = found.filter(reached, is_superuser=False, is_staff=False)
    return found.exclude(pk__in=operators).distinct()


def give(actor: Account, account: Account, kind: RoleKind, place: Territory) -> Role:
    """Give a role; whose power over accounts is by a role gives none that is as wide.

    Raises:
        Refused: the actor may not give it there, or not to this account: it would bring a
            stranger within reach.
    """
    reached = accounts(actor, Power.ACCOUNTS).filter(pk=account.pk).exists()
    if not reached or not may_give(actor, kind, place):
        raise Refused("role.refused", "you may not give this role there")
    role, _made = Role.objects.get_or_create(
        account=account, kind=kind, territory=place, defaults={"given_by": actor}
    )
    return role


def take(actor: Account, role: Role) -> None:
    """Take a role away.

    Raises:
        Refused: the actor could not have given it.
    """
    if not may_give(actor, RoleKind(role.kind), role.territory):
        raise Refused("role.refused", "you may not take this role away")
    role.delete()


def may_give(actor: Account, kind: RoleKind, place: Territory) -> bool:
    """Say whether somebody may give or take a role in a territory."""
    if kind is RoleKind.OPERATOR and not actor.is_superuser:
        return False
    return may(actor, Power.ACCOUNTS, place)


def invite(actor: Account, email: str, kind: RoleKind, place: Territory) -> Account:
    """Make an account with its first role; the person signs in by a code that is mailed.

    Raises:
        Refused: the actor may not give this role there.
        Conflict: there is an account with this address.
    """
    if not may_give(actor, kind, place):
        raise Refused("role.refused", "you may not give this role there")
    if Account.objects.filter(email__iexact=email).exists():
        raise Conflict(
            "user.exists",
            "there is an account with this address already",
            hint="an operator of the node can give it a role",
        )
    with transaction.atomic():
        account = Account.objects.create_user(email)
        # Who makes the account vouches for the address; a code sent there opens it.
        EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
        Role.objects.create(account=account, kind=kind, territory=place, given_by=actor)
    return account


def held(account: Account) -> tuple[Role, ...]:
    """Give the roles that an account has."""
    return tuple(account.roles.select_related("territory").order_by("kind", "territory__path"))


def _paths(account: Account, power: Power) -> list[str]:
    kinds = [kind for kind, powers in MAY.items() if power in powers]
    found = account.roles.filter(kind__in=kinds)
    return list(found.values_list("territory__path", flat=True))

import re
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from tests import registry

from kevre.model.errors import Conflict, Refused
from kevre.places.models import Territory
from kevre.rights import role
from kevre.rights.models import Account, Membership, Role
from kevre.rights.role import MAY, Power, RoleKind

pytestmark = [pytest.mark.django_db, pytest.mark.registry]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "operators" / "roles.md"


def account(email, kind=None, place=None, **fields):
    made = Account.objects.create_user(email, **fields)
    if kind is not None:
        Role.objects.create(account=made, kind=kind, territory=place)
    return made


@pytest.fixture
def region():
    return registry.commune().parent


def test_the_page_shows_the_table_of_the_code():
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE.read_text("utf-8"), re.MULTILINE)
    shown = {
        power: {kind for kind, mark in zip(RoleKind, marks.split("|"), strict=True) if mark.strip()}
        for power, marks in rows
    }

    assert shown == {
        power.value: {kind for kind in RoleKind if power in MAY[kind]} for power in Power
    }


def test_a_role_holds_in_its_territory_and_below_and_nowhere_else(region):
    lorient, rennes = registry.commune(), registry.commune("35238", "Rennes")
    of_town = account("a@x.example", RoleKind.MANAGER, lorient)
    of_region = account("b@x.example", RoleKind.MANAGER, region)

    assert role.may(of_town, Power.COLLECTORS, lorient)
    assert not role.may(of_town, Power.COLLECTORS, rennes)
    assert not role.may(of_town, Power.COLLECTORS, region)
    assert role.may(of_region, Power.COLLECTORS, rennes)
    assert set(role.territories(of_region, Power.COLLECTORS)) == set(Territory.objects.all())


@pytest.mark.parametrize("power", Power)
def test_guests_citizens_and_closed_accounts_have_no_power(power, region):
    citizen = account("a@x.example", RoleKind.CITIZEN, region)
    closed = account("b@x.example", is_superuser=True, is_active=False)

    for one in (None, citizen, closed):
        assert not role.may(one, power)
        assert not role.territories(one, power).exists()


def test_an_operator_reaches_those_of_the_territory_and_no_other_operator(region):
    lorient, rennes = registry.commune(), registry.commune("35238", "Rennes")
    operator = account("op@x.example", RoleKind.OPERATOR, lorient)
    account("other@x.example", RoleKind.OPERATOR, lorient)
    account("far@x.example", RoleKind.ADVISER, rennes)
    account("root@x.example", is_superuser=True)
    owner = registry.party("Someone", "person")
    registry.site(owner=owner)
    at_home = account("home@x.example")
    Membership.objects.create(account=at_home, party=owner)
    near = account("near@x.example", RoleKind.ADVISER, lorient)

    assert set(role.accounts(operator, Power.ACCOUNTS)) == {at_home, near}


def test_a_role_cannot_bring_a_stranger_within_reach(region):
    lorient, rennes = registry.commune(), registry.commune("35238", "Rennes")
    operator = account("op@x.example", RoleKind.OPERATOR, lorient)
    stranger = account("far@x.example", RoleKind.ADVISER, rennes)

    with pytest.raises(Refused):
        role.give(operator, stranger, RoleKind.CITIZEN, lorient)
    with pytest.raises(Conflict):
        role.invite(operator, "FAR@x.example", RoleKind.CITIZEN, lorient)
    assert not role.accounts(operator, Power.SUPPORT).filter(pk=stranger.pk).exists()


def test_only_the_operator_of_the_node_makes_operators(region):
    operator = account("op@x.example", RoleKind.OPERATOR, region)
    near = account("near@x.example", RoleKind.ADVISER, region)
    root = account("root@x.example", is_superuser=True)

    with pytest.raises(Refused):
        role.give(operator, near, RoleKind.OPERATOR, region)
    with pytest.raises(Refused):
        role.invite(operator, "new@x.example", RoleKind.OPERATOR, region)
    assert role.give(root, near, RoleKind.OPERATOR, region).given_by == root


def test_who_is_invited_signs_in_without_confirming_the_address_again(region):
    operator = account("op@x.example", RoleKind.OPERATOR, region)

    made = role.invite(operator, "new@x.example", RoleKind.ADVISER, registry.commune())

    assert not made.has_usable_password()
    assert EmailAddress.objects.get(user=made).verified
    assert role.may(made, Power.ASK, registry.commune())


def test_a_role_is_taken_by_whom_could_have_given_it(region):
    lorient, rennes = registry.commune(), registry.commune("35238", "Rennes")
    operator = account("op@x.example", RoleKind.OPERATOR, lorient)
    near = account("near@x.example", RoleKind.ADVISER, lorient)
    far = Role.objects.create(account=near, kind=RoleKind.ADVISER, territory=rennes)

    role.take(operator, near.roles.get(territory=lorient))
    with pytest.raises(Refused):
        role.take(operator, far)

    assert list(near.roles.all()) == [far]

"""Who may do what in the demo."""

import stat
import tomllib
from datetime import UTC, datetime

import pytest
from django.db import transaction

from kevre.places.device import Attachment
from kevre.rights import key
from kevre.rights.account import Account
from kevre.rights.gate import Reader, readable_sites

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 3, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def node(open_node, tmp_path_factory, django_db_setup, django_db_blocker):
    """One node for all tests of this module, which only read it."""
    with (
        django_db_blocker.unblock(),
        transaction.atomic(),
        open_node(tmp_path_factory.mktemp("home")) as opened,
    ):
        opened.demo = opened.set_up(history_days=1)
        yield opened
        transaction.set_rollback(True)


def test_guests_read_public_sites_and_no_home(node):
    kinds = {site.kind for site in readable_sites(Reader(None), NOW)}
    assert kinds == {"school", "town_hall", "pool", "housing", "plant", "station", "reference"}


def test_each_account_sees_what_its_role_says(node):
    demo = node.demo
    roles = {c.role: Account.objects.get(email=c.email) for c in demo.accounts}
    for credential in demo.accounts:
        assert Account.objects.get(email=credential.email).check_password(credential.password)
    citizen = roles["citizen with a home"]
    own = [s.slug for s in readable_sites(Reader(citizen), NOW) if s.kind == "home"]
    assert own == ["maison-01"]
    assert roles["operator of the node"].is_superuser
    assert not roles["energy manager of the town"].is_staff


def test_only_the_owner_of_the_home_reads_its_secrets(node):
    demo = node.demo
    for name in ("accounts.toml", "device.key"):
        mode = (node.home / "demo" / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
    assert len(tomllib.loads((node.home / "demo" / "accounts.toml").read_text())["account"]) == 3
    assert demo.device_key.read_text().startswith("kvw_")


def test_the_device_key_writes_the_schools_meter_alone_and_is_made_once(node):
    secret = node.demo.device_key.read_text().strip()
    assert node.set_up().device_key.read_text().strip() == secret
    points = key.find(secret).points.values_list("urn", flat=True)
    assert list(points) == ["urn:dev:prm:00000000000101"]


def test_the_schools_meter_was_replaced_once(node):
    history = Attachment.objects.filter(point__urn="urn:dev:prm:00000000000101").order_by("since")
    serials = [one.device.serial for one in history]
    assert serials == ["DEMO-CBE-0101", "DEMO-LINKY-0101"]
    assert history[0].until == history[1].since

from datetime import UTC, datetime

import pytest
from django.contrib.admin.sites import site as admin_site
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import ProtectedError
from django.urls import reverse
from tests import registry

from kevre.model.identifier import KINDS
from kevre.places.models import Attachment, Device, MeteringPoint, Series, Territory
from kevre.rights.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.registry]


def tree():
    region = Territory.objects.create(code="53", level="region", name="Bretagne", slug="bretagne")
    town = Territory.objects.create(
        code="200042174",
        level="agglomeration",
        name="Lorient Agglomération",
        slug="agglo",
        parent=region,
    )
    communes = [
        Territory.objects.create(code=code, level="commune", name=code, slug=code, parent=town)
        for code in ("56121", "56098")
    ]
    return region, town, communes


def test_a_territory_knows_its_lineage_and_all_below_it():
    region, town, communes = tree()

    assert list(communes[0].lineage()) == [region, town, communes[0]]
    assert set(region.subtree()) == {region, town, *communes}
    assert set(town.subtree()) == {town, *communes}


def test_a_territory_with_sites_cannot_be_deleted():
    registry.site()

    with pytest.raises(ProtectedError):
        registry.commune().delete()


def at(day):
    return datetime(2026, 1, day, tzinfo=UTC)


def test_a_device_is_in_one_place_at_a_time():
    one = registry.series(registry.site()).point
    other = registry.series(registry.site("hall"), prm="11111111111111").point
    device = Device.objects.create(serial="d1")
    Attachment.objects.create(device=device, point=one, since=at(1), until=at(10))

    Attachment(device=device, point=other, since=at(10)).full_clean()
    for since, until in ((at(5), at(7)), (at(9), None), (at(1), at(2))):
        with pytest.raises(ValidationError):
            Attachment(device=device, point=other, since=since, until=until).full_clean()


def test_an_attachment_cannot_end_before_it_began():
    point = registry.series(registry.site()).point
    device = Device.objects.create(serial="d1")

    with pytest.raises(IntegrityError):
        Attachment.objects.create(device=device, point=point, since=at(10), until=at(1))


@pytest.mark.parametrize("path", sorted(KINDS))
def test_the_registry_gives_back_the_kind_of_a_series(path):
    made = registry.series(registry.site(), path)

    assert Series.objects.get(pk=made.pk).kind == KINDS[path]
    assert made.path == path


def test_a_metering_point_is_registered_once():
    registry.series(registry.site())

    with pytest.raises(IntegrityError):
        MeteringPoint.objects.create(urn="urn:dev:prm:09876543210123", fluid="electricity")


def admin_pages():
    return sorted(
        f"{model._meta.app_label}_{model._meta.model_name}"
        for model in admin_site._registry
        if model._meta.app_label in {"places", "rights", "flow"}
    )


def test_the_administration_shows_every_noun_of_the_registry():
    assert {
        "places_territory",
        "places_site",
        "places_series",
        "rights_grant",
        "flow_quarantined",
    } <= set(admin_pages())


@pytest.mark.parametrize("page", admin_pages())
def test_an_operator_opens_each_page_of_the_administration(page, client):
    operator = Account.objects.create_superuser("op@example.org", "a-long-password")
    client.force_login(operator)

    assert client.get(reverse(f"admin:{page}_changelist")).status_code == 200

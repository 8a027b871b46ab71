import pytest

pytestmark = pytest.mark.django_db


def test_a_guest_sees_public_sites_and_homes_only_together(client, town):
    page = client.get("/en/").content.decode()

    assert "École des Embruns" in page
    assert "12 homes, together" in page
    assert "Maison 3" not in page

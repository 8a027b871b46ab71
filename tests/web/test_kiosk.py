"""The page for a hall: what it says, to whom, and how light it is."""

import gzip
import re

import pytest
from django.utils.translation import override
from tests import registry
from tests.web.town import SCHOOL

from kevre.web import kiosk

MOST_BYTES = 3_000


@pytest.mark.parametrize(
    ("power_w", "expected"),
    [
        (3, "less than one lamp"),
        (9, "as 1 lamp"),
        (450, "as 50 lamps"),
        (1_800, "as 200 lamps"),
        (2_000, "as 1 kettle"),
        (41_000, "as 20 kettles"),
    ],
)
def test_a_power_is_told_in_things_that_children_know(power_w, expected):
    with override("en"):
        assert kiosk.like_power(power_w, "en_GB") == expected


def test_an_energy_is_a_journey():
    with override("en"):
        assert kiosk.like_energy(12_345, "en_GB") == "1,234 km on an electric bicycle"
        assert kiosk.like_energy(4, "en_GB") == "0 km on an electric bicycle"


def test_a_hall_shows_sun_and_use_side_by_side(client, town):
    page = client.get(f"/fr/site/{SCHOOL}/hall/")
    text = page.content.decode()

    assert page.status_code == 200
    assert re.findall(r"<h2[^>]*>([^<]+)</h2>", text) == ["Nous utilisons", "Le soleil donne"]
    widths = [int(one) for one in re.findall(r'<rect width="(\d+)"', text)]
    assert max(widths) == 100
    assert "à vélo électrique" in text
    assert "<script>" not in text
    assert "style=" not in text
    assert '<noscript><meta http-equiv="refresh" content="60"></noscript>' in text


def test_the_page_is_light(client, town):
    page = client.get(f"/fr/site/{SCHOOL}/hall/")

    assert len(gzip.compress(page.content)) < MOST_BYTES


@pytest.mark.django_db
def test_who_may_not_see_a_site_may_not_see_its_hall(client, open_way):
    registry.series(registry.site())

    assert client.get("/fr/site/school/hall/").status_code == 404

import pytest

from kevre.model.errors import Malformed
from kevre.node.demo import commune
from kevre.node.demo.commune import Commune, NamedPlace
from kevre.node.demo.plan import plan


@pytest.fixture(scope="module")
def lorient(packages):
    planned = plan()
    return commune.agglomeration(packages, planned.agglomeration, planned.positions)


def test_lorient_agglomeration_has_its_25_communes_with_population(lorient):
    assert lorient.name == "Lorient Agglomération"
    assert lorient.region_name == "Bretagne"
    assert len(lorient.communes) == 25
    assert {"Lorient", "Groix", "Gâvres", "Lanvaudan"} <= {c.name for c in lorient.communes}
    assert lorient.population == sum(c.population for c in lorient.communes) > 200_000


def test_every_commune_lies_around_the_roadstead(lorient):
    for one in lorient.communes:
        assert 47.6 < one.latitude < 48.0, one.name
        assert -3.6 < one.longitude < -3.1, one.name


def test_an_agglomeration_that_does_not_exist_is_said_so(packages):
    with pytest.raises(Malformed) as refused:
        commune.agglomeration(packages, "999999999", {})
    assert refused.value.code == "demo.no_agglomeration"


def test_places_are_found_with_their_accents_and_only_in_the_region(packages):
    found = list(commune.places(packages, "FR", "53"))
    names = {place.name for place in found}
    assert {"Quéven", "Rennes", "Brest"} <= names
    assert "Paris" not in names
    assert len(found) > 900


def test_a_name_that_two_places_bear_gives_no_position():
    known = (NamedPlace("Plouay", 47.9, -3.3), NamedPlace("Plouay", 48.5, -1.9))
    placed = commune.placed((Commune("56166", "Plouay", 5_755),), known, {})
    assert placed[0].latitude is None


def test_a_position_set_by_hand_counts_before_one_that_is_found():
    known = (NamedPlace("Guidel", 1.0, 2.0),)
    placed = commune.placed((Commune("56078", "Guidel", 1),), known, {"56078": (47.79, -3.49)})
    assert (placed[0].latitude, placed[0].longitude) == (47.79, -3.49)

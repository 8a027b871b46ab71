"""Points and periods of C15 and F15; nothing of who lives there."""

from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from kevre.connect.archive import sources
from kevre.connect.enedis.contract import charges, situations
from kevre.model.errors import Malformed

PARIS = ZoneInfo("Europe/Paris")
PRM = "09876543210123"
C15 = (
    f"<C15><PRM><Id_PRM>{PRM}</Id_PRM><Segment_Clientele>C5</Segment_Clientele><Evenement_Declencheur>"
    "<Date_Evenement>2026-03-29T00:01:00+01:00</Date_Evenement><Nature_Evenement>MCT</Nature_Evenement>"
    "</Evenement_Declencheur><Adresse_Installation><Rue>Secret</Rue></Adresse_Installation>"
    "<Situation_Contractuelle><Etat_Contractuel>EN SERVICE</Etat_Contractuel><Date_Debut_Num_Sequence>"
    "2026-03-29</Date_Debut_Num_Sequence><Structure_Tarifaire><Formule_Tarifaire_Acheminement>BTINFCU4"
    "</Formule_Tarifaire_Acheminement><Puissance_Souscrite>6.5</Puissance_Souscrite>"
    "<Unite_Puissance_Souscrite>kVA</Unite_Puissance_Souscrite><Id_Calendrier_Distributeur>DI000003"
    "</Id_Calendrier_Distributeur></Structure_Tarifaire></Situation_Contractuelle></PRM></C15>"
)
F15 = (
    f"<F15_Detail_Facturation><Donnees_Valorisation><Donnees_PRM><Id_PRM>{PRM}</Id_PRM><Nom>Secret</Nom>"
    "</Donnees_PRM><Groupe_Valorise><Element_Valorise><Id_EV>X</Id_EV><Date_Debut>2026-03-29</Date_Debut>"
    "<Date_Fin>2026-03-29</Date_Fin><Quantite>2.50</Quantite><Unite_Quantite>kWh</Unite_Quantite>"
    "</Element_Valorise></Groupe_Valorise></Donnees_Valorisation></F15_Detail_Facturation>"
)


@contextmanager
def opened(path):
    opening = sources(path, lambda count: None)
    yield next(opening)
    opening.close()


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "file.xml"
        path.write_text(content)
        return path

    return write


def test_a_situation_says_the_terms_of_a_point_and_since_when(file):
    with opened(file(C15)) as source:
        (found,) = situations(source)
    assert (found.point, found.segment, found.event) == (f"urn:dev:prm:{PRM}", "C5", "MCT")
    assert (found.state, found.tariff, found.power_va) == ("EN SERVICE", "BTINFCU4", (6500, 0))
    assert found.calendars == ("DI000003",)
    assert datetime.fromtimestamp(found.event_s, UTC).isoformat() == "2026-03-28T23:01:00+00:00"
    assert datetime.fromtimestamp(found.since_s, PARIS).isoformat() == "2026-03-29T00:00:00+01:00"


def test_a_charge_lasts_from_its_first_day_to_the_end_of_its_last(file):
    with opened(file(F15)) as source:
        (found,) = charges(source)
    assert (found.point, found.code, found.quantity, found.unit) == (
        f"urn:dev:prm:{PRM}",
        "X",
        (25, -1),
        "kWh",
    )
    assert found.end_s - found.start_s == 23 * 3600


def test_nothing_personal_is_read(file):
    for content, reader in ((C15, situations), (F15, charges)):
        with opened(file(content)) as source:
            assert "Secret" not in repr(list(reader(source)))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [(PRM, "12", "identifier.digits"), ("2026-03-29T", "noon", "time.malformed"),
     ("<Puissance_Souscrite>6.5", "<Puissance_Souscrite>many", "value.not_a_number"),
     (">kVA<", ">TEXTE<", "unit.unknown"), ("</C15>", "", "file.xml")],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(file, old, new, code):
    with opened(file(C15.replace(old, new))) as source, pytest.raises(Malformed) as raised:
        list(situations(source))
    assert raised.value.code == code


@pytest.mark.real_data
def test_real_files_give_their_points_and_periods(samples):
    folder = samples / "enedis_sge" / "electricore"
    with opened(folder / "c15_avec_releves.xml") as source:
        (found,) = situations(source)
    assert (found.segment, found.event, found.tariff, found.power_va) == (
        "C5",
        "MCT",
        "BTINFCU4",
        (6000, 0),
    )
    with opened(folder / "f15.xml") as source:
        (charge,) = charges(source)
    assert (charge.code, charge.quantity, charge.end_s - charge.start_s) == (
        "DCOUP_PEN",
        (2, 0),
        86_400,
    )

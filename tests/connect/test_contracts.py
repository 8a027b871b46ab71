"""What holds for every connector: the same batches twice, ordered, of known kinds, without faults."""

import importlib
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from tests.connect.reading import batches_of, faults_of, readings_of

import kevre.connect
from kevre.connect.recognise import KINDS
from kevre.model import identifier

POWER = "urn:dev:org:32473-school:hall_consumption/power/active/raw"
FEED = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>urn:uuid:48C2A019</id>\n<link rel="self" '
    'href="/espi/1_1/U/1"/><content><UsagePoint xmlns="http://naesb.org/espi"><ServiceCategory><kind>0'
    '</kind></ServiceCategory></UsagePoint></content></entry>\n<entry><link rel="self" href="/espi/'
    '1_1/ReadingType/7"/><content><ReadingType xmlns="http://naesb.org/espi"><accumulationBehaviour>4'
    "</accumulationBehaviour><flowDirection>1</flowDirection><intervalLength>900</intervalLength>"
    "<powerOfTenMultiplier>0</powerOfTenMultiplier><uom>72</uom></ReadingType></content></entry>\n"
    '<entry><content><IntervalBlock xmlns="http://naesb.org/espi"><IntervalReading><ReadingQuality>'
    "<quality>8</quality></ReadingQuality><timePeriod><start>1768478400</start></timePeriod><value>282"
    "</value></IntervalReading>\n<IntervalReading><timePeriod><duration>900</duration><start>1768479300"
    "</start></timePeriod><value>0</value></IntervalReading></IntervalBlock></content></entry></feed>"
)
GOOD = {
    "Enedis curve or index (CSV)": (
        "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;"
        "Grandeur metier;Etape metier;Unite;Pas en minutes\n"
        "09876543210123;Courbe de charge;01/01/2026;02/01/2026;Energie active;"
        "Consommation;Comptage Brut;W;\nHorodate;Valeur\n"
        "2026-01-15T00:30:00+01:00;612\n2026-01-15T01:00:00+01:00;418\n"
    ),
    "Enedis workbook of the customer (XLSX)": (
        ";Point Référence Mesure (PRM) : ;09876543210123\n\n;Date;Valeur (en kWh)\n"
        ";01/01/2026;6,329\n;02/01/2026;7\n"
    ),
    "GRDF export of the customer (XLSX, CSV)": (
        ";;N° PCE :;;23000000000000\n;Date de relevé;Volume consommé (m3);Energie consommée (kWh)\n"
        ";10/01/2026;9,2;105\n;11/01/2026;8,8;101\n"
    ),
    "GRDF answer of the customer's page": (
        '{"23000000000000": {"idPce": "23000000000000", "releves": [\n'
        '{"journeeGaziere":"2026-01-10","energieConsomme":75,"volumeBrutConsomme":7},\n'
        '{"journeeGaziere":"2026-01-11","energieConsomme":76,"volumeBrutConsomme":7}]}}'
    ),
    "Enedis Data Connect answer or file R6x (JSON)": (
        '{"idPrm":"09876543210123","etapeMetier":"BRUT","grandeur":[{"grandeurMetier":"CONS",\n'
        '"grandeurPhysique":"PA","unite":"W","points":[\n'
        '{"v":"612","d":"2026-01-15 00:30:00","p":"PT30M","n":"B","iv":"0"},\n'
        '{"v":"418","d":"2026-01-15 01:00:00","p":"PT30M","n":"B","iv":"0"}]}]}'
    ),
    "answer of an Enedis SGE web service (XML)": (
        "<consulterMesuresDetailleesResponse><pointId>09876543210123</pointId>\n<grandeur>"
        "<grandeurMetier>CONS</grandeurMetier><grandeurPhysique>EA</grandeurPhysique><unite>Wh</unite>\n"
        "<mesure><v>20711</v><d>2026-01-15T00:00:00.000+01:00</d></mesure>\n<mesure><v>24217</v>"
        "<d>2026-01-16T00:00:00.000+01:00</d></mesure></grandeur></consulterMesuresDetailleesResponse>"
    ),
    "Enedis stream R50, R4x, R151, R171, R15 or C15 (XML)": (
        "<R50><PRM><Id_PRM>09876543210123</Id_PRM>\n<Donnees_Releve><PDC><H>2026-01-15T00:30:00+01:00</H>"
        "<V>612</V><IV>0</IV></PDC>\n<PDC><H>2026-01-15T01:00:00+01:00</H><V>418</V><IV>0</IV></PDC>\n"
        "</Donnees_Releve></PRM></R50>"
    ),
    "GRDF consumptions from ADICT (JSON)": (
        '{"pce": {"id_pce": "23000000000000"}, "consommation": {"date_debut_consommation":'
        '"2026-01-15T06:00:00+01:00","date_fin_consommation":"2026-01-16T06:00:00+01:00",'
        '"energie":8,"volume_brut":1}}\n{"pce": {"id_pce": "23000000000000"}, "consommation": {'
        '"journee_gaziere":"2026-01-16","energie":9,"volume_brut":1}}\n'
    ),
    "Green Button feed (XML)": FEED,
    "Météo-France hourly observations (CSV)": (
        "numer_sta,time_utc,t_c,rr1,ghi_wh_m2\n56185001,2026-01-15 12:00:00,9.5,0.2,120\n"
        "56185001,2026-01-15 11:00:00,9.1,,110\n22016001,2026-01-15 12:00:00,8,0,120\n"
    ),
    "house with photovoltaics, as EMHASS keeps it (CSV)": (
        "timestamp_utc,load_no_controllable_W,pv_W,pv_forecast_W\n"
        "2026-01-15 12:00:00+00:00,310.5,1200.0,1100\n2026-01-15 12:30:00+00:00,,,\n"
    ),
    "table of one series: start,value (CSV)": (
        "start,value\n2026-01-15T12:00:00Z,1.25\n2026-01-15T12:30:00Z,\n"
    ),
    "SenML (JSON, XML or CBOR)": (
        f'[{{"bn":"{POWER}","bt":1768478400,"bu":"W","bst":1800,"v":612}},{{"t":1800,"q":7}}]'
    ),
}
FOLDERS = sorted(path.parent for path in Path(kevre.connect.__file__).parent.glob("*/__init__.py"))
STATES = {"done", "to do", "exempt"}

every_kind = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
every_folder = pytest.mark.parametrize("folder", FOLDERS, ids=[path.name for path in FOLDERS])


def test_every_kind_of_file_has_a_good_example():
    assert set(GOOD) == {kind.name for kind in KINDS}


@every_kind
def test_a_good_file_is_of_one_kind_only(kind):
    head = GOOD[kind.name].encode()
    assert [other.name for other in KINDS if other.fits(head)] == [kind.name]


@every_kind
def test_a_good_file_has_readings_and_no_faults(kind):
    batches = batches_of(GOOD[kind.name], series=hint(kind))
    assert faults_of(batches) == []
    assert sum(map(len, batches)) >= 2


@every_kind
def test_the_same_file_gives_the_same_batches_again(kind):
    first = batches_of(GOOD[kind.name], series=hint(kind))
    assert first == batches_of(GOOD[kind.name], series=hint(kind))
    assert all(batch.key for batch in first)
    assert len({batch.key for batch in first}) == len(first)


@every_kind
def test_readings_are_in_strict_order_and_of_the_kind_that_their_name_says(kind):
    for batch in batches_of(GOOD[kind.name], series=hint(kind)):
        for column in batch.columns:
            assert all(a < b for a, b in pairwise(column.start_s))
            assert identifier.parse(column.series).kind == column.kind


@every_kind
def test_names_of_series_do_not_stand_twice_in_a_batch(kind):
    for batch in batches_of(GOOD[kind.name], series=hint(kind)):
        assert len({column.series for column in batch.columns}) == len(batch.columns)


@every_kind
def test_a_byte_order_mark_and_other_line_ends_change_nothing(kind):
    text = GOOD[kind.name]
    windows = ("\ufeff" + text).replace("\n", "\r\n")
    assert readings_of(batches_of(windows, series=hint(kind))) == readings_of(
        batches_of(text, series=hint(kind))
    )


def hint(kind):
    return POWER if kind.name.startswith("table") else None


@every_folder
def test_a_connector_says_what_it_reads_and_from_which_source(folder):
    said = importlib.import_module(f"kevre.connect.{folder.name}").__doc__
    assert "Sources:" in said


@every_folder
def test_a_connector_has_the_same_files_as_all(folder):
    names = {path.name for path in folder.glob("*.*")}
    expected = {"__init__.py", "parse.py", "quality.toml", "names.py"}
    assert names >= expected - ({"names.py"} if folder.name == "senml" else set())


@every_folder
def test_a_connector_says_what_it_does_of_the_common_scale(folder):
    scale = tomllib.loads((folder / "quality.toml").read_text(encoding="utf-8"))
    of_another = tomllib.loads((FOLDERS[0] / "quality.toml").read_text(encoding="utf-8"))
    assert set(scale) == set(of_another)
    for state in scale.values():
        if isinstance(state, str):
            assert state == "done"
            continue
        assert state["status"] in STATES - {"done"}
        assert state["why"]

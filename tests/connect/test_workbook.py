"""Workbooks (XLSX): of Enedis' and GRDF's customers, and hostile ones."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connect.reading import batches_of, faults_of, from_file, only, readings_of
from tests.connect.sheet import MAIN, workbook

from kevre.model.errors import Malformed
from kevre.model.quality import Quality
from kevre.model.window import PARIS

PRM, PCE = "09876543210123", "23000000000000"
POINT = f"urn:dev:prm:{PRM}_"
COVER = [["Les données de ce fichier"], [], ["Page d'accueil"]]
ABOVE = [
    [], [], [None, "Point Référence Mesure (PRM) : ", PRM, None, "Consommation"],
    [None, "Date de début : ", "01/01/2026"], [],
]  # fmt: skip
GAS = [
    [None, "Données informatives et détaillées"], [None, None, "N° PCE :", None, PCE], [],
    [None, "Date de relevé", "Index de début de période (m3)", "Index de fin de période (m3)",
     "Volume consommé (m3)", "Energie consommée (kWh)", "Coefficient de conversion",
     "Température locale (°C)", "Qualification du relevé"],
]  # fmt: skip


def daily(*rows, header=("Date", "Valeur (en kWh)"), above=ABOVE):
    return workbook(
        Accueil=COVER,
        Export_Consommation_Quotidienne=[*above, [None, *header], *([None, *row] for row in rows)],
    )


def curve(*rows):
    header = [None, None, "Début", "Fin", "Valeur (en kW)"]
    return workbook(
        Accueil=COVER, Consommation_Horaire=[*ABOVE, ["", "Plage horaire"], header,
                                             *([None, None, *row] for row in rows)],
    )  # fmt: skip


def said(readings):
    return [(f"{r.start:%m-%dT%H:%M}", r.step_s, r.value) for r in readings]


def test_days_of_a_customers_workbook_are_energies_of_calendar_days():
    found = batches_of(daily(["01/01/2026", 6.329], ["29/03/2026", "7,5"], ["30/03/2026", "NA"]))
    assert said(only(found)) == [
        ("12-31T23:00", 86_400, (6_329, 0)), ("03-28T23:00", 82_800, (7_500, 0)),
        ("03-29T22:00", 86_400, None),
    ]  # fmt: skip
    assert list(readings_of(found)) == [POINT + "consumption/energy/active/daily"]


def test_dates_may_be_cells_of_dates():
    found = only(batches_of(daily([datetime(2026, 1, 1), 6])))
    assert said(found) == [("12-31T23:00", 86_400, (6_000, 0))]


def test_half_hours_have_both_their_ends():
    found = batches_of(
        curve(["15/01/2026 00:00:00", "15/01/2026 00:30:00", "0,612"],
              ["15/01/2026 00:30:00", "15/01/2026 01:30:00", "0,7"])
    )  # fmt: skip
    assert said(only(found)) == [("01-14T23:00", 1800, (612, 0)), ("01-14T23:30", 3600, (700, 0))]
    assert list(readings_of(found)) == [POINT + "consumption/power/active/raw"]


@pytest.mark.parametrize(
    ("first", "count"), [("2025-10-26", 50), ("2026-03-29", 46), ("2026-01-15", 48)]
)
def test_half_hours_meet_on_every_kind_of_day(first, count):
    start = datetime.fromisoformat(first).astimezone(PARIS).timestamp()
    local = [datetime.fromtimestamp(start + 1800 * n, PARIS) for n in range(count + 1)]
    rows = [
        [f"{a:%d/%m/%Y %H:%M:%S}", f"{b:%d/%m/%Y %H:%M:%S}", str(n)]
        for n, (a, b) in enumerate(pairwise(local))
    ]
    found = only(batches_of(curve(*rows)))
    assert [r.value[0] for r in found] == [n * 1000 for n in range(count)]
    assert [r.start_s for r in found] == [int(start) + 1800 * n for n in range(count)]
    assert {r.step_s for r in found} == {1800}


def test_production_is_told_by_what_stands_above():
    above = [[None, "Point Référence Mesure (PRM) :", PRM], ["Production Quotidienne"]]
    found = readings_of(batches_of(daily(["01/01/2026", 3], above=above)))
    assert list(found) == [POINT + "production/energy/active/daily"]


def test_a_workbook_may_hold_what_a_csv_file_holds():
    rows = [
        ["Identifiant PRM", "Type de donnees", "Date de debut", "Date de fin", "Grandeur physique",
         "Grandeur metier", "Etape metier", "Unite", "Pas en minutes"],
        [PRM, "Courbe de charge", "15/01/2026", "16/01/2026", "Energie active", "Consommation",
         "Comptage Brut", "W", ""], ["Horodate", "Valeur"],
        [datetime(2026, 1, 15, 0, 30), 612], [datetime(2026, 1, 15, 1), 418],
    ]  # fmt: skip
    found = only(batches_of(workbook(Courbe=rows)))
    assert said(found) == [("01-14T23:00", 1800, (612, 0)), ("01-14T23:30", 1800, (418, 0))]


def test_bad_rows_are_faults_with_the_number_of_their_row():
    found = batches_of(daily(["01/01/2026", 1], ["32/01/2026", 2], ["02/01/2026", "deux"]))
    assert [(f.code, f.line) for f in faults_of(found)] == [
        ("time.malformed", 8), ("value.not_a_number", 9),
    ]  # fmt: skip


def test_two_ends_that_are_no_step_apart_are_a_fault():
    found = batches_of(curve(["15/01/2026 00:00:00", "15/01/2026 05:00:00", "1"]))
    assert [f.code for f in faults_of(found)] == ["enedis.step"]


def test_a_workbook_without_readings_is_refused():
    with pytest.raises(Malformed) as raised:
        batches_of(workbook(Accueil=COVER, Notes=[["1", "2"]]))
    assert raised.value.code == "file.unrecognised"


def test_a_gas_day_is_named_by_the_day_on_which_it_begins():
    found = readings_of(
        batches_of(workbook(Historique=[
            *GAS, [None, "28/03/2026", 484, 494, 9.199999999999999, 105, 11.42781, None, "Mesuré"],
            [None, "29/03/2026", 494, 502, 8.8, 101, 11.42781, 3, "Estimé"]]))
    )  # fmt: skip
    gas = f"urn:dev:pce:{PCE}_consumption"
    assert said(found[f"{gas}/energy/gas/daily"]) == [
        ("03-28T05:00", 82_800, (105_000, 0)), ("03-29T04:00", 86_400, (101_000, 0)),
    ]  # fmt: skip
    assert [r.quality for r in found[f"{gas}/energy/gas/daily"]] == [
        Quality.MEASURED, Quality.ESTIMATED,
    ]  # fmt: skip
    assert [r.value for r in found[f"{gas}/volume/gas/daily"]] == [(92, -1), (88, -1)]
    assert [r.value for r in found[f"{gas}/volume/gas/index"]] == [(484, 0), (494, 0), (502, 0)]


@pytest.mark.parametrize(
    ("named", "hours"),
    [("Du 23/03/2026 au 29/03/2026", 7 * 24 - 1), ("Mars 2026", 31 * 24 - 1),
     ("Février 2026", 28 * 24), ("Août 2026", 31 * 24), ("Octobre 2026", 31 * 24 + 1),
     ("Décembre 2026", 31 * 24)],
)  # fmt: skip
def test_weeks_and_months_are_periods_of_gas_days(named, hours):
    found = readings_of(
        batches_of(workbook(H=[*GAS, [None, named, 1, 9, 8, 90, 11, "", "Mesuré"]]))
    )
    (reading,) = found[f"urn:dev:pce:{PCE}_consumption/energy/gas/raw"]
    assert reading.step_s == hours * 3600


def test_the_answer_of_the_customers_page_says_the_same():
    answer = (
        f'{{"{PCE}": {{"idPce": "{PCE}", "frequence": null, "releves": [{{"coeffConversion": 11.12,'
        '"dateDebutReleve": "2026-03-28T06:00:00+00:00","dateFinReleve":"2026-03-29T06:00:00+00:00",'
        '"energieConsomme": 75, "indexDebut": 10373, "indexFin": 10380, "journeeGaziere":'
        '"2026-03-28","natureReleve":"Informative Journalier","qualificationReleve":"Mesuré",'
        '"volumeBrutConsomme": 7}]}}'
    )
    found = readings_of(batches_of(answer))
    assert said(found[f"urn:dev:pce:{PCE}_consumption/energy/gas/daily"]) == [
        ("03-28T05:00", 82_800, (75_000, 0))
    ]


def hostile(content):
    with pytest.raises(Malformed) as raised:
        batches_of(content)
    return raised.value.code


def test_entities_are_refused():
    evil = f'<!DOCTYPE w [<!ENTITY a "b">]><worksheet {MAIN}><sheetData><row r="1"><c t="str"><v>&a;</v></c></row></sheetData></worksheet>'
    assert hostile(workbook({"xl/worksheets/sheet1.xml": evil}, A=[["x"]])) == "file.xml"


def test_entities_of_shared_texts_are_refused():
    evil = f'<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/passwd">]><sst {MAIN}><si><t>&a;</t></si></sst>'
    assert hostile(workbook({"xl/sharedStrings.xml": evil}, A=[["x"]])) == "file.xml"


def test_what_is_no_xml_is_refused():
    assert hostile(workbook({"xl/worksheets/sheet1.xml": "<a><b></a>"}, A=[["x"]])) == "file.xml"


def test_a_bomb_is_refused():
    zeros = f"<worksheet {MAIN}><sheetData>" + " " * 30_000_000 + "</sheetData></worksheet>"
    assert hostile(workbook({"xl/worksheets/sheet1.xml": zeros}, A=[["x"]])) == "file.bomb"


def test_shared_texts_beyond_bounds_are_refused():
    many = f"<sst {MAIN}>" + "<si><t>0</t></si>" * 600_000 + "</sst>"
    assert hostile(workbook({"xl/sharedStrings.xml": many}, A=[["x"]])) == "file.too_large"


def test_a_far_row_and_a_far_column_cost_nothing():
    far = (
        f'<worksheet {MAIN}><sheetData><row r="1048576"><c r="XFD1048576" t="str"><v>1</v></c></row>'
        '<row r="9999999999"><c r="A1" t="s"><v>77</v></c></row></sheetData></worksheet>'
    )
    assert hostile(workbook({"xl/worksheets/sheet1.xml": far}, A=[["x"]])) == "file.unrecognised"


def test_semicolons_and_line_ends_in_cells_shift_nothing():
    found = batches_of(daily(["01/01/2026", 5, "a;b\nc"]))
    assert said(only(found)) == [("12-31T23:00", 86_400, (5_000, 0))]


@given(st.binary(max_size=2_000))
def test_any_damage_is_refused_or_leaves_good_readings(noise):
    good = daily(*[[f"{day:02}/01/2026", day] for day in range(1, 29)])
    cut = len(good) // 2
    try:
        found = batches_of(good[:cut] + noise + good[cut + len(noise) :])
    except Malformed:
        return
    for readings in readings_of(found).values():
        assert all(r.start_s + r.step_s <= following.start_s for r, following in pairwise(readings))


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=60))
def test_sums_of_a_workbook_are_those_that_were_written(watts_h):
    first = datetime(2026, 1, 1)
    rows = [[first + timedelta(days=n), f"{wh / 1000:.3f}"] for n, wh in enumerate(watts_h)]
    assert sum(r.value[0] for r in only(batches_of(daily(*rows)))) == sum(watts_h)


@pytest.mark.real_data
def test_a_real_export_of_grdf_gives_its_known_figures(samples):
    found = from_file(samples / "gas_grdf/grdf_customer_export_anonymised.xlsx")
    assert faults_of(found) == []
    series = readings_of(found)
    gas = "urn:dev:pce:00000000000000_consumption"
    energy, volume = series[f"{gas}/energy/gas/daily"], series[f"{gas}/volume/gas/daily"]
    register = series[f"{gas}/volume/gas/index"]
    assert (len(energy), len(register)) == (26, 27)
    assert f"{energy[0].start:%Y-%m-%dT%H:%M} {energy[-1].start:%Y-%m-%dT%H:%M}" == (
        "2021-01-10T05:00 2021-02-04T05:00"
    )
    assert sum(r.value[0] for r in energy) == 1_841_000
    assert sum(r.value[0] * 10 ** (2 + r.value[1]) for r in volume) == 16_103
    assert register[-1].value[0] - register[0].value[0] == 162

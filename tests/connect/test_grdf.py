"""Answers of GRDF's ADICT: informative and published consumptions of gas."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connect.reading import batches_of, faults_of, from_file, readings_of

from kevre.connect.gathering import Hints
from kevre.connect.grdf import names, parse
from kevre.connect.grdf.consumption import gas_day
from kevre.model.errors import Malformed
from kevre.model.quality import Quality

PARIS = ZoneInfo("Europe/Paris")
PCE = "23000000000000"
POINT = f"urn:dev:pce:{PCE}_"
ENERGY, VOLUME = POINT + "consumption/energy/gas/daily", POINT + "consumption/volume/gas/daily"
REGISTER, FACTOR = POINT + "consumption/volume/gas/index", POINT + "conversion/gas/daily"


def gas_time(day):
    return datetime(day.year, day.month, day.day, 6, tzinfo=PARIS).isoformat()


def consumption(day=date(2026, 1, 15), days=1, pce=PCE, first=None, last=1326, **more):
    start, end = gas_time(day), gas_time(day + timedelta(days=days))
    return {
        "pce": {"id_pce": pce},
        "releve_debut": {"index_brut_debut": {"valeur_index": first, "horodate_Index": start}},
        "releve_fin": {"index_brut_fin": {"valeur_index": last, "horodate_Index": end}},
        "consommation": {
            "date_debut_consommation": start, "date_fin_consommation": end, "volume_brut": 1,
            "coeff_calcul": {"coeff_conversion": 11.16}, "volume_converti": None, "energie": 8,
            "type_qualif_conso": "Mesuré", "sens_flux_gaz": "Consommation",
            "statut_conso": "Provisoire", "type_conso": "Informative Journalier", **more,
        },
        "statut_restitution": None,
    }  # fmt: skip


def lines(*consumptions):
    return "\n".join(json.dumps(one) for one in consumptions) + "\n"


def read(*consumptions, **hints):
    return batches_of(lines(*consumptions), **hints)


def test_a_day_gives_energy_volume_conversion_and_register():
    found = readings_of(read(consumption()))
    said = {urn: [(f"{r.start:%m-%dT%H:%M}", r.step_s, r.value) for r in rs] for urn, rs in
            found.items()}  # fmt: skip
    assert said == {
        ENERGY: [("01-15T05:00", 86_400, (8_000, 0))],
        VOLUME: [("01-15T05:00", 86_400, (1, 0))],
        FACTOR: [("01-15T05:00", 86_400, (11_160, 0))],
        REGISTER: [("01-16T05:00", 0, (1_326, 0))],
    }


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 28), 23), (date(2026, 3, 29), 24), (date(2026, 10, 24), 25)],
)
def test_the_gas_day_before_the_clock_changes_has_another_length(day, hours):
    (reading,) = readings_of(read(consumption(day)))[ENERGY]
    assert reading.step_s == hours * 3600
    assert gas_day(day) == (reading.start_s, reading.start_s + reading.step_s)


@given(st.dates(date(2015, 1, 1), date(2035, 1, 1)))
def test_gas_days_meet(day):
    assert gas_day(day)[1] == gas_day(day + timedelta(days=1))[0]


def test_a_decimal_comma_is_read_exactly():
    found = readings_of(
        read(consumption(coeff_calcul={"coeff_conversion": "14,50169"}, energie="8,25"))
    )
    assert found[FACTOR][0].value == (1_450_169, -2)
    assert found[ENERGY][0].value == (8_250, 0)


def test_published_consumptions_are_kept_apart_whatever_their_length():
    found = readings_of(read(consumption(days=22, first=771, last=951, type_conso="Publiée")))
    published = POINT + "consumption/energy/gas/published"
    assert [r.step_s for r in found[published]] == [22 * 86_400]
    assert [r.value for r in found[REGISTER]] == [(771, 0), (951, 0)]
    assert ENERGY not in found


def test_an_informative_consumption_of_several_days_is_no_daily_one():
    found = readings_of(read(consumption(days=3)))
    assert POINT + "consumption/energy/gas/raw" in found
    assert ENERGY not in found


def test_a_register_where_one_day_ends_and_the_next_begins_stands_once():
    first, second = consumption(last=10), consumption(date(2026, 1, 16), first=10, last=12)
    found = read(first, second)
    assert faults_of(found) == []
    assert [r.value for r in readings_of(found)[REGISTER]] == [(10, 0), (12, 0)]


def test_another_register_at_the_same_instant_is_told():
    found = read(consumption(last=10), consumption(date(2026, 1, 16), first=0, last=2))
    assert [fault.code for fault in faults_of(found)] == ["reading.contradicts"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Mesuré", Quality.MEASURED), ("Estimé", Quality.ESTIMATED),
        ("Corrigé", Quality.CORRECTED), ("Calculée", Quality.ESTIMATED),
        ("Auto-relevé", Quality.MANUAL), ("Nouveau mot", Quality.DOUBTFUL),
        ("", Quality.MEASURED), (None, Quality.MEASURED),
    ],
)  # fmt: skip
def test_words_of_quality_are_placed_on_one_scale(word, expected):
    assert readings_of(read(consumption(type_qualif_conso=word)))[ENERGY][0].quality is expected


def test_absent_data_are_missing_and_never_zero():
    found = readings_of(read(consumption(type_qualif_conso="Absence de données", energie=0)))
    assert (found[ENERGY][0].value, found[ENERGY][0].quality) == (None, Quality.MISSING)
    assert REGISTER not in found


def test_null_is_missing_and_zero_is_zero():
    found = readings_of(read(consumption(energie=None, volume_brut=0)))
    assert found[ENERGY][0].quality is Quality.MISSING
    assert found[VOLUME][0].value == (0, 0)


def test_a_volume_converted_to_normal_conditions_stands_apart():
    found = readings_of(read(consumption(volume_converti=3)))
    assert found[VOLUME + "/converted"][0].value == (3, 0)
    assert VOLUME + "/converted" not in readings_of(read(consumption(volume_converti=0)))


def test_injected_gas_is_production():
    found = readings_of(read(consumption(sens_flux_gaz="Injection")))
    assert POINT + "production/energy/gas/daily" in found


def test_the_gas_day_stands_in_for_a_period_that_is_not_said():
    one = consumption(date_debut_consommation=None, date_fin_consommation=None,
                      journee_gaziere="2026-03-28")  # fmt: skip
    (reading,) = readings_of(read(one))[ENERGY]
    assert (reading.start_s, reading.step_s) == (gas_day(date(2026, 3, 28))[0], 23 * 3600)


def test_a_stamp_without_an_offset_is_local():
    one = consumption(date_debut_consommation="2026-07-01T06:00:00",
                      date_fin_consommation="2026-07-02")  # fmt: skip
    (reading,) = readings_of(read(one))[ENERGY]
    assert (reading.start, reading.step_s) == (datetime(2026, 7, 1, 4, tzinfo=UTC), 86_400)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"energie": "huit"}, "value.not_a_number"),
        ({"energie": [8]}, "value.not_a_number"),
        ({"sens_flux_gaz": "vers le haut"}, "grdf.direction"),
        ({"date_fin_consommation": "2026-01-15T06:00:00+01:00"}, "grdf.period"),
        ({"date_debut_consommation": None}, "grdf.period"),
        ({"date_debut_consommation": "hier"}, "time.malformed"),
    ],
)
def test_what_cannot_be_read_is_a_fault_and_the_rest_is_kept(change, code):
    # A day that lacks one end of its period and names no gas day has no time.
    found = read(consumption(), consumption(date(2026, 1, 20), **change))
    assert [(fault.code, fault.line) for fault in faults_of(found)] == [(code, 2)]
    assert len(readings_of(found)[ENERGY]) == 1


def test_a_refusal_of_grdf_is_told_with_its_code_and_nothing_personal():
    refused = {"pce": {"id_pce": PCE}, "consommation": None,
               "statut_restitution": {"code": "1000008", "message": f"PCE {PCE}"}}  # fmt: skip
    (fault,) = faults_of(read(refused))
    assert (fault.code, "1000008" in fault.message) == ("grdf.refused", True)
    assert PCE not in fault.message + fault.raw


def test_what_is_said_of_a_contract_holds_no_consumption():
    (fault,) = faults_of(read({"pce": {"id_pce": PCE}, "donnees_contractuelles": {"car": 9426}}))
    assert fault.code == "grdf.no_consumption"


def test_a_large_consumer_has_another_form_of_number():
    found = readings_of(read(consumption(pce="GI123456")))
    assert "urn:dev:pce:GI123456_consumption/energy/gas/daily" in found


def test_a_masked_point_needs_its_name():
    (fault,) = faults_of(read(consumption(pce="XXXX")))
    assert fault.code == "identifier.digits"
    named = readings_of(read(consumption(pce="XXXX"), series="urn:dev:org:32473-school:gas"))
    assert "urn:dev:org:32473-school:gas_consumption/energy/gas/daily" in named


def test_lines_a_list_and_one_document_say_the_same():
    pair = [consumption(), consumption(date(2026, 1, 16), first=1326, last=1328)]
    of_lines = readings_of(batches_of(lines(*pair)))
    assert readings_of(batches_of(json.dumps(pair, indent=1))) == of_lines
    assert readings_of(batches_of(json.dumps(pair[0], indent=1))) == readings_of(read(pair[0]))
    for content in (lines(*pair), json.dumps(pair, indent=1)):
        answer = parse.batches(
            content.encode(), Hints(), origin="grdf", key="k1", source="ADICT"
        )  # fmt: skip
        assert readings_of(answer) == of_lines


def test_an_answer_that_is_no_json_is_refused():
    with pytest.raises(Malformed) as raised:
        list(parse.batches(b"<html>", Hints(), origin="grdf", key="k1", source="ADICT"))
    assert raised.value.code == "grdf.json"


@given(st.text(max_size=300))
def test_noise_beside_a_good_line_leaves_the_good_line(noise):
    content = lines(consumption()) + json.dumps({"consommation": noise}) + "\n" + noise
    answer = parse.batches(content.encode("utf-8", "replace"), Hints(), origin="g", key="k",
                           source="s")  # fmt: skip
    assert len(readings_of(answer)[ENERGY]) == 1


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=40))
def test_days_meet_and_sums_are_those_that_were_said(energies):
    first = date(2026, 3, 10)
    days = [consumption(first + timedelta(days=n), energie=kwh) for n, kwh in enumerate(energies)]
    found = readings_of(read(*days))[ENERGY]
    assert all(a.start_s + a.step_s == b.start_s for a, b in pairwise(found))
    assert sum(r.value[0] for r in found) == 1000 * sum(energies)


def test_no_word_of_quality_raises():
    assert names.quality("ÉTRANGE") is Quality.DOUBTFUL


@pytest.mark.real_data
def test_real_answers_give_their_known_figures(samples):
    informative = readings_of(from_file(samples / "gas_grdf/adict_consos_informatives.ndjson"))
    published = readings_of(from_file(samples / "gas_grdf/adict_consos_publiees.ndjson"))
    day, period = informative[ENERGY][0], published[POINT + "consumption/energy/gas/published"][0]
    assert (f"{day.start:%Y-%m-%dT%H:%M}", day.step_s, day.value) == (
        "2021-08-16T04:00", 86_400, (8_000, 0),
    )  # fmt: skip
    assert (f"{period.start:%Y-%m-%dT%H:%M}", period.step_s, period.value) == (
        "2021-01-01T05:00", 528 * 3600, (2_032_000, 0),
    )  # fmt: skip
    assert [r.value for r in published[REGISTER]] == [(771, 0), (951, 0)]

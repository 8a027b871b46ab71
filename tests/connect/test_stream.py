"""Stream files: many points in a file, statuses, holes, both clock changes, tariff classes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.connect.reading import batches_of, faults_of, from_file, only, readings_of

from kevre.model.errors import Malformed
from kevre.model.quality import Quality

PARIS = ZoneInfo("Europe/Paris")
PRM, OTHER = "09876543210123", "30001234567890"
POINT = f"urn:dev:prm:{PRM}_"
CURVE = POINT + "consumption/power/active/raw"
REGISTER = POINT + "consumption/energy/active/index"
CONTRACT, BILLED = REGISTER + "/contract", POINT + "consumption/energy/active/billed"
MAX = POINT + "consumption/power/apparent/max"


def stamps(first, minutes, count):
    start = datetime.fromisoformat(first).astimezone(UTC)
    return [
        (start + timedelta(minutes=minutes * n)).astimezone(PARIS).isoformat() for n in range(count)
    ]


def r50(*rows, prm=PRM, step="30", more=""):
    points = "".join(
        f"<PDC><H>{h}</H>{'' if v is None else f'<V>{v}</V>'}<IV>{iv}</IV></PDC>\n"
        for h, v, iv in rows
    )
    return (
        f'<?xml version="1.0"?><R50><En_Tete_Flux><Pas_Publication>{step}</Pas_Publication>'
        f"</En_Tete_Flux>\n<PRM><Id_PRM>{prm}</Id_PRM><Donnees_Releve><Date_Releve>2026-01-15"
        f"</Date_Releve>\n{points}</Donnees_Releve></PRM>{more}</R50>"
    )


def half_hours(first="2026-01-15T00:30+01:00", count=48, minutes=30):
    return [(h, 100 + n, 0) for n, h in enumerate(stamps(first, minutes, count))]


def r4x(*rows, unit="kW", way="CONS", quantity="EA", step="10", stage="Brute", prm=PRM):
    points = "".join(
        f'<Donnees_Point_Mesure Horodatage ="{h}" Valeur_Point ="{v}" Statut_Point ="{s}"/>\n'
        for h, v, s in rows
    )
    return (
        f'<?xml version="1.0"?><Courbe><Entete><Nature_De_Courbe_Demandee>{stage}'
        f"</Nature_De_Courbe_Demandee></Entete>\n<Corps><Identifiant_PRM>{prm}</Identifiant_PRM>"
        f"<Donnees_Courbe><Granularite>{step}</Granularite><Unite_Mesure>{unit}</Unite_Mesure>"
        f"<Grandeur_Metier>{way}</Grandeur_Metier><Grandeur_Physique>{quantity}</Grandeur_Physique>"
        f"\n{points}</Donnees_Courbe></Corps></Courbe>"
    )


def ten_minutes(first="2026-01-15T00:00+01:00", count=144, minutes=10):
    return [(h, 20 + n, "R") for n, h in enumerate(stamps(first, minutes, count))]


def starts(readings):
    return [f"{r.start:%dT%H:%M}" for r in readings]


def test_r50_stamps_the_end_of_each_half_hour():
    found = only(batches_of(r50(*half_hours())))
    assert (len(found), starts(found)[0], starts(found)[-1]) == (48, "14T23:00", "15T22:30")
    assert {r.step_s for r in found} == {1800}


def test_r4x_stamps_the_start_and_counts_whole_kilowatts():
    found = only(batches_of(r4x(*ten_minutes())))
    assert (len(found), starts(found)[0], starts(found)[-1]) == (144, "14T23:00", "15T22:50")
    assert found[0].value == (20_000, 0)


@pytest.mark.parametrize("minutes", [5, 10])
def test_r4x_says_its_step(minutes):
    text = r4x(*ten_minutes(minutes=minutes), step=str(minutes))
    assert {r.step_s for r in only(batches_of(text))} == {minutes * 60}


@pytest.mark.parametrize("minutes", [15, 60])
def test_r50_says_its_step(minutes):
    text = r50(*half_hours("2026-01-15T01:00+01:00", 24, minutes), step=str(minutes))
    assert {r.step_s for r in only(batches_of(text))} == {minutes * 60}


@pytest.mark.parametrize(
    ("first", "halves"), [("2025-10-26T00:00+02:00", 50), ("2026-03-29T00:00+01:00", 46)]
)
def test_both_nights_of_the_clock_change_are_whole(first, halves):
    start = datetime.fromisoformat(first)
    end_stamps = half_hours((start + timedelta(minutes=30)).isoformat(), halves)
    linky = only(batches_of(r50(*end_stamps)))
    large = only(batches_of(r4x(*ten_minutes(first, halves * 3))))
    for found, step_s in ((linky, 1800), (large, 600)):
        assert found[0].start == start
        assert found[-1].start_s - found[0].start_s == halves * 1800 - step_s
        assert len({r.start_s for r in found}) == halves * 1800 // step_s


def test_what_r50_lacks_is_missing_and_what_it_doubts_is_doubtful():
    rows = half_hours(count=4)
    rows[1] = (rows[1][0], None, 0)
    rows[2] = (*rows[2][:2], 1)
    found = only(batches_of(r50(*rows)))
    assert [r.quality for r in found] == [
        Quality.MEASURED, Quality.MISSING, Quality.DOUBTFUL, Quality.MEASURED,
    ]  # fmt: skip
    assert [r.value and r.value[0] for r in found] == [100, None, 102, 103]


@pytest.mark.parametrize(
    ("letters", "quality"),
    [("R", Quality.MEASURED), ("EHK", Quality.ESTIMATED), ("C", Quality.CORRECTED),
     ("PSTFG", Quality.OUTAGE), ("D", Quality.MANUAL), ("X", Quality.DOUBTFUL)],
)  # fmt: skip
def test_each_status_of_r4x_is_kept_with_its_quality(letters, quality):
    rows = [
        (*one[:2], letter)
        for one, letter in zip(ten_minutes(count=len(letters)), letters, strict=True)
    ]
    found = only(batches_of(r4x(*rows)))
    assert [r.quality for r in found] == [quality] * len(letters)


def test_an_empty_value_of_r4x_is_missing():
    rows = ten_minutes(count=3)
    rows[1] = (rows[1][0], "", "R")
    assert [r.value for r in only(batches_of(r4x(*rows)))] == [(20_000, 0), None, (22_000, 0)]


@pytest.mark.parametrize(
    ("words", "path"),
    [({"way": ""}, "consumption/power/active/raw"), ({"way": "PROD"}, "production/power/active/raw"),
     ({"quantity": "ERI", "unit": "kVAr"}, "consumption/power/inductive/raw"),
     ({"quantity": "ERC", "unit": "kVAr"}, "consumption/power/capacitive/raw"),
     ({"quantity": "E", "unit": "V"}, "consumption/voltage/raw"),
     ({"stage": "Corrigée"}, "consumption/power/active/corrected")],
)  # fmt: skip
def test_the_words_of_r4x_name_the_series(words, path):
    assert list(readings_of(batches_of(r4x(*ten_minutes(), **words)))) == [POINT + path]


def test_a_file_holds_many_points():
    second = r50(*half_hours(), prm=OTHER).partition("<PRM>")[2].removesuffix("</R50>")
    found = readings_of(batches_of(r50(*half_hours(), more="<PRM>" + second)))
    first, other = found.values()
    assert first == other
    assert [name[12:26] for name in found] == [PRM, OTHER]


def test_a_point_with_a_wrong_number_is_named_and_the_others_are_kept():
    second = r50(*half_hours(), prm="123").partition("<PRM>")[2].removesuffix("</R50>")
    found = batches_of(r50(*half_hours(), more="<PRM>" + second))
    assert [fault.code for fault in faults_of(found)] == ["identifier.digits"]
    assert list(readings_of(found)) == [CURVE]


def test_the_direction_that_r50_does_not_say_may_be_said():
    assert list(readings_of(batches_of(r50(*half_hours()), direction="production"))) == [
        POINT + "production/power/active/raw"
    ]


def test_repeated_rows_change_nothing_and_contradictions_are_told():
    rows = half_hours(count=4)
    assert only(batches_of(r50(*rows, *rows))) == only(batches_of(r50(*rows)))
    found = batches_of(r50(*rows, (rows[0][0], 7, 0)))
    assert [(fault.code, fault.line) for fault in faults_of(found)] == [("reading.contradicts", 5)]


def tier(tag, name, value, rank=1, **more):
    rest = "".join(f"<{key}>{text}</{key}>" for key, text in more.items())
    return (
        f"<{tag}><Id_Classe_Temporelle>{name}</Id_Classe_Temporelle><Rang_Cadran>{rank}</Rang_Cadran>"
        f"{rest}<Valeur>{value}</Valeur></{tag}>"
    )


D, F = "Classe_Temporelle_Distributeur", "Classe_Temporelle"


def releve(*tiers, kind="R151", day="2026-01-15", more=""):
    return (
        f"<{kind}><En_Tete_Flux><Unite_Mesure_Index>Wh</Unite_Mesure_Index>"
        f"<Unite_Mesure_Puissance>VA</Unite_Mesure_Puissance></En_Tete_Flux><PRM><Id_PRM>{PRM}</Id_PRM>"
        f"<Donnees_Releve><Date_Releve>{day}</Date_Releve>{more}{''.join(tiers)}</Donnees_Releve>"
        f"</PRM></{kind}>"
    )


def test_r151_counts_at_the_end_of_the_day_it_names_and_sums_the_distributors_classes():
    text = releve(tier(D, "HP", 100), tier(D, "HC", 50, Indice_Vraisemblance=0), tier(F, "BASE", 149),
                  "<Puissance_Maximale><Valeur>3817</Valeur></Puissance_Maximale>")  # fmt: skip
    found = readings_of(batches_of(text))
    assert {name: r.value[0] for name, (r,) in found.items()} == {
        REGISTER: 150, REGISTER + "/distributor/hp": 100, REGISTER + "/distributor/hc": 50,
        REGISTER + "/provider/base": 149, MAX: 3817,
    }  # fmt: skip
    assert found[REGISTER][0].start.astimezone(PARIS).isoformat() == "2026-01-16T00:00:00+01:00"
    assert found[MAX][0].start.astimezone(PARIS).isoformat() == "2026-01-15T00:00:00+01:00"
    assert found[MAX][0].step_s == 86_400


def test_a_class_that_is_unknown_has_the_name_of_its_dial():
    found = readings_of(batches_of(releve(tier(F, "INCONNU", 7, 2), tier(D, "", 8, 3))))
    assert {REGISTER + "/provider/f2", REGISTER + "/distributor/d3"} < set(found)


def test_registers_of_the_supplier_alone_have_no_total():
    found = readings_of(batches_of(releve(tier(F, "BASE", 7))))
    assert list(found) == [REGISTER + "/provider/base"]


def test_there_is_no_total_where_one_class_lacks_its_value():
    found = readings_of(batches_of(releve(tier(D, "HP", 7), tier(D, "HC", ""))))
    assert REGISTER not in found


def test_r15_counts_whole_kilowatt_hours_in_series_of_their_own():
    more = ("<Nature_Index>ESTIME</Nature_Index><Nature_Consommation>REEL</Nature_Consommation>"
            "<Date_Releve_Precedent>2026-01-01T00:00:00+01:00</Date_Releve_Precedent>")  # fmt: skip
    counted, used = (
        {"Classe_Mesure": 1, "Unite_Mesure": "kWh", "Sens_Mesure": 0},
        {"Classe_Mesure": 2},
    )
    text = releve(tier(D, "BASE", 10160, **counted), tier(D, "BASE", 100, **counted | used),
                  kind="R15", day="2026-01-15T00:01:00+01:00", more=more)  # fmt: skip
    found = readings_of(batches_of(text))
    assert found[CONTRACT][0].value == (10_160_000, 0)
    assert (f"{found[CONTRACT][0].start:%dT%H:%M}", found[CONTRACT][0].quality) == (
        "14T23:01",
        Quality.ESTIMATED,
    )
    assert (found[BILLED][0].value, found[BILLED][0].step_s) == ((100_000, 0), 14 * 86_400)
    assert found[BILLED][0].quality is Quality.MEASURED


def test_what_is_injected_is_production():
    more = {"Classe_Mesure": 1, "Unite_Mesure": "kWh", "Sens_Mesure": 1}
    found = readings_of(batches_of(releve(tier(D, "BASE", 1, **more), kind="R15")))
    assert POINT + "production/energy/active/index/contract" in found


def test_classes_of_measure_that_are_not_known_are_named():
    more = {"Classe_Mesure": 5, "Unite_Mesure": "kWh", "Sens_Mesure": 0}
    found = batches_of(releve(tier(D, "BASE", 1, **more), kind="R15"))
    assert [fault.code for fault in faults_of(found)] == ["enedis.class"]


def test_c15_gives_the_registers_at_a_change_of_contract():
    text = releve(tier(D, "BASE", 2531, Classe_Mesure=1, Unite_Mesure="kWh", Sens_Mesure=0), kind="C15",
                  day="2026-01-15T00:01:00+01:00")  # fmt: skip
    text = text.replace("<Donnees_Releve>", "<Evenement><Releves><Donnees_Releve>").replace(
        "</Donnees_Releve>", "</Donnees_Releve></Releves></Evenement>"
    )
    assert readings_of(batches_of(text))[CONTRACT][0].value == (2_531_000, 0)


def r171(*series, prm=PRM):
    rows = "".join(
        f"<serieMesuresDatees><prmId>{prm}</prmId><grandeurMetier>{way}</grandeurMetier>"
        f"<grandeurPhysique>{quantity}</grandeurPhysique><typeCalendrier>{owner}</typeCalendrier>"
        f"<codeClasseTemporelle>{name}</codeClasseTemporelle><unite>{unit}</unite><mesuresDateesListe>"
        f"<mesureDatee><dateFin>{at}</dateFin>{f'<valeur>{v}</valeur>' if v is not None else ''}"
        "</mesureDatee></mesuresDateesListe></serieMesuresDatees>"
        for quantity, way, owner, name, unit, at, v in series
    )
    return f'<x:R171 xmlns:x="http://example.org/"><serieMesuresDateesListe>{rows}</serieMesuresDateesListe></x:R171>'


NIGHT = "2026-01-15T02:37:56"


def test_r171_reads_registers_at_the_local_time_it_names():
    found = readings_of(batches_of(r171(
        ("EA", "CONS", "D", "HPH", "Wh", NIGHT, 5), ("EA", "CONS", "D", "P", "Wh", NIGHT, 2),
        ("EA", "CONS", "F", "BASE", "Wh", NIGHT, 9),
    )))  # fmt: skip
    assert {name.removeprefix(REGISTER): r.value[0] for name, (r,) in found.items()} == {
        "": 7, "/distributor/hph": 5, "/distributor/p": 2, "/provider/base": 9,
    }  # fmt: skip
    assert f"{found[REGISTER][0].start:%H:%M:%S}" == "01:37:56"


@pytest.mark.parametrize(
    ("quantity", "unit", "path"),
    [("ERC", "VARh", "energy/capacitive/index"), ("ERI", "VARh", "energy/inductive/index"),
     ("TF", "s", "duration/operating/index"), ("DD", "s", "duration/overrun/index"),
     ("DE", "VA", "power/apparent/overrun"), ("DQ", "VA", "power/apparent/overrun-squared"),
     ("PMA", "VA", "power/apparent/max"), ("PMA", "W", "power/active/max")],
)  # fmt: skip
def test_each_quantity_of_r171_has_its_series(quantity, unit, path):
    found = readings_of(batches_of(r171((quantity, "CONS", "D", "HPH", unit, NIGHT, 5))))
    assert set(found) == {
        f"{POINT}consumption/{path}",
        f"{POINT}consumption/{path}/distributor/hph",
    }


def test_the_maximum_of_all_classes_is_the_greatest():
    rows = [
        ("PMA", "CONS", "D", name, "VA", NIGHT, v)
        for name, v in (("HPH", 70), ("HCH", 86), ("P", 2))
    ]
    assert readings_of(batches_of(r171(*rows)))[MAX][0].value == (86, 0)


def test_a_value_that_r171_lacks_is_missing():
    found = readings_of(batches_of(r171(("EA", "PROD", "D", "HPH", "Wh", NIGHT, None))))
    ((name, (reading,)),) = found.items()
    assert name.endswith("production/energy/active/index/distributor/hph")
    assert reading.quality is Quality.MISSING


def test_a_quantity_that_is_not_known_is_named_and_the_others_are_kept():
    found = batches_of(
        r171(("ZZ", "CONS", "D", "HPH", "s", NIGHT, 1), ("EA", "CONS", "D", "P", "Wh", NIGHT, 1))
    )
    assert [fault.code for fault in faults_of(found)] == ["enedis.quantity"]
    assert REGISTER in readings_of(found)


def test_of_a_file_cut_short_the_whole_days_are_kept():
    second = r50(*half_hours(), prm=OTHER).partition("<PRM>")[2].removesuffix("</R50>")
    whole = r50(*half_hours(), more="<PRM>" + second)
    found = batches_of(whole[:-200])
    assert [fault.code for fault in faults_of(found)] == ["file.xml"]
    assert list(readings_of(found)) == [CURVE]


DOCTYPE = '<!DOCTYPE R50 [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE R50 [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize("doctype", [DOCTYPE, OUTSIDE, "<!DOCTYPE R50>"])
@pytest.mark.parametrize("use", ["", "&a;", "&b;"])
def test_document_types_and_entities_are_refused(doctype, use):
    text = r50(("2026-01-15T00:30:00+01:00", 1, 0)).replace("<R50>", f"{doctype}<R50>")
    with pytest.raises(Malformed) as raised:
        batches_of(text.replace("<V>1", f"<V>1{use}"))
    assert raised.value.code == "file.xml"


def test_ever_more_of_one_element_is_refused():
    with pytest.raises(Malformed) as raised:
        batches_of(r50() + "<a/>" * 9_000_000)
    assert raised.value.code in {"file.too_large", "file.xml"}


ORDERS = "enedis_sge/sge-tiers/CommandeCollectePublicationMesures"


@pytest.mark.real_data
def test_real_curves_give_their_known_figures(samples):
    linky = only(from_file(samples / ORDERS / "C5-CDC/R50.xml"))
    active, inductive = readings_of(from_file(samples / ORDERS / "C4-CDC/R4Q.xml")).values()
    assert [(len(rows), sum(r.value[0] for r in rows)) for rows in (linky, active, inductive)] == [
        (48, 41_362), (144, 4_561_000), (144, 341_000),
    ]  # fmt: skip
    assert [f"{rows[0].start:%Y-%m-%dT%H:%M}" for rows in (linky, active)] == [
        "2022-02-01T23:00"
    ] * 2


@pytest.mark.real_data
def test_the_real_r151_is_the_register_of_that_morning_and_the_energy_of_that_day(samples):
    """9,723,814 Wh stood on the meter when 2 February 2022 began, says its history file."""
    curve = only(from_file(samples / ORDERS / "C5-CDC/R50.xml"))
    found = readings_of(from_file(samples / ORDERS / "C5-IDX/R151.xml"))
    (register,) = found["urn:dev:prm:09111642617347_consumption/energy/active/index"]
    used_wh = sum(r.value[0] for r in curve) // 2
    assert register.value[0] - used_wh == 9_723_814
    assert register.start_s == curve[-1].start_s + curve[-1].step_s


@pytest.mark.real_data
def test_the_real_r171_gives_every_register(samples):
    batches = from_file(samples / ORDERS / "C4-IDX/R171.xml")
    found = readings_of(batches)
    prefix = "urn:dev:prm:30001642617347_consumption/"
    assert faults_of(batches) == []
    assert len(found) == 7 * 5
    assert found[prefix + "energy/active/index"][0].value == (793_367_000, 0)
    assert found[prefix + "power/apparent/max"][0].value == (86_000, 0)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["r15_xsd", "c15_xsd", "r151_xsd"])
def test_files_of_nothing_but_words_are_quarantined_value_by_value(samples, name):
    assert faults_of(from_file(samples / f"enedis_sge/electricore/{name}.xml"))

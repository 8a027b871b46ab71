"""Answers of Data Connect, in their form of 2026 and before, and files R6x in JSON."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connect.reading import batches_of, faults_of, from_file, only, readings_of

from kevre.connect.enedis import dataconnect
from kevre.connect.gathering import Hints
from kevre.model.errors import Malformed
from kevre.model.quality import Quality

PARIS = ZoneInfo("Europe/Paris")
PRM = "09876543210123"
POINT = f"urn:dev:prm:{PRM}_"
CURVE, DAILY = "consumption/power/active/raw", "consumption/energy/active/daily"


def answer(*points, quantity="PA", way="CONS", unit="W", stage="BRUT", **more):
    one = {"grandeurMetier": way, "grandeurPhysique": quantity, "unite": unit,
           "points": list(points), "calendrier": []}  # fmt: skip
    return {"idPrm": PRM, "etapeMetier": stage, "grandeur": [one], "contexte": [], **more}


def older(*rows, kind="power", aggregate="average", unit="W"):
    return {"meter_reading": {
        "usage_point_id": PRM, "start": "2026-01-15", "end": "2026-01-16", "quality": "BRUT",
        "reading_type": {"measurement_kind": kind, "unit": unit, "aggregate": aggregate},
        "interval_reading": list(rows),
    }}  # fmt: skip


def point(d, v="612", p="PT30M", n="B", iv="0"):
    return {"v": v, "d": d, "p": p, "n": n, "iv": iv, "ec": "0"}


def night(count, first, minutes=30):
    """Local times without an offset, as Enedis writes the ends of intervals."""
    start = datetime.fromisoformat(first).astimezone(UTC)
    times = ((start + timedelta(minutes=minutes * n)).astimezone(PARIS) for n in range(count))
    return [f"{at:%Y-%m-%d %H:%M:%S}" for at in times]


def read(one, **hints):
    return batches_of(json.dumps(one), **hints)


def said(readings):
    return [(f"{r.start:%m-%dT%H:%M}", r.step_s, r.value and r.value[0]) for r in readings]


def test_a_curve_is_stamped_at_the_end_of_its_half_hours():
    found = read(answer(point("2026-01-15 00:30:00"), point("2026-01-15 01:00:00", "7")))
    assert said(only(found)) == [("01-14T23:00", 1800, 612), ("01-14T23:30", 1800, 7)]
    assert list(readings_of(found)) == [POINT + CURVE]


def test_each_row_says_its_own_step():
    found = read(answer(point("2026-01-15 01:00:00", p="PT60M"), point("2026-01-15 01:30:00")))
    assert said(only(found)) == [("01-14T23:00", 3600, 612), ("01-15T00:00", 1800, 612)]


def test_a_row_without_a_step_takes_that_of_the_answer():
    assert only(read(answer({"v": "1", "d": "2026-01-15 00:30:00"}, pas="PT30M")))[0].step_s == 1800


def test_a_row_whose_step_nothing_tells_is_a_fault():
    (fault,) = faults_of(read(answer({"v": "1", "d": "2026-01-15 00:30:00"})))
    assert (fault.code, fault.line) == ("enedis.step", 1)


def test_null_is_missing_and_zero_is_zero():
    found = only(
        read(answer(point("2026-01-15 00:30:00", None), point("2026-01-15 01:00:00", "0")))
    )
    assert [r.quality for r in found] == [Quality.MISSING, Quality.MEASURED]
    assert [r.value for r in found] == [None, (0, 0)]


def test_a_doubtful_value_is_marked():
    found = only(read(answer(point("2026-01-15 00:30:00", iv="1"))))
    assert found[0].quality is Quality.DOUBTFUL


def test_october_has_fifty_half_hours_told_apart_by_their_order():
    rows = [point(d, str(n)) for n, d in enumerate(night(50, "2025-10-26T00:30:00+02:00"))]
    found = only(read(answer(*rows)))
    assert [r.value[0] for r in found] == list(range(50))
    assert {b.start_s - a.start_s for a, b in pairwise(found)} == {1800}
    assert f"{found[0].start:%dT%H:%M} {found[-1].start:%dT%H:%M}" == "25T22:00 26T22:30"


def test_the_repeated_hour_of_a_second_series_is_told_apart_anew():
    rows = [point(d) for d in night(6, "2025-10-26T02:00:00+02:00")]
    one = answer(*rows)
    one["grandeur"].append({**one["grandeur"][0], "grandeurMetier": "PROD"})
    consumption, production = readings_of(read(one)).values()
    assert said(consumption) == said(production)
    assert len(consumption) == 6


def test_march_has_forty_six_half_hours():
    found = only(read(answer(*[point(d) for d in night(46, "2026-03-29T00:30:00+01:00")])))
    assert len(found) == 46
    assert f"{found[-1].start:%dT%H:%M}" == "29T21:30"


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-01-15", 24), ("2026-03-29", 23), ("2025-10-26", 25)]
)
def test_a_daily_energy_is_of_the_calendar_day(day, hours):
    found = read(answer({"v": "33495", "d": day}, quantity="EA", unit="Wh", pas="P1D"))
    (reading,) = only(found)
    assert list(readings_of(found)) == [POINT + DAILY]
    assert reading.step_s == hours * 3600
    assert reading.start.astimezone(PARIS).isoformat()[:16] == f"{day}T00:00"


def test_a_maximum_stands_at_the_instant_of_its_peak():
    found = read(answer({"v": "4680", "d": "2026-07-29 13:03:35"}, quantity="PMA", unit="VA"))
    assert said(only(found)) == [("07-29T11:03", 0, 4680)]
    assert list(readings_of(found)) == [POINT + "consumption/power/apparent/max"]


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ({"way": "PROD"}, "production/power/active/raw"),
        ({"stage": "CORRIGE"}, "consumption/power/active/corrected"),
        ({"quantity": "PRI", "unit": "VAr"}, "consumption/power/inductive/raw"),
        ({"quantity": "PRC", "unit": "VAr"}, "consumption/power/capacitive/raw"),
        ({"quantity": "E", "unit": "V"}, "consumption/voltage/raw"),
        ({"quantity": "PMA", "unit": "W"}, "consumption/power/active/max"),
    ],
)
def test_the_coded_words_name_the_series(words, path):
    assert list(readings_of(read(answer(point("2026-01-15 00:30:00"), **words)))) == [POINT + path]


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        (point("15/01/2026"), "time.malformed", "d"),
        (point("2026-03-29 02:30:00"), "time.skipped", "d"),
        (point("2026-01-15 00:30:00", "many"), "value.not_a_number", "v"),
        (point("2026-01-15 00:30:00", p="half"), "step.malformed", "d"),
        (point(None), "time.malformed", "d"),
    ],
)
def test_a_bad_point_is_named_and_the_others_are_kept(row, code, field):
    found = read(answer(point("2026-01-15 00:30:00"), row, point("2026-01-15 01:00:00")))
    (fault,) = faults_of(found)
    assert (fault.code, fault.field, fault.line) == (code, field, 2)
    assert len(readings_of(found)[POINT + CURVE]) == 2


def test_of_several_quantities_the_one_not_known_is_a_fault():
    one = answer(point("2026-01-15 00:30:00"))
    one["grandeur"].insert(0, {**one["grandeur"][0], "grandeurPhysique": "XX"})
    found = read(one)
    assert [fault.code for fault in faults_of(found)] == ["enedis.quantity"]
    assert len(readings_of(found)[POINT + CURVE]) == 1


def test_a_masked_point_is_named_by_a_person():
    one = {**answer(point("2026-01-15 00:30:00")), "idPrm": "<masque>"}
    with pytest.raises(Malformed) as raised:
        read(one)
    assert raised.value.code == "identifier.digits"
    assert only(read(one, prm=PRM))


def test_the_older_curve_tells_its_step_row_by_row():
    rows = [
        {
            "value": "540",
            "date": "2026-01-15 00:30:00",
            "interval_length": "PT30M",
            "measure_type": "B",
        },
        {
            "value": "541",
            "date": "2026-01-15 01:30:00",
            "interval_length": "PT60M",
            "measure_type": "B",
        },
        {
            "value": None,
            "date": "2026-01-15 01:40:00",
            "interval_length": "PT10M",
            "measure_type": "B",
        },
    ]
    found = read(older(*rows))
    assert said(only(found)) == [
        ("01-14T23:00", 1800, 540), ("01-14T23:30", 3600, 541), ("01-15T00:30", 600, None),
    ]  # fmt: skip
    assert list(readings_of(found)) == [POINT + CURVE]


def test_the_older_answers_do_not_say_the_direction_so_it_is_asked():
    row = {"value": "9", "date": "2026-01-15"}
    one = older(row, kind="energy", aggregate="sum", unit="Wh")
    found = read(one, direction="production")
    assert list(readings_of(found)) == [POINT + "production/energy/active/daily"]
    assert list(readings_of(read(one))) == [POINT + DAILY]


def test_the_older_maximum_stands_at_its_instant():
    one = older({"value": "3780", "date": "2026-01-15 21:26:58"}, aggregate="maximum", unit="VA")
    assert said(only(read(one))) == [("01-15T20:26", 0, 3780)]


def test_a_list_of_older_readings_is_read_whole():
    one = older({"value": "1", "date": "2026-01-15"}, kind="energy", aggregate="sum", unit="Wh")
    two = older({"value": "2", "date": "2026-01-16"}, kind="energy", aggregate="sum", unit="Wh")
    both = {"meter_reading": [one["meter_reading"], two["meter_reading"]]}
    assert [r.value[0] for r in only(read(both))] == [1, 2]


def test_a_connector_reads_an_answer_without_a_file():
    content = json.dumps(answer(point("2026-01-15 00:30:00"))).encode()
    (batch,) = dataconnect.batches(content, Hints(), origin="connector", key="k", source="curve")
    assert (batch.origin, batch.source, len(batch)) == ("connector", "curve", 1)


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"error": "none"}', b'{"idPrm": NaN}', b"[" * 100_000, b"\xff\xfe"]
)
def test_what_is_no_answer_is_refused(content):
    with pytest.raises(Malformed) as raised:
        list(dataconnect.batches(content, Hints(), origin="o", key="k", source="s"))
    assert raised.value.code == "enedis.json"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
    | st.sampled_from(["PA", "EA", "CONS", "W", "2026-01-15 00:30:00", PRM, "PT30M", "R"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["idPrm", "grandeur", "points", "v", "d", "p", "n", "iv", "contexte",
                         "grandeurPhysique", "grandeurMetier", "calendrier", "classeTemporelle",
                         "valeur", "quantite", "meter_reading", "interval_reading", "unite",
                         "reading_type", "idCalendrier", "dbtMesure", "finMesure"]),
        inner, max_size=5),
    max_leaves=30,
)  # fmt: skip


@given(json_values)
def test_no_answer_raises_anything_but_our_own_errors(one):
    content = json.dumps({"idPrm": PRM, "grandeur": one}).encode()
    for batch in dataconnect.batches(content, Hints(), origin="o", key="k", source="s"):
        assert all(column.kind for column in batch.columns)


def r64(**more):
    def tier(name, dial, *values):
        rows = [{"d": d, "v": v, "iv": 0} for d, v in values]
        return {"idClasseTemporelle": name, "codeCadran": dial, "valeur": rows}

    first, second = "2026-01-15 00:00:00", "2026-01-16 00:00:00"
    quantity = {
        "grandeurMetier": "CONS", "grandeurPhysique": "EA", "unite": "Wh",
        "calendrier": [
            {"idCalendrier": "DI000003", "libelleGrille": "Distributeur", "classeTemporelle": [
                tier("HP", "IDX_EAS_D1", (first, 100), (second, 110)),
                tier("HC", "IDX_EAS_D2", (first, 50), (second, None))]},
            {"idCalendrier": "FC000001", "classeTemporelle": [
                tier("INCONNU", "IDX_EAS_F1", (first, 149))]},
        ], **more,
    }  # fmt: skip
    context = {"etapeMetier": "BRUT", "contexteReleve": "COL", "grandeur": [quantity]}
    return {"header": {"codeFlux": "R64"}, "mesures": [{"idPrm": PRM, "contexte": [context]}]}


REGISTER = POINT + "consumption/energy/active/index"


def test_registers_stand_by_class_and_their_sum_above_them():
    found = readings_of(read(r64()))
    values = {name.removeprefix(REGISTER): [r.value for r in rows] for name, rows in found.items()}
    assert values == {
        "": [(150, 0)],
        "/distributor/hp": [(100, 0), (110, 0)],
        "/distributor/hc": [(50, 0), None],
        "/provider/f1": [(149, 0)],
    }


def test_a_total_that_the_source_gives_is_kept_instead_of_a_sum():
    total = {"codeCadran": "IDX_EAS_T", "valeur": [{"d": "2026-01-15 00:00:00", "v": 151, "iv": 0}]}
    found = readings_of(read(r64(cadranTotalisateur=total)))
    assert [r.value for r in found[REGISTER]] == [(151, 0)]


def test_billed_quantities_are_of_periods_whose_end_is_the_start_of_the_next():
    def tier(name, *rows):
        keys = ("dbtMesure", "finMesure", "codeNature", "codeStatut", "quantite")
        return {
            "idClasseTemporelle": name,
            "quantite": [dict(zip(keys, r, strict=True)) for r in rows],
        }

    one = r64()
    quantity = one["mesures"][0]["contexte"][0]["grandeur"][0]
    quantity["calendrier"] = [{"codeGrille": "F", "classeTemporelle": [tier(
        "BASE", ("2026-01-05", "2026-02-03", "R", "I", 4000), ("2026-02-03", "2026-04-01", "C", "I", -500),
        ("2026-04-01", "2026-04-01", "E", "I", 1),
    )]}]  # fmt: skip
    found = read(one)
    path = POINT + "consumption/energy/active/billed"
    assert [fault.code for fault in faults_of(found)] == ["window.backwards"]
    assert [(r.step_s // 3600, r.value[0], r.quality) for r in readings_of(found)[path]] == [
        (29 * 24, 4000, Quality.MEASURED), (57 * 24 - 1, -500, Quality.CORRECTED),
    ]  # fmt: skip
    assert set(readings_of(found)) == {path, path + "/provider/base"}


def test_of_a_file_r6x_cut_short_the_whole_points_are_kept():
    one = r64()
    one["mesures"] *= 3
    text = json.dumps(one)
    found = batches_of(text[:-60])
    assert [fault.code for fault in faults_of(found)] == ["file.torn"]
    assert readings_of(found)[REGISTER]


def test_braces_in_texts_and_pieces_of_any_size_change_nothing(tmp_path):
    one = r64()
    one["mesures"][0]["note"] = 'a } brace, a \\" quote and a ] bracket'
    one["mesures"] = [one["mesures"][0]] * 2_000
    path = tmp_path / "r64.json"
    path.write_text(json.dumps(one, indent=1))
    assert readings_of(from_file(path))[REGISTER] == readings_of(read(r64()))[REGISTER]


SAMPLES = {
    "dc2026_courbe_de_charge_consommation.json": (CURVE, 96, "2026-09-28T22:00", "2026-09-30T21:30", 143_034),
    "dc2026_consommation_quotidienne.json": (DAILY, 2, "2026-09-28T22:00", "2026-09-29T22:00", 71_517),
    "dc2026_production_quotidienne.json": (
        "production/energy/active/daily", 2, "2026-09-28T22:00", "2026-09-29T22:00", 9_204,
    ),
    "dc2026_puissance_conso_max_quotidienne.json": (
        "consumption/power/apparent/max", 2, "2026-09-29T11:03", "2026-09-30T10:50", 11_190,
    ),
}  # fmt: skip


@pytest.mark.real_data
@pytest.mark.parametrize("name", SAMPLES)
def test_real_answers_give_their_known_figures(samples, name):
    path, count, first, last, total = SAMPLES[name]
    batches = from_file(samples / "enedis_dataconnect" / name)
    found = only(batches)
    assert next(iter(readings_of(batches))).endswith(path)
    assert (len(found), sum(r.value[0] for r in found)) == (count, total)
    assert [f"{r.start:%Y-%m-%dT%H:%M}" for r in (found[0], found[-1])] == [first, last]


@pytest.mark.real_data
def test_the_real_curve_of_2026_sums_up_to_the_real_daily_energies(samples):
    folder = samples / "enedis_dataconnect"
    daily = only(from_file(folder / "dc2026_consommation_quotidienne.json"))
    curve = only(from_file(folder / "dc2026_courbe_de_charge_consommation.json"))
    for day in daily:
        inside = [r for r in curve if day.start_s <= r.start_s < day.start_s + day.step_s]
        assert abs(sum(r.value[0] for r in inside) // 2 - day.value[0]) <= 1

"""Answers of the SGE web services: stamps by segment, both clock changes, registers, what was billed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.connect.reading import batches_of, faults_of, from_file, only, readings_of

from kevre.model.errors import Malformed
from kevre.model.quality import Quality

PARIS = ZoneInfo("Europe/Paris")
PRM = "09876543210123"
POINT = f"urn:dev:prm:{PRM}_"
CURVE = POINT + "consumption/power/active/raw"
REGISTER = POINT + "consumption/energy/active/index"
BILLED = POINT + "consumption/energy/active/billed"


def envelope(body, name="consulterMesuresDetailleesResponse", head=""):
    return (
        '<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
        f"{head}<soap:Body><n:{name} xmlns:n='http://example.org/'>{body}</n:{name}>"
        "</soap:Body></soap:Envelope>"
    )


def answer(*rows, row="mesure", quantity="PA", way="CONS", unit="W", stage="BRUT", prm=PRM):
    points = "".join(
        f"<{row}>" + "".join(f"<{k}>{v}</{k}>" for k, v in one.items()) + f"</{row}>"
        for one in rows
    )
    return envelope(
        f"<pointId>{prm}</pointId><mesuresCorrigees>{stage}</mesuresCorrigees>"
        f"<grandeur><grandeurMetier>{way}</grandeurMetier><grandeurPhysique>{quantity}"
        f"</grandeurPhysique><unite>{unit}</unite>{points}</grandeur>",
        name=f"consulterMesuresDetailleesResponse{'V3' if row == 'points' else ''}",
    )


def points(first, minutes, count, offset=True, n="B", **more):
    start = datetime.fromisoformat(first).astimezone(UTC)
    for number in range(count):
        at = (start + timedelta(minutes=minutes * number)).astimezone(PARIS)
        stamp = at.isoformat(timespec="milliseconds") if offset else f"{at:%Y-%m-%d %H:%M:%S}"
        yield {"v": 100 + number, "d": stamp, "p": f"PT{minutes}M", "n": n, **more}


def starts(readings):
    return [f"{r.start:%dT%H:%M}" for r in readings]


def test_a_linky_curve_stamps_the_end():
    found = only(batches_of(answer(*points("2026-01-15T00:30+01:00", 30, 48))))
    assert (starts(found)[0], starts(found)[-1], found[0].step_s) == ("14T23:00", "15T22:30", 1800)


@pytest.mark.parametrize("minutes", [5, 10])
def test_the_curve_of_a_larger_meter_stamps_the_start(minutes):
    found = only(batches_of(answer(*points("2026-01-15T00:00+01:00", minutes, 100, n="R"))))
    assert (starts(found)[0], found[0].step_s) == ("14T23:00", minutes * 60)


@pytest.mark.parametrize("offset", [True, False])
@pytest.mark.parametrize(
    ("first", "count", "last"),
    [("2025-10-26T00:30+02:00", 50, "26T22:30"), ("2026-03-29T00:30+01:00", 46, "29T21:30")],
)
def test_both_nights_of_the_clock_change_are_whole(first, count, last, offset):
    row = "mesure" if offset else "points"
    found = only(batches_of(answer(*points(first, 30, count, offset), row=row)))
    assert len(found) == len({r.start_s for r in found}) == count
    assert found[-1].start_s - found[0].start_s == 1800 * (count - 1)
    assert starts(found)[-1] == last


def test_the_repeated_hour_of_ten_minutes_is_told_by_its_order():
    found = only(
        batches_of(answer(*points("2025-10-26T00:00+02:00", 10, 150, False), row="points"))
    )
    assert [r.value[0] for r in found] == list(range(100, 250))
    assert found[-1].start_s - found[0].start_s == 600 * 149


def test_the_step_is_told_row_by_row():
    rows = [*points("2026-01-15T01:00+01:00", 60, 2), *points("2026-01-15T02:30+01:00", 30, 2)]
    found = only(batches_of(answer(*rows)))
    assert [r.step_s for r in found] == [3600, 3600, 1800, 1800]
    assert starts(found) == ["14T23:00", "15T00:00", "15T01:00", "15T01:30"]


def test_points_that_lack_are_absent_and_empty_ones_missing():
    rows = list(points("2026-01-15T00:30+01:00", 30, 5))
    rows[3]["v"] = ""
    del rows[1]
    found = only(batches_of(answer(*rows)))
    assert starts(found) == ["14T23:00", "15T00:00", "15T00:30", "15T01:00"]
    assert [r.quality for r in found].count(Quality.MISSING) == 1


def test_plausibility_and_nature_become_quality():
    rows = list(points("2026-01-15T00:00+01:00", 10, 4, False, iv=0, ec=0))
    rows[1]["iv"], rows[2]["n"], rows[3]["n"] = 1, "E", "C"
    found = only(batches_of(answer(*rows, row="points")))
    assert [r.quality for r in found] == [
        Quality.MEASURED, Quality.DOUBTFUL, Quality.ESTIMATED, Quality.CORRECTED,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-01-15", 24), ("2025-10-26", 25)]
)
@pytest.mark.parametrize("time", ["T00:00:00.000+01:00", ""])
def test_a_daily_energy_is_of_the_day_of_its_stamp(day, hours, time):
    (reading,) = only(batches_of(answer({"v": 20711, "d": day + time}, quantity="EA", unit="Wh")))
    assert (str(reading.start.astimezone(PARIS))[:16], reading.step_s) == (
        day + " 00:00",
        hours * 3600,
    )


def test_a_daily_maximum_stands_at_its_instant():
    row = {"v": 3839, "d": "2026-01-15T21:15:16.000+01:00"}
    found = batches_of(answer(row, quantity="PMA", unit="VA"))
    assert list(readings_of(found)) == [POINT + "consumption/power/apparent/max"]
    assert (f"{only(found)[0].start:%H:%M:%S}", only(found)[0].step_s) == ("20:15:16", 0)


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ({"way": "PROD"}, "production/power/active/raw"),
        ({"stage": "CORRIGEE"}, "consumption/power/active/corrected"),
        ({"quantity": "PRI", "unit": "VAr"}, "consumption/power/inductive/raw"),
        ({"quantity": "PRC", "unit": "VAr"}, "consumption/power/capacitive/raw"),
        ({"quantity": "E", "unit": "V"}, "consumption/voltage/raw"),
    ],
)
def test_the_words_name_the_series(words, path):
    found = batches_of(answer(*points("2026-01-15T00:30+01:00", 10, 2), **words))
    assert list(readings_of(found)) == [POINT + path]


def test_kilowatts_become_watts():
    found = only(batches_of(answer(*points("2026-01-15T00:00+01:00", 10, 2), unit="kW")))
    assert [r.value for r in found] == [(100_000, 0), (101_000, 0)]


def test_a_bad_point_is_named_and_the_others_are_kept():
    rows = list(points("2026-01-15T00:30+01:00", 30, 4))
    rows[1]["v"], rows[2]["d"] = "1_0", "noon"
    found = batches_of(answer(*rows))
    assert [(f.code, f.line, f.field) for f in faults_of(found)] == [
        ("value.not_a_number", 2, "v"), ("time.malformed", 3, "d"),
    ]  # fmt: skip
    assert len(readings_of(found)[CURVE]) == 2


def registers(*values, calendar="DI000001", tier="BASE"):
    rows = "".join(f"<valeur><d>{d}</d><v>{v}</v><iv>{iv}</iv></valeur>" for d, v, iv in values)
    return (
        f"<calendrier><idCalendrier>{calendar}</idCalendrier><classeTemporelle><idClasseTemporelle>"
        f"{tier}</idClasseTemporelle>{rows}</classeTemporelle></calendrier>"
    )


def index(*calendars, context="COL"):
    return envelope(
        f"<pointId>{PRM}</pointId><contexte><etapeMetier>BRUT</etapeMetier><contexteReleve>{context}"
        "</contexteReleve><grandeur><grandeurMetier>CONS</grandeurMetier><grandeurPhysique>EA"
        f"</grandeurPhysique><unite>Wh</unite>{''.join(calendars)}</grandeur></contexte>",
        "consulterMesuresDetailleesResponseV3",
    )


def test_registers_of_version_3_stand_by_class():
    found = readings_of(batches_of(index(
        registers(("2026-01-15 00:00:00", 100, 0), ("2026-01-16 00:00:00", 110, 1), tier="HP", calendar="D"),
        registers(("2026-01-15 00:00:00", 50, 0), ("2026-01-16 00:00:00", 55, 0), tier="HC", calendar="D"),
        registers(("2026-01-15 00:00:00", 149, 0), tier="BUHP", calendar="FC000050"),
    )))  # fmt: skip
    assert {name.removeprefix(REGISTER): [r.value[0] for r in rows] for name, rows in found.items()} == {
        "": [150, 165], "/distributor/hp": [100, 110], "/distributor/hc": [50, 55], "/provider/buhp": [149],
    }  # fmt: skip
    assert [r.quality for r in found[REGISTER]] == [Quality.MEASURED, Quality.DOUBTFUL]


def test_registers_of_larger_meters_keep_the_hour_at_which_they_were_read():
    found = readings_of(batches_of(index(registers(("2026-01-15 04:24:40", 7, 0), calendar="D"))))
    assert f"{found[REGISTER][0].start:%H:%M:%S}" == "03:24:40"


def serie(*rows, tier="BASE", quantity="EA"):
    measures = "".join(
        f"<mesure><valeur>\n{v}\n</valeur><dateDebut>{a}</dateDebut><dateFin>{b}</dateFin>"
        f"<nature code='{n}'/><statut code='{s}'/></mesure>" for v, a, b, n, s in rows
    )  # fmt: skip
    return (
        f"<serie><grandeurPhysique code='{quantity}'/><classeTemporelle code='{tier}'/>"
        f"<unite>kWh</unite><mesuresDatees>{measures}</mesuresDatees></serie>"
    )


def billed(turpe="", frn=""):
    return envelope(
        f"<seriesMesuresDateesGrilleTurpe>{turpe}</seriesMesuresDateesGrilleTurpe>"
        f"<seriesMesuresDateesGrilleFrn>{frn}</seriesMesuresDateesGrilleFrn>",
        "consulterMesuresResponse",
        f"<soap:Header><pointId>{PRM}\n</pointId></soap:Header>",
    )


MARCH = ("2026-03-06", "2026-04-06", "REEL", "INITIALE")
FEBRUARY = ("2026-02-06", "2026-03-06", "ESTI", "INITIALE")
APRIL = ("2026-04-06", "2026-05-06", "REGU", "INITIALE")


def test_billed_energy_is_of_periods_newest_first_with_negative_regularisation():
    found = readings_of(batches_of(billed(serie((-7, *APRIL), (5, *MARCH), (4, *FEBRUARY)))))
    assert [(r.step_s / 86400, r.value[0], r.quality) for r in found[BILLED]] == [
        (28, 4_000, Quality.ESTIMATED), (31 - 1 / 24, 5_000, Quality.MEASURED),
        (30, -7_000, Quality.CORRECTED),
    ]  # fmt: skip
    assert found[BILLED + "/distributor/base"] == found[BILLED]


def test_the_total_is_the_distributors_and_before_it_begins_the_suppliers():
    found = readings_of(batches_of(billed(
        serie((3, *MARCH), tier="HP") + serie((2, *MARCH), tier="HC"),
        serie((6, *MARCH), (4, *FEBRUARY)),
    )))  # fmt: skip
    assert [r.value[0] for r in found[BILLED]] == [4_000, 5_000]
    assert [r.value[0] for r in found[BILLED + "/provider/base"]] == [4_000, 6_000]


def test_a_replaced_publication_is_a_correction():
    found = readings_of(batches_of(billed(serie((3, *MARCH[:3], "RECTIFICATIVE")))))
    assert found[BILLED][0].quality is Quality.CORRECTED


def test_billed_quantities_other_than_active_energy_are_named():
    found = batches_of(billed(serie((3, *MARCH), quantity="DQ") + serie((3, *MARCH))))
    assert [fault.code for fault in faults_of(found)] == ["enedis.quantity"]
    assert len(readings_of(found)[BILLED]) == 1


def test_an_answer_that_names_no_point_is_refused():
    text = answer(*points("2026-01-15T00:30+01:00", 30, 2)).replace("pointId", "point")
    with pytest.raises(Malformed) as raised:
        batches_of(text)
    assert raised.value.code == "enedis.xml"


V2 = "enedis_sge/sge-tiers/ConsultationMesuresDetaillees"
SAMPLES = {
    f"{V2}/C5-PA": ("consumption/power/active/raw", 336, "2022-01-04T23:00", "2022-01-11T22:30", 353_170),
    f"{V2}/C4-PA": ("consumption/power/active/raw", 1008, "2022-01-04T23:00", "2022-01-11T22:50", 39_058_000),
    f"{V2}/C4-PRI": ("consumption/power/inductive/raw", 1008, "2022-01-04T23:00", "2022-01-11T22:50", 3_095_000),
    f"{V2}/C5-ENERGIE": ("consumption/energy/active/daily", 7, "2022-01-04T23:00", "2022-01-10T23:00", 176_585),
    f"{V2}/C5-PMAX": ("consumption/power/apparent/max", 7, "2022-01-05T20:15", "2022-01-11T20:19", 36_616),
}  # fmt: skip


@pytest.mark.real_data
@pytest.mark.parametrize("name", SAMPLES)
def test_real_answers_give_their_known_figures(samples, name):
    path, count, first, last, total = SAMPLES[name]
    batches = from_file(samples / name / "response.xml")
    found = only(batches)
    assert next(iter(readings_of(batches))).endswith(path)
    assert (len(found), sum(r.value[0] for r in found)) == (count, total)
    assert [f"{r.start:%Y-%m-%dT%H:%M}" for r in (found[0], found[-1])] == [first, last]


@pytest.mark.real_data
def test_the_real_curve_sums_up_to_the_real_daily_energies(samples):
    curve = only(from_file(samples / V2 / "C5-PA" / "response.xml"))
    for day in only(from_file(samples / V2 / "C5-ENERGIE" / "response.xml")):
        inside = [r for r in curve if day.start_s <= r.start_s < day.start_s + day.step_s]
        assert abs(sum(r.value[0] for r in inside) / 2 - day.value[0]) <= 1


@pytest.mark.real_data
def test_the_real_ten_minutes_begin_at_midnight(samples):
    found = only(from_file(samples / V2 / "C4-PA" / "response.xml"))
    assert {r.step_s for r in found} == {600}
    assert found[0].start.astimezone(PARIS).isoformat() == "2022-01-05T00:00:00+01:00"


@pytest.mark.real_data
def test_real_billed_energies_give_their_known_figures(samples):
    folder = samples / "enedis_sge/sge-tiers/ConsultationMesures"
    linky = readings_of(from_file(folder / "C5" / "response.xml"))
    large = readings_of(from_file(folder / "C4" / "response.xml"))
    sums = [sum(r.value[0] for r in rows) for rows in (
        linky["urn:dev:prm:09111642617347_consumption/energy/active/billed/provider/base"],
        linky["urn:dev:prm:09111642617347_consumption/energy/active/billed/distributor/base"],
        large["urn:dev:prm:30001642617347_consumption/energy/active/billed"],
    )]  # fmt: skip
    assert sums == [11_325_000, 8_834_000, 362_424_000]

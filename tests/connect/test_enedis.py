"""Files of Enedis: stamps, steps, holes, clock changes, registers, and what goes wrong in them."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from tests.connect.reading import batches_of, faults_of, only, readings_of

from kevre.model.quality import Quality

PARIS = ZoneInfo("Europe/Paris")
PRM = "09876543210123"
POINT = f"urn:dev:prm:{PRM}_"
HEADER = (
    "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;"
    "Grandeur metier;Etape metier;Unite;Pas en minutes\n"
)
REGISTERS = (
    "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;"
    "Grandeur metier;Etape metier;Unite\n"
    f"{PRM};Index;01/01/2026;31/12/2026;Energie active;Consommation;Comptage Brut;Wh\n"
    "Horodate;Type de releve;EAS F1;EAS F2;EAS D1;EAS T\n"
)


def curve(*rows, prm=PRM, quantity="Energie active", way="Consommation", stage="Comptage Brut",
          unit="W", step="", columns="Horodate;Valeur"):  # fmt: skip
    values = f"{prm};Courbe de charge;01/01/2026;02/01/2026;{quantity};{way};{stage};{unit};{step}"
    return HEADER + values + "\n" + columns + "\n" + "".join(f"{row}\n" for row in rows)


def rows(first, step_min, *values):
    """Rows whose stamps are local times with their offset."""
    start = datetime.fromisoformat(first).astimezone(UTC)
    for number, value in enumerate(values):
        at = (start + timedelta(minutes=step_min * number)).astimezone(PARIS)
        yield f"{at.isoformat()};{value}"


def said(readings):
    """Start in UTC, minutes, value."""
    return [
        (f"{r.start:%m-%dT%H:%M}", r.step_s // 60, r.value and r.value[0] * 10 ** r.value[1])
        for r in readings
    ]


def test_linky_stamps_the_end_of_each_half_hour():
    found = only(batches_of(curve(*rows("2026-01-15T00:30:00+01:00", 30, 612, 418))))
    assert said(found) == [("01-14T23:00", 30, 612), ("01-14T23:30", 30, 418)]


def test_larger_meters_stamp_the_start_of_each_ten_minutes():
    found = only(batches_of(curve(*rows("2026-01-15T00:00:00+01:00", 10, 612, 418), unit="")))
    assert said(found) == [("01-14T23:00", 10, 612), ("01-14T23:10", 10, 418)]


def test_quarters_of_an_hour_are_stamped_at_their_end():
    found = only(batches_of(curve(*rows("2026-01-15T00:15:00+01:00", 15, *range(20)))))
    assert said(found)[0] == ("01-14T23:00", 15, 0)
    assert {r.step_s for r in found} == {900}


def test_of_a_larger_meter_empty_values_are_missing_among_many():
    """As in a real history of two years: ten minutes, no unit, hours without a value."""
    values = ["" if 300 <= n < 400 else n for n in range(2_000)]
    found = only(batches_of(curve(*rows("2025-10-20T00:00:00+02:00", 10, *values), unit="")))
    assert len(found) == 2_000
    assert [r.quality for r in found].count(Quality.MISSING) == 100
    assert {b.start_s - a.start_s for a, b in pairwise(found)} == {600}
    assert found[0].start == datetime(2025, 10, 19, 22, tzinfo=UTC)


def test_gaps_and_steps_of_a_real_history_are_placed_as_they_are():
    text = curve(
        *rows("2021-02-11T01:00:00+01:00", 60, *range(20)),
        *rows("2021-02-12T01:00:00+01:00", 60, *range(12)),
        *rows("2021-02-13T00:30:00+01:00", 30, *range(40)),
    )
    found = only(batches_of(text))
    assert [r.step_s for r in found] == [3600] * 32 + [1800] * 40
    assert [
        (b.start_s - a.start_s - a.step_s) // 60
        for a, b in pairwise(found)
        if b.start_s > a.start_s + a.step_s
    ] == [240, 720]


@pytest.mark.parametrize(("stamp", "first"), [("start", "23:30"), ("end", "23:00")])
def test_a_person_may_say_which_end_is_stamped(stamp, first):
    text = curve(*rows("2026-01-15T00:30:00+01:00", 30, 612, 418))
    assert f"{only(batches_of(text, stamp=stamp))[0].start:%H:%M}" == first


def test_the_step_changes_inside_a_file():
    text = curve(
        *rows("2026-01-15T01:00:00+01:00", 60, 1, 2, 3),
        *rows("2026-01-15T03:30:00+01:00", 30, 4, 5),
    )
    assert said(only(batches_of(text))) == [
        ("01-14T23:00", 60, 1),
        ("01-15T00:00", 60, 2),
        ("01-15T01:00", 60, 3),
        ("01-15T02:00", 30, 4),
        ("01-15T02:30", 30, 5),
    ]


def test_the_step_grows_inside_a_file_when_two_rows_say_so():
    text = curve(
        *rows("2026-01-15T01:00:00+01:00", 30, 1, 2),
        *rows("2026-01-15T02:30:00+01:00", 60, 3, 4),
    )
    assert [r.step_s for r in only(batches_of(text))] == [1800, 1800, 3600, 3600]


def test_a_single_hole_does_not_make_an_hour():
    text = curve(*rows("2026-01-15T00:30:00+01:00", 30, 1, 2, 3, 4, 5))
    lines = text.splitlines(keepends=True)
    del lines[5]
    found = only(batches_of("".join(lines)))
    assert [(f"{r.start:%H:%M}", r.step_s) for r in found] == [
        ("23:00", 1800), ("23:30", 1800), ("00:30", 1800), ("01:00", 1800),
    ]  # fmt: skip


def test_after_a_gap_of_half_a_day_the_next_row_tells_the_step():
    text = curve(
        *rows("2026-01-15T01:00:00+01:00", 60, 1, 2),
        *rows("2026-01-15T14:30:00+01:00", 30, 3, 4),
    )
    assert said(only(batches_of(text)))[2:] == [("01-15T13:00", 30, 3), ("01-15T13:30", 30, 4)]


def test_where_no_row_tells_the_step_the_row_is_a_fault():
    found = batches_of(curve("2026-01-15T01:00:00+01:00;612"))
    (fault,) = faults_of(found)
    assert (fault.code, fault.line, fault.field, fault.raw) == ("enedis.step", 4, "Horodate", "612")
    assert not readings_of(found)


def test_the_step_in_the_header_helps_a_lonely_row():
    (reading,) = only(batches_of(curve("2026-01-15T01:00:00+01:00;612", step="30")))
    assert reading.step_s == 1800


def test_the_last_row_after_a_hole_is_not_guessed():
    text = curve(*rows("2026-01-15T00:30:00+01:00", 30, 1, 2), "2026-01-15T02:00:00+01:00;3")
    found = batches_of(text)
    assert [fault.code for fault in faults_of(found)] == ["enedis.step"]
    assert len(readings_of(found)[POINT + "consumption/power/active/raw"]) == 2


def test_october_has_fifty_half_hours():
    found = only(batches_of(curve(*rows("2025-10-26T00:30:00+02:00", 30, *range(50)))))
    starts = [r.start_s for r in found]
    assert len(found) == 50
    assert starts == list(range(starts[0], starts[0] + 50 * 1800, 1800))
    assert found[-1].start == datetime(2025, 10, 26, 22, 30, tzinfo=UTC)


def test_march_has_forty_six_half_hours():
    found = only(batches_of(curve(*rows("2026-03-29T00:30:00+01:00", 30, *range(46)))))
    assert {r.step_s for r in found} == {1800}
    assert found[-1].start == datetime(2026, 3, 29, 21, 30, tzinfo=UTC)


def test_an_empty_value_is_a_missing_reading():
    found = only(batches_of(curve(*rows("2026-01-15T00:30:00+01:00", 30, 612, "", "0"))))
    assert [(r.value, r.quality) for r in found] == [
        ((612, 0), Quality.MEASURED), (None, Quality.MISSING), ((0, 0), Quality.MEASURED),
    ]  # fmt: skip


def test_byte_order_mark_blank_lines_stray_semicolons_and_repetitions_change_nothing():
    plain = list(rows("2026-01-15T00:30:00+01:00", 30, 1, 2, 3))
    text = curve(plain[0] + ";", "", ";;", *[plain[1]] * 4, plain[2])
    messy = ("\ufeff" + text).replace("\n", "\r\n")
    assert only(batches_of(messy)) == only(batches_of(curve(*plain)))


def test_two_values_of_one_stamp_are_told():
    found = batches_of(
        curve(*rows("2026-01-15T00:30:00+01:00", 30, 1, 2), "2026-01-15T01:00:00+01:00;9")
    )
    (fault,) = faults_of(found)
    assert (fault.code, fault.line) == ("reading.contradicts", 6)
    assert said(readings_of(found)[POINT + "consumption/power/active/raw"]) == [
        ("01-14T23:00", 30, 1), ("01-14T23:30", 30, 9),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "hint", "value", "watts"),
    [("W", None, "612", 612), ("kW", None, "2", 2000), ("kW", None, "0.25", 250),
     ("kW", None, "1,5", 1500), ("", None, "612", 612), ("", "kW", "2", 2000),
     ("MW", None, "999999999999999", 999999999999999 * 10**6)],
)  # fmt: skip
def test_units(unit, hint, value, watts):
    text = curve(*rows("2026-01-15T00:30:00+01:00", 30, value, value), unit=unit)
    batches = batches_of(text, unit=hint)
    if watts > 2**63:
        assert {fault.code for fault in faults_of(batches)} == {"value.too_large"}
        return
    assert said(only(batches))[0][2] == watts


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ({"way": "Production"}, "production/power/active/raw"),
        ({"way": ""}, "consumption/power/active/raw"),
        ({"stage": "Comptage Corrigé"}, "consumption/power/active/corrected"),
        ({"quantity": "Energie réactive capacitive", "unit": "kvar"}, "consumption/power/capacitive/raw"),
        ({"quantity": "Energie reactive inductive", "unit": ""}, "consumption/power/inductive/raw"),
        ({"quantity": "Tension", "unit": "V"}, "consumption/voltage/raw"),
    ],
)  # fmt: skip
def test_the_words_of_the_header_name_the_series(words, path):
    found = batches_of(curve(*rows("2026-01-15T00:30:00+01:00", 30, 1, 2), **words))
    assert list(readings_of(found)) == [POINT + path]


def test_letters_of_older_encodings_are_read():
    text = curve(*rows("2026-01-15T00:30:00+01:00", 30, 1, 2), stage="Comptage Corrigé")
    found = batches_of(text.encode("cp1252"))
    assert list(readings_of(found)) == [POINT + "consumption/power/active/corrected"]


def test_daily_registers_of_summer_stamped_at_one_belong_to_midnight():
    text = REGISTERS + (
        "2026-03-28T00:00:00+01:00;Arrêté quotidien;100;;100;100\n"
        "2026-03-29T00:00:00+01:00;Arrêté quotidien;110;;110;110\n"
        "2026-03-30T01:00:00+02:00;Arrêté quotidien;120;;120;120\n"
    )
    found = readings_of(batches_of(text))
    assert sorted(name.removeprefix(POINT) for name in found) == [
        "consumption/energy/active/index",
        "consumption/energy/active/index/distributor/d1",
        "consumption/energy/active/index/provider/f1",
    ]
    assert midnights(found) == [date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)]


def test_daily_registers_of_winter_stamped_at_eleven_belong_to_the_midnight_of_their_date():
    """As a real history has it: October's night twice with one value, March's not at all."""
    text = REGISTERS + (
        "2025-10-25T00:00:00+02:00;Arrêté quotidien;100;;100;100\n"
        "2025-10-26T00:00:00+02:00;Arrêté quotidien;110;;110;110\n"
        "2025-10-26T23:00:00+01:00;Arrêté quotidien;110;;110;110\n"
        "2025-10-27T23:00:00+01:00;Arrêté quotidien;120;;120;120\n"
        "2026-03-28T23:00:00+01:00;Arrêté quotidien;130;;130;130\n"
        "2026-03-30T00:00:00+02:00;Arrêté quotidien;150;;150;150\n"
    )
    found = batches_of(text)
    assert faults_of(found) == []
    assert midnights(readings_of(found)) == [
        date(2025, 10, 25), date(2025, 10, 26), date(2025, 10, 27),
        date(2026, 3, 28), date(2026, 3, 30),
    ]  # fmt: skip


def midnights(found):
    local = [r.start.astimezone(PARIS) for r in found[POINT + "consumption/energy/active/index"]]
    assert all(at.hour == at.minute == 0 for at in local)
    return [at.date() for at in local]


def test_a_register_read_for_another_reason_keeps_its_time():
    text = REGISTERS + "2026-02-03T10:20:00+01:00;Relevé de mise en service;7;;7;7\n"
    found = readings_of(batches_of(text))[POINT + "consumption/energy/active/index"]
    assert [f"{r.start:%H:%M}" for r in found] == ["09:20"]


def test_the_calendar_below_the_registers_is_left_out():
    text = REGISTERS + (
        "2026-01-15T00:00:00+01:00;Arrêté quotidien;100;;100;100\n"
        "Periode;Identifiant calendrier fournisseur;Libelle calendrier fournisseur\n"
        "Du 2026-01-01T00:00:00+01:00 au;FC000165;Base\n"
    )
    assert faults_of(batches_of(text)) == []
    assert len(readings_of(batches_of(text))) == 3


def test_what_meters_use_a_day_is_the_same_from_registers_and_from_the_curve():
    half_hours = [100 + 7 * n for n in range(48 + 46 + 48)]
    power = curve(*rows("2026-03-28T00:30:00+01:00", 30, *[2 * wh for wh in half_hours]))
    totals = [0, sum(half_hours[:48]), sum(half_hours[:94]), sum(half_hours)]
    stamps = ["2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00",
              "2026-03-30T01:00:00+02:00", "2026-03-31T01:00:00+02:00"]  # fmt: skip
    registers = REGISTERS + "".join(
        f"{at};Arrêté quotidien;{wh};;{wh};{wh}\n" for at, wh in zip(stamps, totals, strict=True)
    )
    index = readings_of(batches_of(registers))[POINT + "consumption/energy/active/index"]
    load = only(batches_of(power))
    for before, after in pairwise(index):
        used_wh = sum(
            r.value[0] * r.step_s // 3600
            for r in load
            if before.start_s <= r.start_s < after.start_s
        )
        assert after.value[0] - before.value[0] == used_wh


def test_maximum_powers_are_instants_in_volt_amperes_and_65535_is_none():
    text = curve(
        "2026-01-15T19:04:11+01:00;4820", "2026-01-16T00:00:00+01:00;65535",
        "2026-01-17T07:15:00+01:00;3900", quantity="Puissance maximale atteinte",
    )  # fmt: skip
    found = batches_of(text)
    assert list(readings_of(found)) == [POINT + "consumption/power/apparent/max"]
    assert said(only(found)) == [
        ("01-15T18:04", 0, 4820), ("01-15T23:00", 0, None), ("01-17T06:15", 0, 3900),
    ]  # fmt: skip


def test_a_file_may_hold_several_sections():
    curve_rows = curve(*rows("2026-01-15T00:30:00+01:00", 30, 1, 2))
    other = curve(*rows("2026-01-15T00:30:00+01:00", 30, 3, 4), way="Production")
    registers = REGISTERS + "2026-01-15T00:00:00+01:00;Arrêté quotidien;100;;100;100\n"
    found = batches_of(curve_rows + "\n" + other + registers)
    assert faults_of(found) == []
    assert {name.removeprefix(POINT): len(some) for name, some in readings_of(found).items()} == {
        "consumption/power/active/raw": 2,
        "production/power/active/raw": 2,
        "consumption/energy/active/index": 1,
        "consumption/energy/active/index/distributor/d1": 1,
        "consumption/energy/active/index/provider/f1": 1,
    }


def test_a_later_section_that_cannot_be_read_leaves_the_earlier_one():
    text = curve(*rows("2026-01-15T00:30:00+01:00", 30, 1, 2)) + curve(quantity="Bananes")
    found = batches_of(text)
    assert [fault.code for fault in faults_of(found)] == ["enedis.quantity"]
    assert sum(map(len, found)) == 2


def test_a_person_may_name_the_point():
    text = curve(*rows("2026-01-15T00:30:00+01:00", 30, 1, 2), prm="9876543210123")
    assert list(readings_of(batches_of(text, prm=PRM))) == [POINT + "consumption/power/active/raw"]
    named = batches_of(text, series="urn:dev:org:32473-hall:main")
    assert list(readings_of(named)) == ["urn:dev:org:32473-hall:main_consumption/power/active/raw"]


def test_a_download_without_a_last_line_end_keeps_the_row_of_its_last_day():
    text = curve(*rows("2026-01-01T23:30:00+01:00", 30, 1, 2))
    assert len(only(batches_of(text.removesuffix("\n")))) == 2


def test_a_file_cut_inside_its_last_value_does_not_keep_it():
    text = curve(*rows("2026-01-01T20:30:00+01:00", 30, 612, 418))
    found = batches_of(text.removesuffix("8\n"))
    assert [fault.code for fault in faults_of(found)] == ["file.cut_line", "enedis.step"]
    assert sum(map(len, found)) == 0

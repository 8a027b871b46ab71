"""Daily registers in CSV: the calendar that names them, and the quirks of real histories."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from tests.connect import history
from tests.connect.reading import batches_of, faults_of, from_file, readings_of

from kevre.quality.reconcile import reconcile

PARIS = ZoneInfo("Europe/Paris")
POINT = "urn:dev:prm:09876543210123_"
INDEX = POINT + "consumption/energy/active/index"
CALENDAR = "Periode;Identifiant calendrier fournisseur\n"


def head(unit="Wh", way="Consommation", columns="EAS F1;EAS F2;EAS D1;EAS D2;EAS T"):
    return (
        "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;Grandeur metier;"
        f"Etape metier;Unite\n09876543210123;Index;01/01/2026;31/12/2026;Energie active;{way};"
        f"Comptage Brut;{unit}\nHorodate;Type de releve;{columns}\n"
    )


def row(day, *registers, time="00:00:00+01:00", reason="Arrêté quotidien"):
    return f"2026-01-{day:02}T{time};{reason};{';'.join(map(str, registers))}\n"


def period(start, end, f1="", f2="", d1="", d2=""):
    """A line of the calendar, as Enedis writes it."""
    end = f" {end}" if end else ""
    return (
        f"Du {start} au{end};FC1;Base;{f1};;EAS F1;{f2};;EAS F2;DI1;x;{d1};;EAS D1;{d2};;EAS D2\n"
    )


def values(text):
    found = readings_of(batches_of(text))
    return {
        name.removeprefix(INDEX): [(f"{r.start.astimezone(PARIS):%d}", r.value[0]) for r in rows]
        for name, rows in found.items()
    }


def test_the_calendar_names_the_classes_of_its_period():
    text = head() + row(15, 1, 2, 3, 4, 7) + CALENDAR
    text += period("2026-01-01T00:00:00+01:00", "", "HP", "HC", "HPH", "HCH")
    assert values(text) == {
        "/provider/hp": [("15", 1)], "/provider/hc": [("15", 2)], "/distributor/hph": [("15", 3)],
        "/distributor/hch": [("15", 4)], "": [("15", 7)],
    }  # fmt: skip


def test_after_a_change_of_contract_a_dial_counts_another_class():
    text = (
        head()
        + row(15, 100, "", 100, "", 100)
        + row(16, 5, 3, 100, 8, 108)
        + row(17, 9, 4, 100, 13, 113)
    )
    text += CALENDAR + period(
        "2026-01-01T00:00:00+01:00", "2026-01-16T00:00:00+01:00", "BASE", "", "BASE"
    )
    text += period("2026-01-16T00:00:00+01:00", "", "HP", "HC", "", "HPH")
    found = values(text)
    assert found["/provider/base"] == found["/distributor/base"] == [("15", 100)]
    assert found["/provider/hp"] == [("16", 5), ("17", 9)]
    assert found["/distributor/d1"] == [("16", 100), ("17", 100)]
    assert found[""] == [("15", 100), ("16", 108), ("17", 113)]


def test_contiguous_periods_share_their_border_and_the_later_one_has_it():
    text = (
        head()
        + row(14, 1, "", 1, "", 1)
        + row(15, 2, "", 2, "", 2)
        + row(16, 3, "", 3, "", 3)
        + CALENDAR
    )
    text += period("2026-01-01T00:00:00+01:00", "2026-01-15T00:00:00+01:00", "OLD", "", "BASE")
    text += period("2026-01-15T00:00:00+01:00", "", "NEW", "", "BASE")
    assert values(text)["/provider/old"] == [("14", 1)]
    assert values(text)["/provider/new"] == [("15", 2), ("16", 3)]


def test_a_class_that_is_unknown_has_the_name_of_its_dial():
    text = head() + row(15, 1, 2, 3, 4, 7) + CALENDAR
    text += period("2026-01-01T00:00:00+01:00", "", "INCONNU", "", "INCONNU", "HCH")
    assert set(values(text)) == {
        "",
        "/provider/f1",
        "/provider/f2",
        "/distributor/d1",
        "/distributor/hch",
    }


def test_without_a_calendar_series_have_the_names_of_the_dials():
    assert set(values(head() + row(15, 1, 2, 3, 4, 7))) == {
        "", "/provider/f1", "/provider/f2", "/distributor/d1", "/distributor/d2",
    }  # fmt: skip


def test_a_line_of_the_calendar_that_cannot_be_read_is_named():
    found = batches_of(head() + row(15, 1, 2, 3, 4, 7) + CALENDAR + "since always;FC1\n")
    assert [(fault.code, fault.line) for fault in faults_of(found)] == [("enedis.calendar", 6)]
    assert INDEX in readings_of(found)


@pytest.mark.parametrize("unit", ["", "Wh", "W"])
def test_an_empty_or_wrong_unit_is_the_watt_hour(unit):
    assert values(head(unit) + row(15, 1, "", 1, "", 7))[""] == [("15", 7)]


def test_kilowatt_hours_are_a_thousand():
    assert values(head("kWh") + row(15, 1, "", 1, "", 7))[""] == [("15", 7_000)]


def test_registers_of_the_supplier_alone_have_no_total():
    assert values(head() + row(15, 1, 2, "", "", "")) == {
        "/provider/f1": [("15", 1)], "/provider/f2": [("15", 2)],
    }  # fmt: skip


def test_a_total_that_lacks_is_the_sum_of_the_distributors_classes():
    assert values(head() + row(15, 1, 2, 3, 4, ""))[""] == [("15", 7)]


def test_a_total_that_counts_more_than_the_classes_is_kept_as_it_is():
    assert values(head() + row(15, 1, "", 3, 4, 107))[""] == [("15", 107)]


def test_blank_lines_repeated_rows_and_rows_of_nothing_change_nothing():
    plain = row(15, 1, "", 1, "", 1) + row(16, 2, "", 2, "", 2)
    messy = (
        "\n;;;;;;\n"
        + row(15, 1, "", 1, "", 1) * 4
        + row(14, *[""] * 5)
        + "\n"
        + row(16, 2, "", 2, "", 2)
    )
    assert values(head() + messy) == values(head() + plain)
    assert faults_of(batches_of(head() + messy)) == []


def test_a_missing_midnight_stays_missing():
    assert values(head() + row(15, 1, "", 1, "", 1) + row(18, 2, "", 2, "", 2))[""] == [
        ("15", 1),
        ("18", 2),
    ]


def test_a_register_that_goes_back_is_kept_as_it_is():
    assert values(head() + row(15, 9, "", 9, "", 9) + row(16, 2, "", 2, "", 2))[""] == [
        ("15", 9),
        ("16", 2),
    ]


def test_header_only_files_hold_nothing_and_are_no_fault():
    (batch,) = batches_of(head())
    assert (len(batch), batch.faults) == (0, ())


def test_registers_read_in_the_small_hours_keep_their_hour():
    found = readings_of(batches_of(head() + row(15, "", "", 5, 6, 11, time="02:37:56+01:00")))
    assert f"{found[INDEX][0].start:%H:%M:%S}" == "01:37:56"


def test_registers_of_injection_are_production():
    found = readings_of(batches_of(head(columns="EAI T") + row(15, 7)))
    assert list(found) == [POINT + "production/energy/active/index"]


def test_a_bad_line_is_named_and_the_others_are_kept():
    text = head() + row(15, 1, "", 1, "", "many") + "2026-01-16;x\n" + row(17, 2, "", 2, "", 2)
    found = batches_of(text)
    told = sorted((fault.line, fault.code) for fault in faults_of(found))
    assert told == [(4, "value.not_a_number"), (5, "time.naive")]
    # Where the total cannot be read, the sum of the distributor's classes stands for it.
    assert [(f"{r.start.astimezone(PARIS):%d}", r.value[0]) for r in readings_of(found)[INDEX]] == [
        ("15", 1), ("17", 2),
    ]  # fmt: skip


def test_a_history_of_more_days_than_a_meter_lives_is_named_by_its_dials():
    rows = "".join(
        f"{1990 + n // 8760}-01-01T{n % 24:02}:30:00+01:00;;{n};;{n};;{n}\n" for n in range(21_000)
    )
    assert INDEX + "/provider/f1" in readings_of(batches_of(head() + rows + CALENDAR))


@pytest.mark.real_data
def test_registers_of_a_real_meter_equal_its_curve_on_every_whole_day_of_two_winters(samples):
    """Aligned on the date that is written; taken at its hour, or at the nearest midnight, they do not."""
    folder = samples / "enedis_sge/sge-tiers/CommandeTransmissionHistoriqueMesures/C5-CDC"
    curve = from_file(folder / "Enedis_SGE_HDM_A06NW0ZI.csv")
    register = batches_of(history.file())
    assert faults_of(register) == []
    totals = [one for b in register for one in b.columns if one.series.endswith("/active/index")]
    found = reconcile(totals, [one for b in curve for one in b.columns])
    days = [span for span in found.whole if span.end_s - span.start_s < 300_000]
    assert len(days) == 263
    assert [span for span in days if not span.is_equal] == []
    assert len({r.start_s for r in only_total(register)}) == 268


def only_total(batches):
    return readings_of(batches)[f"urn:dev:prm:{history.PRM}_consumption/energy/active/index"]


@pytest.mark.real_data
def test_the_calendar_of_a_real_export_names_its_classes(samples):
    found = readings_of(from_file(samples / "linky_customer_csv/aeneria_Enedis_Conso_Jour.csv"))
    paths = {name.partition("/index")[2]: len(rows) for name, rows in found.items()}
    assert paths == {"": 264, "/provider/base": 264, "/distributor/base": 264}


def test_the_day_after_the_last_of_march_is_told_by_the_date():
    rows = readings_of(batches_of(history.file()))
    total = rows[f"urn:dev:prm:{history.PRM}_consumption/energy/active/index"]
    local = [r.start.astimezone(PARIS) for r in total]
    assert {(at.hour, at.minute) for at in local} == {(0, 0)}
    assert date(2021, 3, 28) not in {at.date() for at in local}

"""Plain tables: weather, a house, and any start,value; what Kevre gives out is read again."""

import csv
import gzip
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.connect.reading import batches_of, faults_of, from_file, only, readings_of

from kevre.formats.table import csv_chunks
from kevre.model.errors import Malformed
from kevre.model.quality import Quality

PARIS = ZoneInfo("Europe/Paris")
POINT = "urn:dev:org:32473-school:hall"
POWER = POINT + "_consumption/power/active/raw"
INDEX = POINT + "_consumption/energy/active/index"
STATION = "urn:dev:meteofrance:56185001"
WEATHER = "weather/lorient_lann_bihoue_hourly_2014-01.csv"
HOUSE = "pv/emhass_fr_house_30min_2024-03_2025-02.csv.gz"


def exact(reading):
    return reading.value and Decimal(reading.value[0]).scaleb(reading.value[1])


def cells(path, column):
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return [row[column] for row in csv.DictReader(text.splitlines())]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("column", "path", "factor", "first", "missing"),
    [
        ("t_c", "temperature/air/raw", "1", "01-01T00", 0),
        ("u", "humidity/air/raw", "1", "01-01T00", 0),
        ("ff", "wind/speed/raw", "1", "01-01T00", 0),
        ("dd", "wind/direction/raw", "1", "01-01T00", 0),
        ("pmer", "pressure/sea-level/raw", "1", "01-01T00", 0),
        ("rr1", "rain/height/hourly", "0.001", "12-31T23", 1),
        ("insolh", "sunshine/duration/hourly", "60", "12-31T23", 0),
        ("ghi_wh_m2", "irradiation/global/hourly", "1", "12-31T23", 0),
    ],
)
def test_the_weather_of_lorient(samples, column, path, factor, first, missing):
    batches = from_file(samples / WEATHER)
    assert faults_of(batches) == []
    found = readings_of(batches)[f"{STATION}_{path}"]
    assert len(found) == 744
    assert f"{found[0].start:%m-%dT%H}" == first
    assert {r.step_s for r in found} == {3600}
    assert sum(r.quality is Quality.MISSING for r in found) == missing
    written = [
        Decimal(text) * Decimal(factor) if text else None
        for text in cells(samples / WEATHER, column)
    ]
    assert [exact(r) for r in found] == written


@pytest.mark.real_data
def test_the_weather_of_a_whole_region(samples):
    batches = from_file(samples / "weather/molene_brittany_hourly_2014-01.csv.gz")
    assert faults_of(batches) == []
    assert all(len(batch) <= 50_000 for batch in batches)
    assert sum(map(len, batches)) == 324_512


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("column", "path", "missing", "watt_half_hours"),
    [
        ("load_no_controllable_W", "consumption/power/active/raw", 336, "15348541.4"),
        ("pv_W", "production/power/active/raw", 8781, "10406939.3"),
    ],
)
def test_a_house_with_photovoltaics(samples, column, path, missing, watt_half_hours):
    found = readings_of(from_file(samples / HOUSE, series=POINT))[f"{POINT}_{path}"]
    assert (len(found), sum(r.quality is Quality.MISSING for r in found)) == (17_524, missing)
    assert f"{found[0].start:%Y-%m-%dT%H:%M}" == "2024-02-28T21:00"
    assert {r.step_s for r in found} == {1800}
    written = [Decimal(text) for text in cells(samples / HOUSE, column) if text]
    assert sum(exact(r) for r in found if r.value) == sum(written) == Decimal(watt_half_hours)


def test_a_house_that_nobody_names_has_a_name_for_examples():
    found = readings_of(batches_of("timestamp_utc,pv_W\n2026-01-15 00:00:00+00:00,5\n"))
    assert list(found) == ["urn:dev:org:32473-emhass:house_production/power/active/raw"]


def test_a_table_of_starts_and_values():
    text = (
        "start,value\n2026-01-15T00:00:00Z,612\n2026-01-15T00:30:00Z,\n2026-01-15T01:00:00Z,-0.5\n"
    )
    found = only(batches_of(text, series=POWER))
    assert [(r.start.hour * 60 + r.start.minute, r.step_s, exact(r)) for r in found] == [
        (0, 1800, 612), (30, 1800, None), (60, 1800, Decimal("-0.5")),
    ]  # fmt: skip


def test_columns_of_unit_quality_and_step_are_obeyed():
    text = (
        "value,unit,quality,step,start\n"
        "1.5,kW,estimated,PT60M,2026-01-15T00:00:00Z\n"
        "7,W,,PT10M,2026-01-15T01:00:00Z\n"
    )
    found = only(batches_of(text, series=POWER))
    assert [(exact(r), r.quality, r.step_s) for r in found] == [
        (1500, Quality.ESTIMATED, 3600), (7, Quality.MEASURED, 600),
    ]  # fmt: skip


def test_instants_need_no_step():
    (reading,) = only(batches_of("start,value\n2026-01-15T00:00:00Z,7\n", series=INDEX, unit="kWh"))
    assert (reading.step_s, exact(reading)) == (0, 7000)


def test_stamps_of_the_end_are_moved_if_a_person_says_so():
    text = "start,value\n2026-01-15T00:30:00Z,1\n2026-01-15T01:00:00Z,2\n"
    assert [r.start.minute for r in only(batches_of(text, series=POWER, stamp="end"))] == [0, 30]


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        ("noon,1,W,,PT30M", "time.malformed", "start"),
        ("2026-01-15T00:00:00,1,W,,PT30M", "time.naive", "start"),
        ("2026-01-15T00:00:00Z,one,W,,PT30M", "value.not_a_number", "value"),
        ("2026-01-15T00:00:00Z,1,Wh,,PT30M", "unit.mismatch", "unit"),
        ("2026-01-15T00:00:00Z,1,W,superb,PT30M", "table.quality", "quality"),
        ("2026-01-15T00:00:00Z,1,W,missing,PT30M", "table.quality", "quality"),
        ("2026-01-15T00:00:00Z,1,W,,half an hour", "step.malformed", "step"),
        ("2026-01-15T00:00:00Z,1,W,,", "table.step", "step"),
        ("2026-01-15T00:00:00Z,1", "table.cells", ""),
    ],
)
def test_a_bad_row_is_named(row, code, field):
    (fault,) = faults_of(batches_of("start,value,unit,quality,step\n" + row + "\n", series=POWER))
    assert (fault.code, fault.line, fault.field) == (code, 2, field)
    assert fault.raw == row


@pytest.mark.parametrize(
    ("series", "code"),
    [
        (None, "table.series"),
        (POINT + "_kitchen/lamp", "identifier.kind"),
        ("hall", "identifier.malformed"),
    ],
)
def test_a_table_needs_the_name_of_its_series(series, code):
    with pytest.raises(Malformed) as raised:
        batches_of("start,value\n2026-01-15T00:00:00Z,7\n", series=series)
    assert raised.value.code == code


@dataclass(frozen=True)
class Some:
    """Readings as the store gives them, with a hole, a change of step, and October's two hours."""

    exponent = -2
    start_s = 1_761_435_000 + 1800 * np.array([0, 1, 2, 3, 5])
    step_s = np.array([1800, 1800, 1800, 3600, 600], np.int32)
    value = np.array([612, -50, 0, 0, 99_999], np.int64)
    quality = np.array([0, 1, 2, 7, 5], np.uint8)


def test_our_own_download_is_read_again():
    text = "".join(csv_chunks([Some()], unit="W", zone=PARIS))
    found = only(batches_of(text, series=POWER))
    block = Some()
    assert [r.start_s for r in found] == block.start_s.tolist()
    assert [r.step_s for r in found] == block.step_s.tolist()
    assert [int(r.quality) for r in found] == block.quality.tolist()
    assert [exact(r) for r in found] == [
        Decimal("6.12"), Decimal("-0.5"), 0, None, Decimal("999.99"),
    ]  # fmt: skip


def test_weather_without_an_offset_is_in_utc_unless_a_zone_is_named():
    text = "numer_sta,time_utc,t_c\n56185001,2026-07-15 12:00:00,20.5\n"
    assert only(batches_of(text))[0].start == datetime(2026, 7, 15, 12, tzinfo=UTC)
    assert only(batches_of(text, zone=PARIS))[0].start == datetime(2026, 7, 15, 10, tzinfo=UTC)

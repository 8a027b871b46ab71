"""Files that are wrong, torn, hostile or huge: what is good is kept, the rest is named."""

import bz2
import gzip
import io
import zipfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.connect.reading import batches_of, faults_of, from_file, only, readings_of

from kevre.model.errors import KevreError, Malformed

PARIS = ZoneInfo("Europe/Paris")
POWER = "urn:dev:org:32473-school:hall_consumption/power/active/raw"
HEADER = (
    "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;"
    "Grandeur metier;Etape metier;Unite;Pas en minutes\n"
    "09876543210123;Courbe de charge;01/01/2026;01/01/2027;Energie active;"
    "Consommation;Comptage Brut;W;\nHorodate;Valeur\n"
)


def half_hours(count, first="2026-01-15T00:30:00+01:00", value=612):
    start = datetime.fromisoformat(first).astimezone(UTC)
    stamps = ((start + timedelta(minutes=30 * n)).astimezone(PARIS) for n in range(count))
    return "".join(f"{at.isoformat()};{value + n}\n" for n, at in enumerate(stamps))


def curve(*between):
    """A curve of a day with some lines in its midst: the first of them is line 28."""
    day = half_hours(48).splitlines(keepends=True)
    return HEADER + "".join(day[:24]) + "".join(f"{row}\n" for row in between) + "".join(day[24:])


def zipped(*files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(files):
            archive.writestr(f"{number}.csv", content)
    return buffer.getvalue()


def refused(content, **hints):
    with pytest.raises(Malformed) as raised:
        batches_of(content, **hints)
    return raised.value


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        ("2026-01-15T12:15:00+25:00;1", "time.malformed", "Horodate"),
        ("2026-01-15T12:75:00+01:00;1", "time.malformed", "Horodate"),
        ("2026-02-30T12:30:00+01:00;1", "time.malformed", "Horodate"),
        ("15/01/2026 12:30;1", "time.malformed", "Horodate"),
        ("2026-01-15T12:15:00;1", "time.naive", "Horodate"),
        ("1899-12-31T00:00:00+00:00;1", "time.out_of_range", "Horodate"),
        ("2026-01-15T12:15:00+01:00;one", "value.not_a_number", "Valeur"),
        ("2026-01-15T12:15:00+01:00;1e400", "value.not_a_number", "Valeur"),
        ("2026-01-15T12:15:00+01:00;NaN", "value.not_a_number", "Valeur"),
        ("2026-01-15T12:15:00+01:00;" + "9" * 30, "value.not_a_number", "Valeur"),
        ("2026-01-15T12:15:00+01:00", "enedis.cells", "Valeur"),
        ("\0\0\0\0", "time.malformed", "Horodate"),
        (";612", "time.malformed", "Horodate"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_kept(row, code, field):
    batches = batches_of(curve(row))
    fault = next(fault for fault in faults_of(batches) if fault.code == code)
    assert (fault.line, fault.field) == (28, field)
    assert fault.raw
    assert fault.hint or code == "enedis.cells"
    assert sum(map(len, batches)) == 48
    assert len(faults_of(batches)) == 1


@pytest.mark.parametrize(
    ("old", "new", "code", "where"),
    [
        ("Horodate", "Date", "enedis.column", "file.csv, line 3"),
        ("Grandeur physique", "Grandeur", "enedis.column", "file.csv, line 1"),
        (
            "09876543210123",
            "9876543210123",
            "identifier.digits",
            "file.csv, line 2, field Identifiant PRM",
        ),
        ("Energie active", "Bananes", "enedis.quantity", "file.csv"),
        ("Consommation", "Ailleurs", "enedis.direction", "file.csv"),
        (";W;", ";Wh;", "unit.mismatch", "file.csv"),
        (";W;", ";bananas;", "unit.unknown", "file.csv"),
    ],
)
def test_a_header_that_cannot_be_read_refuses_the_file(old, new, code, where):
    error = refused(curve().replace(old, new))
    assert (error.code, error.where) == (code, where)
    assert error.hint or code in {"enedis.quantity", "enedis.direction"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file.empty"),
        (gzip.compress(b"", mtime=0), "file.empty"),
        (b"\x1f\x8b", "file.empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100, "file.unrecognised"),
        (bytes(10_000), "file.unrecognised"),
        (b"hello", "file.unrecognised"),
        (bz2.compress(curve().encode()), "file.unrecognised"),
        (HEADER.splitlines()[0].encode(), "enedis.no_rows"),
        ("\n".join(HEADER.splitlines()[:2]).encode(), "enedis.no_rows"),
        (zipped(), "file.unrecognised"),
        (zipped(curve())[:-40], "file.archive"),
        (b"PK\x03\x04" + bytes(100), "file.archive"),
        (b"[1, 2", "senml.json"),
        (b'{"v": 1}', "file.unrecognised"),
    ],
)
def test_what_is_no_file_of_readings_is_refused_by_name(content, code):
    error = refused(content)
    assert error.code == code
    assert error.where.startswith("file.csv")


def test_a_file_of_nothing_but_a_header_has_no_readings_and_no_faults():
    (batch,) = batches_of(HEADER)
    assert (len(batch), batch.faults) == (0, ())


@pytest.mark.parametrize("pack", [gzip.compress, zipped], ids=["gzip", "zip"])
def test_archives_are_opened(pack):
    assert only(batches_of(pack(curve().encode()))) == only(batches_of(curve()))


def test_of_a_torn_gzip_the_good_part_is_kept():
    whole = gzip.compress((HEADER + half_hours(5_000)).encode())
    batches = batches_of(whole[: len(whole) // 2])
    (fault,) = [fault for fault in faults_of(batches) if fault.code == "file.torn"]
    assert "fetch it again" in fault.hint
    kept = sum(map(len, batches))
    assert 2_000 < kept < 5_000
    every = {r.start_s: r for r in only(batches_of(HEADER + half_hours(5_000)))}
    assert all(every[r.start_s] == r for some in readings_of(batches).values() for r in some)


def test_of_a_damaged_archive_the_good_part_is_kept():
    whole = bytearray(zipped(HEADER + half_hours(5_000)))
    whole[len(whole) // 2] ^= 0xFF
    batches = batches_of(bytes(whole))
    assert "file.torn" in {fault.code for fault in faults_of(batches)}
    assert sum(map(len, batches)) > 1_000


def test_two_gigabytes_of_nothing_are_refused_at_once(tmp_path):
    path = tmp_path / "file.csv"
    with path.open("wb") as file:
        file.truncate(2_000_000_000)
    with pytest.raises(Malformed) as raised:
        from_file(path)
    assert raised.value.code == "file.unrecognised"
    assert "binary" in raised.value.message


@pytest.mark.parametrize("pack", [gzip.compress, zipped], ids=["gzip", "zip"])
@pytest.mark.parametrize(("filling", "code"), [(b"\0", "file.line_too_long"), (b"\n", "file.bomb")])
def test_bombs_do_not_go_off(tmp_path, pack, filling, code):
    content = pack(curve().encode() + filling * 50_000_000)
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    batches = from_file(path)
    assert [fault.code for fault in faults_of(batches)] == [code]
    assert sum(map(len, batches)) == 48


def test_a_line_of_ten_megabytes_ends_the_reading_and_what_came_before_is_kept():
    batches = batches_of(curve("x" * 10_000_000))
    (fault,) = faults_of(batches)
    assert (fault.code, fault.field) == ("file.line_too_long", "line 28")
    assert sum(map(len, batches)) == 24


def test_of_many_faults_a_thousand_are_told_and_the_others_counted():
    batches = batches_of(curve(*["noon;1"] * 5_000))
    *told, last = faults_of(batches)
    assert [fault.line for fault in told] == list(range(28, 1_028))
    assert (last.code, last.message) == ("file.more_faults", "4000 more lines have faults")
    assert sum(map(len, batches)) == 48


def test_contradictions_count_among_the_faults():
    day = half_hours(48).splitlines()
    rows = [row.replace(";", f";{again}") for again in range(50) for row in day]
    *told, last = faults_of(batches_of(curve(*rows)))
    assert len(told) == 1_000
    assert last.code == "file.more_faults"


def naive_october():
    """The 50 half-hours of 26 October 2025, stamped without an offset."""
    text = half_hours(50, "2025-10-26T00:30:00+02:00")
    return HEADER + text.replace("+02:00", "").replace("+01:00", "")


def test_times_without_an_offset_need_a_zone():
    batches = batches_of(naive_october())
    assert {fault.code for fault in faults_of(batches)} == {"time.naive"}
    assert len(faults_of(batches)) == 50


def test_with_a_zone_the_repeated_hour_is_told_apart_by_its_order():
    found = only(batches_of(naive_october(), zone=PARIS))
    assert [r.value for r in found] == [(612 + n, 0) for n in range(50)]
    assert [r.start_s - found[0].start_s for r in found] == [1800 * n for n in range(50)]


def test_the_skipped_hour_of_march_is_a_fault():
    rows = [f"2026-03-29T0{h}:{m}:00;5" for h in range(5) for m in ("00", "30")]
    faults = faults_of(batches_of(HEADER + "\n".join(rows) + "\n", zone=PARIS))
    assert [(fault.code, fault.line) for fault in faults] == [
        ("time.skipped", 8),
        ("time.skipped", 9),
    ]


@pytest.mark.parametrize(
    "row",
    ["2026-01-15 00:00:00,1\r2", '2026-01-15 00:00:00,"1', "2026-01-15 00:00:00", "0001-01-01,1"],
)
def test_a_strange_line_of_a_table_is_a_fault(row):
    text = f"start,value\n{row}\n2026-01-15 01:00:00,2\n2026-01-15 01:30:00,2\n"
    batches = batches_of(text, series=POWER, zone=PARIS)
    assert [fault.line for fault in faults_of(batches)] == [2]
    assert sum(map(len, batches)) == 2


def test_a_file_that_may_not_be_opened_is_refused(tmp_path):
    with pytest.raises(KevreError) as raised:
        from_file(tmp_path)
    assert raised.value.code == "file.unreadable"


HEADS = [b"", HEADER.encode(), b"start,value\n", b"numer_sta,time_utc,t_c\n", b"timestamp_utc,pv_W\n",
         b"[", b"\x81", b"<senml", b"\x1f\x8b\x08\0", b"PK\x03\x04"]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(head=st.sampled_from(HEADS), rest=st.binary(max_size=300))
@example(head=b"start,value\n", rest=b"0001-01-01,1\n")
@example(head=HEADER.encode(), rest=b"0001-01-01,1\n")
def test_no_bytes_raise_anything_but_our_own_errors(head, rest):
    with suppress(KevreError):
        batches_of(head + rest, series=POWER, zone=PARIS)


@settings(max_examples=300, deadline=None)
@given(cut=st.floats(0, 1), change=st.integers(0, 255), where=st.floats(0, 1))
def test_a_damaged_archive_raises_nothing_but_our_own_errors(cut, change, where):
    content = bytearray(zipped(curve()))
    content[int(where * (len(content) - 1))] = change
    with suppress(KevreError):
        batches_of(bytes(content[: int(cut * len(content)) + 1]))


GOOD = {
    "enedis": HEADER + half_hours(6, value=-2) + half_hours(4, "2026-01-15T06:30:00+01:00") + "".join(
        f"2026-01-15T{hour:02}:00:00+01:00;{hour}\n" for hour in (9, 10, 11)
    ) + "2026-01-15T21:00:00+01:00;7\n2026-01-15T21:30:00+01:00;8\n",
    "ten minutes": HEADER + "".join(
        f"2026-01-15T{n // 6:02}:{n % 6}0:00+01:00;{1000 + n}\n" for n in range(30) if n != 12
    ),
    "table": "start,value\n" + "".join(f"2026-01-15T{n:02}:00:00Z,{100 + n}.5\n" for n in range(9)),
    "weather": "numer_sta,time_utc,t_c,ghi_wh_m2\n" + "".join(
        f"56185001,2026-01-15 {n:02}:00:00,{n}.5,{n}00\n" for n in range(9)
    ),
    "house": "timestamp_utc,load_no_controllable_W,pv_W\n" + "".join(
        f"2026-01-15 {n:02}:00:00+00:00,{n}12.25,{n}3.5\n" for n in range(9)
    ),
}  # fmt: skip

POINTS = {"table": POWER}


@settings(max_examples=150, deadline=None)
@pytest.mark.parametrize("name", GOOD)
@given(share=st.floats(0, 1))
def test_any_beginning_of_a_good_file_is_read_as_in_the_whole_or_not_at_all(name, share):
    text = GOOD[name]
    whole = readings_of(batches_of(text, series=POINTS.get(name)))
    try:
        part = readings_of(batches_of(text[: int(share * len(text))], series=POINTS.get(name)))
    except KevreError:
        return
    for series, readings in part.items():
        assert set(readings) <= set(whole[series])

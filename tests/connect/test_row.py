"""Rows read many at once: always what the reading of single lines gives."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.connect.reading import batches_of, faults_of, only, readings_of

from kevre.connect.enedis import row

PARIS = ZoneInfo("Europe/Paris")
HEADER = (
    "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;"
    "Grandeur metier;Etape metier;Unite;Pas en minutes\n"
    "09876543210123;Courbe de charge;01/01/2026;01/01/2027;Energie active;"
    "Consommation;Comptage Brut;{unit};{step}\nHorodate;Valeur\n"
)

# Stretches of rows: how many, how far apart [min], and what is done to them.
stretches = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.sampled_from([5, 10, 15, 30, 30, 30, 60, 90, 750, 1_440, -30, 0]),
        st.sampled_from(["", "", "", "twice", "empty", "again", "bad", "blank", "long"]),
    ),
    max_size=8,
)


def lines(some, first):
    at, value = first, 0
    for count, minutes, change in some:
        for n in range(count):
            at += timedelta(minutes=minutes)
            value += 1
            stamp = at.astimezone(PARIS).isoformat()
            odd = n == count // 2
            if odd and change == "bad":
                yield "noon;5"
            if odd and change == "blank":
                yield ""
            yield f"{stamp};{'' if change == 'empty' else '9' * 18 if odd and change == 'long' else value}"
            if odd and change in {"twice", "again"}:
                yield f"{stamp};{value if change == 'twice' else value + 7}"


@settings(max_examples=300)
@given(stretches, st.sampled_from(["W", "kW", ""]), st.sampled_from(["", "30"]), st.booleans(),
       st.sampled_from(["2026-01-15", "2025-10-26", "2026-03-29"]))  # fmt: skip
def test_rows_read_at_once_are_those_read_one_by_one(some, unit, step, has_returns, day):
    first = datetime.fromisoformat(day).replace(tzinfo=PARIS).astimezone(UTC)
    rows = list(lines(some, first))
    head, end = HEADER.format(unit=unit, step=step), "\r\n" if has_returns else "\n"
    at_once = batches_of(head + "".join(one + end for one in rows))
    # A stray semicolon changes nothing, but sends each line the slow way.
    one_by_one = batches_of(head + "".join(one + (";" if one else "") + "\n" for one in rows))
    assert readings_of(at_once) == readings_of(one_by_one)
    told = [[(f.code, f.line, f.field) for f in faults_of(some)] for some in (at_once, one_by_one)]
    assert told[0] == told[1]
    assert [column.line for batch in at_once for column in batch.columns] == [
        column.line for batch in one_by_one for column in batch.columns
    ]


@given(st.datetimes(datetime(1990, 1, 1, 0, 0), datetime(2099, 12, 31)), st.integers(-14 * 60, 14 * 60),
       st.integers(0, 10**15 - 1))  # fmt: skip
def test_every_stamp_is_the_instant_that_it_names(naive, offset, value):
    at = naive.replace(microsecond=0, tzinfo=UTC).astimezone(
        datetime.fromisoformat(f"2026-01-01T00:00{'+' if offset >= 0 else '-'}"
                               f"{abs(offset) // 60:02}:{abs(offset) % 60:02}").tzinfo
    )  # fmt: skip
    rows = row.read(f"{at.isoformat()};{value}\n".encode())
    assert rows.is_regular.all()
    assert (int(rows.stamp_s[0]), int(rows.value[0])) == (int(at.timestamp()), value)


@pytest.mark.parametrize(
    "line",
    ["", ";", "2026-02-29T00:00:00+01:00;1", "2026-13-01T00:00:00+01:00;1", "2026-00-01T00:00:00+01:00;1",
     "2026-01-32T00:00:00+01:00;1", "2026-01-15T24:00:00+01:00;1", "2026-01-15T00:60:00+01:00;1",
     "2026-01-15T00:00:60+01:00;1", "2026-01-15T00:00:00 01:00;1", "2026-01-15T00:00:00+25:00;1",
     "1989-12-31T00:00:00+01:00;1", "2100-01-15T00:00:00+01:00;1", "2026-01-15T00:00:00+01:00;-1",
     "2026-01-15T00:00:00+01:00;1.5", "2026-01-15T00:00:00+01:00;1;", "2026-01-15T00:00:00+01:00",
     "2026-01-15T00:00:00+01:00;1234567890123456", "x026-01-15T00:00:00+01:00;1"],
)  # fmt: skip
def test_what_is_not_regular_is_left_to_the_reader_of_lines(line):
    assert not row.read(f"{line}\n".encode()).is_regular.any()


@given(st.binary(max_size=300))
def test_any_bytes_are_cut_into_as_many_rows_as_lines(content):
    block = content + b"\n"
    assert len(row.read(block).is_regular) == block.count(b"\n")


def test_a_curve_of_years_is_one_stretch():
    start = datetime(2020, 1, 1, tzinfo=UTC)
    body = "".join(
        f"{(start + timedelta(minutes=30 * n)).isoformat()};{n % 977}\n" for n in range(60_000)
    )
    found = only(batches_of(HEADER.format(unit="W", step="") + body))
    assert [r.value[0] for r in found] == [n % 977 for n in range(60_000)]
    assert {r.step_s for r in found} == {1800}

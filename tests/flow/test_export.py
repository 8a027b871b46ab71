"""The export against the store: same readings, only closed months, only what changed."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import duckdb
import pyarrow.parquet as pq
import pytest
from tests import registry
from tests.flow.conftest import batch, column

from kevre.flow.accept import Writer
from kevre.flow.export import Asked, export
from kevre.flow.export_folder import ExportFolder, differences
from kevre.model.errors import Conflict, Missing
from kevre.model.month import Month
from kevre.model.quality import Quality
from kevre.model.window import PARIS, Window, civil_days, midnight
from kevre.places.models import Series
from kevre.rights import access
from kevre.rights.models import AccessRecord

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 2, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
FIRST_S = int(midnight(date(2026, 3, 1), PARIS).timestamp())  # 28 February, 23:00 UTC
MARCH_TO_MAY_SLOTS = 62 * 48
FEBRUARY, MARCH, APRIL = "202602", "202603", "202604"


@pytest.fixture
def school(way):
    place = registry.site()
    send(way, place, column([i % 900 for i in range(MARCH_TO_MAY_SLOTS)], start_s=FIRST_S))
    return place


def send(way, place, *columns, key="k1"):
    return way.gate.accept(
        batch(*columns, key=key), Writer.operator("import", site=place), now_s=NOW_S
    )


def run(way, folder, now=NOW, **asked):
    looked_at = []
    manifest, count = export(
        way.store, way.door, folder, Asked(**asked), now=now,
        tell=lambda month, number, total: looked_at.append(str(month)),
    )  # fmt: skip
    assert count == len(looked_at)
    assert differences(folder) == []
    return manifest, looked_at


def readings(folder):
    tables = [pq.read_table(path) for path in sorted(folder.glob("month=*/readings.parquet"))]
    return [tuple(row.values())[:6] for table in tables for row in table.to_pylist()]


def files(folder):
    return {path.parent.name[6:]: path.stat().st_ino for path in folder.glob("month=*/*.parquet")}


def test_an_export_holds_what_the_store_holds(way, school, tmp_path):
    send(
        way, school, column([1, 2, 3], prm="22222222222222", start_s=FIRST_S, exponent=-2), key="k2"
    )
    send(way, school, column([0], start_s=FIRST_S - 1800, quality=Quality.MISSING), key="k3")

    manifest, _ = run(way, tmp_path / "out")

    by_series = {}
    for key, start, step_s, value, exponent, quality in readings(tmp_path / "out"):
        by_series.setdefault(key, []).append(
            (int(start.timestamp()), step_s, value, exponent, quality)
        )
    assert set(by_series) == set(Series.objects.values_list("pk", flat=True))
    closed = Month(2026, 4).window.end
    for key, rows in by_series.items():
        passage = way.door.passage([key], Window(Month(2026, 1).window.start, closed), now=NOW)
        expected = []
        for curve in passage.blocks(key, passage.window):
            values = [
                None if q == 7 else v
                for v, q in zip(curve.value.tolist(), curve.quality.tolist(), strict=True)
            ]
            count = len(curve)
            expected += zip(
                curve.start_s.tolist(),
                curve.step_s.tolist(),
                values,
                [curve.exponent] * count,
                curve.quality.tolist(),
                strict=True,
            )
        assert rows == expected
    exponents = {
        row["series"]: row["exponent"]
        for row in pq.read_table(tmp_path / "out/series.parquet").to_pylist()
    }
    assert set(exponents.values()) == {0, -2}
    assert sum(file.rows for file in manifest.files.values()) == len(readings(tmp_path / "out"))


def test_months_are_of_utc_so_a_local_month_begins_in_the_file_before(way, school, tmp_path):
    manifest, _ = run(way, tmp_path / "out")

    assert list(manifest.files) == [FEBRUARY, MARCH, APRIL]
    assert manifest.files[FEBRUARY].rows == 2
    assert manifest.files[MARCH].rows == 31 * 48
    assert manifest.files[MARCH].first == "2026-03-01T00:00:00+00:00"
    assert manifest.files[APRIL].last == "2026-04-30T23:30:00+00:00"
    window = civil_days(date(2026, 3, 1), date(2026, 3, 31), PARIS)
    local = [r for r in readings(tmp_path / "out") if window.start <= r[1] < window.end]
    assert len(local) == 31 * 48 - 2  # the clock skips an hour on the 29th


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC), MARCH),
        (datetime(2026, 5, 2, tzinfo=UTC), APRIL),
    ],
)
def test_a_month_is_written_a_day_after_it_ended(way, school, tmp_path, now, last):
    manifest, _ = run(way, tmp_path / "out", now=now)

    assert max(manifest.files) == last


def test_a_month_that_has_closed_since_is_added_alone(way, school, tmp_path):
    run(way, tmp_path / "out", now=NOW - timedelta(days=1))

    manifest, looked_at = run(way, tmp_path / "out")

    assert looked_at == [APRIL]
    assert set(manifest.files) == {FEBRUARY, MARCH, APRIL}


def test_only_the_month_that_changed_is_written_again(way, school, tmp_path):
    run(way, tmp_path / "out")
    before = files(tmp_path / "out")
    april_s = int(datetime(2026, 4, 10, tzinfo=UTC).timestamp())
    send(way, school, column([4_321], start_s=april_s), key="k2")

    manifest, looked_at = run(way, tmp_path / "out")

    after = files(tmp_path / "out")
    assert looked_at == [APRIL]
    assert {month for month in after if after[month] != before[month]} == {APRIL}
    assert 4_321 in [row[3] for row in readings(tmp_path / "out") if row[1].timestamp() == april_s]
    assert manifest.pending == ()


def test_where_nothing_changed_nothing_is_read_or_written(way, school, tmp_path):
    run(way, tmp_path / "out")
    before, logged = files(tmp_path / "out"), AccessRecord.objects.count()

    _, looked_at = run(way, tmp_path / "out")

    assert looked_at == []
    assert files(tmp_path / "out") == before
    assert AccessRecord.objects.count() == logged


def test_an_export_of_some_months_grows_when_more_are_asked_for(way, school, tmp_path):
    march = Month(2026, 3)
    first, _ = run(way, tmp_path / "out", since=march, until=march)
    again, looked_at = run(way, tmp_path / "out", since=march)

    assert list(first.files) == [MARCH]
    assert looked_at == [APRIL]
    assert list(again.files) == [MARCH, APRIL]


def test_erased_readings_leave_the_copy_too(way, school, tmp_path):
    run(way, tmp_path / "out")
    february = Month(2026, 2).window
    way.store.erase(Series.objects.get().pk, february, now_s=NOW_S)

    manifest, looked_at = run(way, tmp_path / "out")

    assert FEBRUARY in looked_at
    assert list(manifest.files) == [MARCH, APRIL]
    assert not (tmp_path / "out" / f"month={FEBRUARY}").exists()


def test_a_series_that_is_gone_leaves_every_month(way, school, tmp_path):
    send(way, school, column([5] * 96, prm="22222222222222", start_s=FIRST_S), key="k2")
    run(way, tmp_path / "out")
    gone = Series.objects.get(point__urn="urn:dev:prm:22222222222222")
    key = gone.pk
    way.store.erase(key)
    gone.delete()

    run(way, tmp_path / "out", since=Month(2026, 4))

    assert key not in {row[0] for row in readings(tmp_path / "out")}
    assert key not in pq.read_table(tmp_path / "out/series.parquet").column("series").to_pylist()


def test_where_the_log_of_changes_has_lost_lines_all_is_looked_at_again(way, school, tmp_path):
    run(way, tmp_path / "out")
    send(way, school, column([7_777], start_s=FIRST_S), key="k2")
    way.store.prune(NOW_S + 1)

    _, looked_at = run(way, tmp_path / "out")

    assert looked_at == [FEBRUARY, MARCH, APRIL]
    assert 7_777 in [row[3] for row in readings(tmp_path / "out")]


@pytest.mark.registry
def test_only_the_series_of_a_territory_are_written_and_one_that_joins_it_too(
    way, school, tmp_path
):
    elsewhere = registry.site("pool", "pool")
    elsewhere.territory = registry.commune("56098", "Lanester")
    elsewhere.save()
    send(way, elsewhere, column([5] * 96, prm="22222222222222", start_s=FIRST_S), key="k2")
    here = Series.objects.get(point__site=school).pk

    run(way, tmp_path / "out", territory="56121")
    keys_before = {row[0] for row in readings(tmp_path / "out")}
    elsewhere.territory = school.territory
    elsewhere.save()
    _, looked_at = run(way, tmp_path / "out", territory="56121")

    assert keys_before == {here}
    assert {row[0] for row in readings(tmp_path / "out")} == set(
        Series.objects.values_list("pk", flat=True)
    )
    assert looked_at == [FEBRUARY, MARCH]
    communes = pq.read_table(tmp_path / "out/series.parquet").column("commune").to_pylist()
    assert communes == ["56121", "56121"]


def test_a_folder_keeps_to_its_territory(way, school, tmp_path):
    run(way, tmp_path / "out")

    with pytest.raises(Conflict, match="another territory"):
        run(way, tmp_path / "out", territory="56121")
    with pytest.raises(Missing):
        run(way, tmp_path / "other", territory="99999")


def test_a_folder_that_holds_something_else_is_left_alone(way, school, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear all,")

    with pytest.raises(Conflict, match="something else"):
        run(way, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".txt"] == ["letter.txt"]


@pytest.mark.registry
def test_every_series_is_in_the_access_log_once_for_each_run_of_months(way, school, tmp_path):
    send(way, school, column([5], prm="22222222222222", start_s=FIRST_S), key="k2")
    access.purge(datetime.max.replace(tzinfo=UTC), datetime.now(UTC))

    run(way, tmp_path / "out", since=Month(2026, 3))

    lines = AccessRecord.objects.order_by("series_id")
    assert [line.series_id for line in lines] == sorted(Series.objects.values_list("pk", flat=True))
    assert {(line.purpose, line.account, line.grant, line.resolution, line.start, line.end) for line in lines} == {
        ("operator export", None, None, "raw", Month(2026, 3).window.start, Month(2026, 4).window.end)
    }  # fmt: skip


@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "add"])
def test_the_manifest_proves_the_files(way, school, tmp_path, harm):
    run(way, tmp_path / "out")
    path = tmp_path / "out" / f"month={MARCH}" / "readings.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    harms = {
        "flip": lambda: path.write_bytes(content),
        "cut": lambda: path.write_bytes(path.read_bytes()[:-1]),
        "remove": path.unlink,
        "add": lambda: path.with_name("more.parquet").write_bytes(path.read_bytes()),
    }

    harms[harm]()

    assert len(differences(tmp_path / "out")) == 1


def test_a_manifest_that_counts_otherwise_is_found_out(way, school, tmp_path):
    run(way, tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    told = json.loads(path.read_text())
    told["files"][MARCH]["sums"]["0"] = "1"
    path.write_text(json.dumps(told))

    assert len(differences(tmp_path / "out")) == 1
    with pytest.raises(Conflict):
        differences(tmp_path)


def test_duckdb_reads_the_folder_by_months(way, school, tmp_path):
    run(way, tmp_path / "out")

    found = duckdb.connect().execute(
        "select month, count(*), epoch(min(start))::bigint from read_parquet(?, hive_partitioning=true)"
        " group by month order by month",
        [str(tmp_path / "out" / "month=*" / "*.parquet")],
    )

    assert found.fetchall() == [
        (202602, 2, FIRST_S),
        (202603, 1488, FIRST_S + 3600),
        (202604, 1440, FIRST_S + 3600 + 31 * 86_400),
    ]


# Exchanges one month and drops another, and leaves without a word at the n-th change of the disk.
CUT = """
import os, sys
from dataclasses import replace
from pathlib import Path
from kevre.flow.export_folder import ExportFolder
from kevre.formats import parquet
from kevre.model.month import Month
import numpy as np

left = int(sys.argv[2])
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir"}

def hook(event, _):
    global left
    if event in CHANGES or (event == "open" and isinstance(_[1], str) and "w" in _[1]):
        left -= 1
        if left < 0:
            os._exit(9)

class Block:
    exponent, start_s = 0, np.array([1_772_323_200])
    step_s, value, quality = np.array([1800], np.int32), np.array([999]), np.zeros(1, np.uint8)

sys.addaudithook(hook)
folder = ExportFolder(Path(sys.argv[1]))
before = folder.manifest
file, _ = folder.put_month(Month(2026, 3), [(1, Block())])
folder.commit(replace(before, files={"202603": file, "202604": before.files["202604"]}))
"""


def test_a_run_that_is_cut_anywhere_leaves_the_old_or_is_finished(way, school, tmp_path):
    run(way, tmp_path / "out")
    old = readings(tmp_path / "out")
    new = None
    for cut_at in range(100):
        folder = tmp_path / f"cut-{cut_at}"
        subprocess.run(["cp", "-r", str(tmp_path / "out"), str(folder)], check=True)
        done = subprocess.run([sys.executable, "-c", CUT, str(folder), str(cut_at)], check=False)
        for path in folder.glob("month=*/*.parquet"):
            assert pq.read_table(path).num_rows  # each file is whole, at every moment
        opened = ExportFolder(folder)
        assert differences(folder) == []
        assert not (folder / "_new").exists()
        assert {str(p.parent.name)[6:] for p in folder.glob("month=*/*")} == set(
            opened.manifest.files
        )
        found = readings(folder)
        new = new or (found if found != old else None)
        assert found in (old, new)
        if done.returncode == 0:
            break
    assert done.returncode == 0
    assert cut_at > 8
    assert found == new
    assert [row[3] for row in found[:1]] == [999]


def test_months_that_were_due_when_a_run_was_cut_are_written_by_the_next(way, school, tmp_path):
    run(way, tmp_path / "out")
    send(
        way,
        school,
        column([7_777], start_s=FIRST_S),
        column([8_888], start_s=FIRST_S + 40 * 86_400),
        key="k2",
    )

    class Cut(Exception):
        pass

    def cut(month, number, total):
        if number == 2:
            raise Cut

    with pytest.raises(Cut):
        export(way.store, way.door, tmp_path / "out", Asked(), now=NOW, tell=cut)
    between = ExportFolder(tmp_path / "out").manifest
    manifest, looked_at = run(way, tmp_path / "out")

    assert between.pending == (APRIL,)
    assert APRIL in looked_at
    assert manifest.pending == ()
    assert {7_777, 8_888} <= {row[3] for row in readings(tmp_path / "out")}

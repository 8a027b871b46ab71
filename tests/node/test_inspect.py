"""`kevre inspect` and `kevre reconcile`, run as a person runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.connect import history
from tests.connect.test_contract import C15, F15

KEVRE = Path(sys.executable).parent / "kevre"
CURVE = (
    "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;Grandeur metier;"
    "Etape metier;Unite;Pas en minutes\n"
    "09111642617347;Courbe de charge;01/01/2021;01/01/2022;Energie active;Consommation;Comptage "
    "Brut;W;\nHorodate;Valeur\n"
)


@pytest.fixture
def files(tmp_path):
    """Two days of a curve that adds up to what a real register counted on them."""
    used_wh = [130_825 - 74_071, 195_647 - 130_825]
    rows = "".join(
        f"2021-01-{9 + n + (h + 1) // 24:02}T{(h + 1) % 24:02}:00:00+01:00;"
        f"{wh // 24 + (wh % 24 if h == 0 else 0)}\n"
        for n, wh in enumerate(used_wh) for h in range(24)
    )  # fmt: skip
    (tmp_path / "curve.csv").write_text(CURVE + rows + "2021-01-14T01:00:00+01:00;-\n")
    (tmp_path / "index.csv").write_text(history.file(), encoding="utf-8")
    return tmp_path


def kevre(folder, *arguments):
    environment = {**os.environ, "KEVRE_HOME": str(folder / "none"), "COLUMNS": "200"}
    return subprocess.run(
        [KEVRE, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_file_is_told_series_by_series_without_a_node(files):
    done = kevre(files, "inspect", "curve.csv")
    assert done.returncode == 0, done.stderr
    assert "09111642617347_consumption/power/active/raw" in done.stdout
    assert "121576 W" in done.stdout
    assert "48 x 3600 s" in done.stdout
    assert "1 x enedis.step" in done.stdout
    assert not (files / "none").exists()


def test_points_and_periods_of_contract_files_are_told(files):
    (files / "c15.xml").write_text(C15)
    (files / "f15.xml").write_text(F15)
    done = kevre(files, "inspect", "c15.xml", "f15.xml")
    assert done.returncode == 0, done.stderr
    assert (
        "C5: MCT at 2026-03-28 23:01, EN SERVICE, BTINFCU4, 6500 VA, calendars DI000003"
        in done.stdout
    )
    assert "X: 2026-03-28 23:00 to 2026-03-29 22:00, 2.5 kWh" in done.stdout
    assert "Secret" not in done.stdout


def test_a_register_and_its_curve_are_compared(files):
    done = kevre(files, "reconcile", "curve.csv", "index.csv")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 spans with a whole curve agree to 1 Wh" in done.stdout
    assert "no curve: 2021-01-10 23:00 to" in done.stdout


def test_a_register_alone_cannot_be_compared(files):
    done = kevre(files, "reconcile", "index.csv")
    assert done.returncode == 4
    assert "name the files of both" in done.stderr

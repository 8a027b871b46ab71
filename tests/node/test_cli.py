import os
import subprocess
import sys
from pathlib import Path

import pytest

from kevre.store import Store

KEVRE = Path(sys.executable).parent / "kevre"
CURVE = """Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;Grandeur metier;Etape metier;Unite;Pas en minutes
09876543210123;Courbe de charge;01/01/2026;02/01/2026;Energie active;Consommation;Comptage Brut;W;30
Horodate;Valeur
2026-01-01T00:30:00+01:00;612
2026-01-01T01:00:00+01:00;598
2026-01-01T01:30:00+01:00;many
2026-01-01T02:00:00+01:00;
2026-01-01T02:30:00+01:00;-4
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A node that was set up by its own command, in a folder with a space."""
    folder = tmp_path_factory.mktemp("a node")
    done = kevre(folder, "init", "--title", "Test")
    assert done.returncode == 0, done.stderr
    return folder


def kevre(folder, *arguments):
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("KEVRE_")
    }
    return subprocess.run(
        [KEVRE, *arguments],
        env=environment | {"KEVRE_HOME": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def curve(tmp_path):
    path = tmp_path / "curve.csv"
    path.write_text(CURVE)
    return path


def test_a_file_is_imported_its_bad_line_told_and_a_repetition_changes_nothing(home, tmp_path):
    curve = tmp_path / "mine.csv"
    curve.write_text(CURVE.replace("09876543210123", "22222222222222"))

    first = kevre(home, "import", str(curve))
    again = kevre(home, "import", str(curve))
    held = kevre(home, "quarantine")

    assert first.returncode == 0, first.stderr
    assert "3 readings kept (3 new or changed, 0 known already), 2 quarantined" in first.stdout
    assert "line 6, field Valeur" in first.stdout
    assert "line 8, field value: -4 W cannot be true" in first.stdout
    assert "0 new or changed, 3 known already" in again.stdout
    assert held.stdout.count("mine.csv:6 Valeur") == 1


def test_a_file_of_no_known_kind_ends_with_the_code_of_its_family(home, tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear all,\n")

    done = kevre(home, "import", str(path), str(tmp_path / "absent.csv"))

    assert done.returncode == 2
    assert "letter.txt" in done.stderr
    assert "known are" in done.stderr
    assert "absent.csv" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--site", "nowhere"], 4, "no site 'nowhere'"),
        (["--zone", "Europe/Nowhere"], 2, "is not a zone"),
        (["--stamp", "middle"], 2, "neither start nor end"),
    ],
)
def test_a_hint_that_makes_no_sense_is_named(home, curve, arguments, code, said):
    done = kevre(home, "import", str(curve), *arguments)

    assert done.returncode == code
    assert said in done.stderr


def test_an_account_and_a_key_are_made_with_secrets_shown_once(home, curve):
    kevre(home, "import", str(curve))
    made = kevre(home, "user", "operator@example.org", "--operator")
    again = kevre(home, "user", "operator@example.org")
    key = kevre(home, "key", "pi", "urn:dev:prm:09876543210123")
    unknown = kevre(home, "key", "pi", "urn:dev:prm:00000000000000")

    assert "Password: " in made.stdout
    assert again.returncode == 5
    assert key.stdout.startswith("kvw_")
    assert unknown.returncode == 4


def test_closed_months_are_exported_proved_and_not_written_again(home, curve, tmp_path):
    kevre(home, "import", str(curve))
    folder = tmp_path / "months"

    first = kevre(home, "export", "parquet", str(folder), "--since", "2025-12")
    again = kevre(home, "export", "parquet", str(folder), "--since", "2025-12")
    proved = kevre(home, "export", "verify", str(folder))
    (folder / "series.parquet").unlink()
    harmed = kevre(home, "export", "verify", str(folder))

    assert first.returncode == 0, first.stderr
    assert "The folder holds 2 months" in first.stdout
    assert again.stdout.startswith("0 months written")
    assert (folder / "month=202512" / "readings.parquet").is_file()
    assert proved.returncode == 0
    assert harmed.returncode == 5
    assert "series.parquet: absent" in harmed.stderr


def test_an_export_beside_another_process_says_what_to_do(home, tmp_path):
    with Store(home / "readings.duckdb"):
        done = kevre(home, "export", "parquet", str(tmp_path / "months"))

    assert done.returncode == 6
    assert "another process has the readings open" in done.stderr
    assert not (tmp_path / "months").exists()


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_an_export_of_what_is_no_month_is_refused(home, tmp_path, option):
    done = kevre(home, "export", "parquet", str(tmp_path / "months"), option, "2026-13")

    assert done.returncode == 2
    assert "is not a month" in done.stderr


def test_the_doctor_finds_a_sound_node_sound(home):
    done = kevre(home, "doctor")

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("✓") == 6
    assert "0 inputs wait for a person" in done.stdout


def test_the_doctor_says_what_is_wrong_with_a_folder_that_is_no_node(tmp_path):
    done = kevre(tmp_path, "doctor")

    assert done.returncode == 1
    assert "kevre init" in done.stdout


def test_serving_a_folder_that_is_no_node_is_refused_with_the_remedy(tmp_path):
    done = kevre(tmp_path, "serve")

    assert done.returncode == 4
    assert "kevre init" in done.stderr


def test_the_version_is_said(tmp_path):
    import kevre as package

    assert kevre(tmp_path, "--version").stdout.strip() == package.__version__


def test_moving_the_readings_without_a_lake_says_which_setting_is_missing(home):
    done = kevre(home, "store", "move")

    assert done.returncode == 2
    assert "lake_url" in done.stderr

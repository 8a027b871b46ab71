"""A node that leaves: everything it holds, put into another of another kind and domain."""

import hashlib
import json

import pytest
from tests.federate.nodes import any_port
from tests.node.test_backup import URN, elsewhere, ended, home, kept, only, run, send  # noqa: F401
from tests.node.test_cli import CURVE
from tests.node.test_serve import served
from tools import postgres


@pytest.fixture
def rich(home, tmp_path):  # noqa: F811
    """A node with corrected readings, an account, keys, and lines in its access log."""
    secret = run(home, "key", "meter", URN).strip()
    corrected = CURVE.replace("500", "501") if "500" in CURVE else CURVE
    (tmp_path / "corrected.csv").write_text(corrected)
    run(home, "import", tmp_path / "corrected.csv")
    port = any_port("127.0.0.1")
    with ended(served(home, port)):
        for number in range(5):
            send(port, secret, number)
        send(port, secret, 3)
    run(home, "export", "parquet", tmp_path / "months")
    return home


def rows(folder):
    """The digest of every file of rows, of registry and readings."""
    return {
        one.name: hashlib.sha256(one.read_bytes()).hexdigest()
        for one in folder.iterdir()
        if one.suffix in {".jsonl", ".parquet"}
    }


def test_a_node_moves_from_sqlite_to_postgresql_and_back_unchanged(rich, tmp_path):
    port = any_port("127.0.0.1")
    with ended(served(rich, port)):
        told = run(rich, "export", "everything", tmp_path / "first")
    assert "saved" in told
    assert not list(tmp_path.glob("*.part"))
    assert {one.stat().st_mode & 0o777 for one in (tmp_path / "first").iterdir()} == {0o600}
    original = rows(tmp_path / "first")
    assert (tmp_path / "first" / "rights_accessrecord.jsonl").read_text().count("\n") > 1

    with postgres.running() as url:
        server = elsewhere(rich, tmp_path / "server") | {
            "KEVRE_DATABASE_URL": url,
            "KEVRE_BASE_URL": "https://elsewhere.example",
        }
        run(server, "init")
        run(server, "restore", tmp_path / "first")
        assert "✓ access log" in run(server, "doctor")
        run(server, "export", "everything", tmp_path / "second")
    assert rows(tmp_path / "second") == original

    back = elsewhere(rich, tmp_path / "back")
    run(back, "restore", tmp_path / "second")
    run(back, "export", "everything", tmp_path / "third")
    assert rows(tmp_path / "third") == original
    assert kept(tmp_path / "back") == kept(tmp_path / "home")


def test_a_damaged_or_foreign_export_is_refused(rich, tmp_path):
    run(rich, "export", "everything", tmp_path / "whole")
    new = elsewhere(rich, tmp_path / "new")
    damaged = tmp_path / "whole" / "places_series.jsonl"
    text = damaged.read_text()
    damaged.write_text(text.replace("power", "Power", 1))

    told = run(new, "restore", tmp_path / "whole", code=2)

    assert "places_series.jsonl" in told
    assert not (tmp_path / "new" / "readings.duckdb").exists()
    damaged.write_text(text)
    run(new, "restore", tmp_path / "whole")


def test_an_export_of_another_version_says_so(rich, tmp_path):
    from kevre.model.errors import Malformed
    from kevre.node import registry_rows

    run(rich, "export", "everything", tmp_path / "whole")
    made = tmp_path / "whole" / registry_rows.MIGRATIONS
    made.write_text(json.dumps([*json.loads(made.read_text()), ["places", "9999_later"]]))

    with pytest.raises(Malformed, match="9999_later"):
        registry_rows.check(tmp_path / "whole")

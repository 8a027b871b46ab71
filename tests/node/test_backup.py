"""Backups of a node that is being written to, and what becomes of damaged ones."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.request
from contextlib import contextmanager

import pytest
from tests.federate.nodes import any_port
from tests.node.test_cli import CURVE
from tests.node.test_serve import KEVRE, served
from tests.store.conftest import steady

from kevre.model.identifier import KINDS
from kevre.model.permit import Permit
from kevre.model.step import Resolution
from kevre.model.window import EARLIEST_S, LATEST_S, PARIS, Window
from kevre.store import Store

URN = "urn:dev:prm:09876543210123"
POWER = f"{URN}_consumption/power/active/raw"
START_S = 1_782_000_000


@pytest.fixture
def home(tmp_path):
    """A node with the readings of one file, and the environment of its commands."""
    registry = "KEVRE_DATABASE_URL"  # of the second run of tests of the registry
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("KEVRE_") or name == registry
    }
    environment = kept | {"KEVRE_HOME": str(tmp_path / "home"), "COLUMNS": "200"}
    (tmp_path / "curve.csv").write_text(CURVE)
    run(environment, "init")
    run(environment, "import", tmp_path / "curve.csv")
    return environment


def run(environment, *arguments, code=0):
    done = subprocess.run(
        [KEVRE, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def elsewhere(environment, path):
    return environment | {"KEVRE_HOME": str(path)}


def only(folder):
    (found,) = folder.iterdir()
    return found


def kept(home):
    """All readings of a home's first series: (mantissa, quality) by their start."""
    permit = Permit(
        frozenset({1}), Window.of_seconds(EARLIEST_S, LATEST_S), Resolution.RAW, False, "test"
    )
    with Store(home / "readings.duckdb") as store:
        curve = store.read(permit, 1, permit.window)
        said = zip(curve.value.tolist(), curve.quality.tolist(), strict=True)
        return dict(zip(curve.start_s.tolist(), said, strict=True))


def send(port, secret, number):
    body = [{"n": POWER, "u": "W", "t": START_S + 1800 * number, "v": number, "st": 1800}]
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/readings",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {secret}", "Content-Type": "application/senml+json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)["kept"]


@contextmanager
def ended(process):
    try:
        yield
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()


@contextmanager
def writing(write, acknowledged):
    """Write one number after the other, each noted once it is acknowledged."""
    stop = threading.Event()

    def go_on():
        while not stop.is_set():
            assert write(len(acknowledged)) == 1
            acknowledged.append(time.monotonic())

    writer = threading.Thread(target=go_on)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()


def wait_for(acknowledged, count):
    until = time.monotonic() + 60
    while len(acknowledged) < count:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.registry
def test_a_node_that_is_written_to_is_saved_and_restored_elsewhere(home, tmp_path):
    secret = run(home, "key", "meter", URN).strip()
    port = any_port("127.0.0.1")
    process = served(home, port)
    acknowledged = []
    with ended(process), writing(lambda number: send(port, secret, number), acknowledged):
        wait_for(acknowledged, 20)
        before = len(acknowledged)
        told = run(home, "backup", tmp_path / "copies")
        after = len(acknowledged)
        wait_for(acknowledged, after + 5)
    saved = only(tmp_path / "copies")
    assert "saved" in told
    is_server = "KEVRE_DATABASE_URL" in home
    assert (saved / ("registry.pgdump" if is_server else "registry.sqlite3")).exists()
    assert {one.stat().st_mode & 0o777 for one in saved.iterdir()} == {0o600}

    new = tmp_path / "new home"
    report = run(elsewhere(home, new), "restore", saved)

    assert "restored" in report
    copy, original = kept(new), kept(tmp_path / "home")
    assert len(original) == len(acknowledged) + 3
    assert before + 3 <= len(copy) <= after + 4
    assert copy.items() <= original.items()
    # Whole: of what was written one after the other nothing is left out between.
    assert sorted(copy) == sorted(original)[: len(copy)]
    assert "✓ readings" in run(elsewhere(home, new), "doctor")


def test_a_damaged_or_cut_backup_is_named_and_not_restored(home, tmp_path):
    run(home, "backup", tmp_path / "copies")
    saved = only(tmp_path / "copies")
    assert "whole" in run(home, "restore", "--check", saved)
    readings = saved / "readings.duckdb"
    content = bytearray(readings.read_bytes())
    content[len(content) // 2] ^= 1
    readings.write_bytes(content)

    told = run(elsewhere(home, tmp_path / "new"), "restore", saved, code=2)

    assert "readings.duckdb: the file is not as it was written" in told
    assert not (tmp_path / "new" / "readings.duckdb").exists()
    readings.unlink()
    assert "readings.duckdb" in run(home, "restore", "--check", saved, code=4)
    (saved / "manifest.json").unlink()
    assert "no manifest" in run(home, "restore", "--check", saved, code=4)


def test_what_is_there_is_kept_aside_and_a_running_node_is_left_alone(home, tmp_path):
    run(home, "backup", tmp_path / "copies")
    saved = only(tmp_path / "copies")
    before = kept(tmp_path / "home")

    assert "--replace" in run(home, "restore", saved, code=5)
    with ended(served(home, any_port("127.0.0.1"))):
        run(home, "restore", "--replace", saved, code=6)
    told = run(home, "restore", "--replace", saved)

    aside = re.search(r"before-\d+T\d+Z", told)[0]
    assert kept(tmp_path / "home") == before
    assert kept(tmp_path / "home" / aside) == before


@pytest.mark.parametrize("delay_s", [0.02, 0.1, 0.3])
def test_a_killed_backup_leaves_nothing_under_a_good_name(home, tmp_path, delay_s):
    with Store(tmp_path / "home" / "readings.duckdb") as store:
        store.declare(9, KINDS["consumption/power/active/raw"], PARIS)
        store.write([(9, steady(START_S, range(900_000), step_s=10))], batch="b", now_s=START_S)
    process = subprocess.Popen(
        [KEVRE, "backup", tmp_path / "copies"], env=home, stderr=subprocess.PIPE, text=True
    )
    while "copying" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()

    for one in (tmp_path / "copies").iterdir():
        if not one.name.endswith(".part"):
            run(home, "restore", "--check", one)
    run(home, "backup", tmp_path / "more")
    assert "whole" in run(home, "restore", "--check", only(tmp_path / "more"))


def test_a_backup_that_does_not_fit_says_so_and_leaves_nothing(home, tmp_path):
    with Store(tmp_path / "home" / "readings.duckdb") as store:
        store.declare(9, KINDS["consumption/power/active/raw"], PARIS)
        store.write([(9, steady(START_S, range(2_000_000), step_s=1))], batch="b", now_s=START_S)
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 800; exec "$@"', "bash", KEVRE, "backup", tmp_path / "copies"],
        env=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 6, done.stdout + done.stderr
    assert "free space" in done.stderr
    assert list((tmp_path / "copies").iterdir()) == []


def test_damaged_readings_are_replaced_and_kept_aside(home, tmp_path):
    run(home, "backup", tmp_path / "copies")
    saved = only(tmp_path / "copies")
    before = kept(tmp_path / "home")
    damaged = tmp_path / "home" / "readings.duckdb"
    damaged.write_bytes(b"no database" * 1000)
    (tmp_path / "home" / "readings.duckdb.wal").write_bytes(b"no log either")

    told = run(home, "restore", "--replace", saved)

    assert kept(tmp_path / "home") == before
    aside = tmp_path / "home" / re.search(r"before-\d+T\d+Z", told)[0]
    assert (aside / "readings.duckdb").read_bytes().startswith(b"no database")
    assert (aside / "readings.duckdb.wal").read_bytes() == b"no log either"


@pytest.mark.parametrize(
    "change",
    [
        lambda kept: kept["readings"].update(series=99),
        lambda kept: kept["registry"].popitem(),
        lambda kept: kept.update(more=1),
        lambda kept: kept.pop("last_seq"),
        lambda kept: kept.pop("digest"),
    ],
)
def test_a_changed_manifest_is_named(home, tmp_path, change):
    run(home, "backup", tmp_path / "copies")
    saved = only(tmp_path / "copies")
    manifest = json.loads((saved / "manifest.json").read_text())
    change(manifest)
    (saved / "manifest.json").write_text(json.dumps(manifest))

    told = run(home, "restore", "--check", saved, code=2)

    assert "manifest.json: the manifest is not as it was written" in told


def test_a_backup_of_another_kind_of_registry_moves_nothing(home, tmp_path):
    run(home, "backup", tmp_path / "copies")
    before = kept(tmp_path / "home")
    names = {one.name for one in (tmp_path / "home").iterdir()}
    nowhere = home | {"KEVRE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}

    told = run(nowhere, "restore", "--replace", only(tmp_path / "copies"), code=6)

    assert "another kind of registry" in told
    assert {one.name for one in (tmp_path / "home").iterdir()} == names
    assert kept(tmp_path / "home") == before


@pytest.mark.parametrize("step", ["copying", "moving", "putting", "counting"])
def test_a_killed_restore_leaves_the_old_home_or_a_mark(home, tmp_path, step):
    run(home, "backup", tmp_path / "copies")
    saved = only(tmp_path / "copies")
    before = kept(tmp_path / "home")
    process = subprocess.Popen(
        [KEVRE, "restore", "--replace", saved], env=home, stderr=subprocess.PIPE, text=True
    )
    while step not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()

    if (tmp_path / "home" / "restoring").exists():
        told = run(home, "import", tmp_path / "curve.csv", code=5)
        assert "a restore was interrupted" in told
        run(home, "restore", saved)
    assert kept(tmp_path / "home") == before
    run(home, "import", tmp_path / "curve.csv")


def test_the_mark_of_an_interrupted_restore_keeps_a_node_from_starting(home, tmp_path):
    run(home, "backup", tmp_path / "copies")
    (tmp_path / "home" / "restoring").touch()

    for command in (["import", tmp_path / "curve.csv"], ["init"], ["serve"], ["doctor"]):
        assert "restore again" in run(home, *command, code=5)
    run(home, "restore", only(tmp_path / "copies"))

    run(home, "import", tmp_path / "curve.csv")

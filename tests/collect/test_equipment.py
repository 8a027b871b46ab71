"""The file of a collector, and what is wrong with one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.collect.cli import main
from kevre.collect.driver import Surroundings
from kevre.collect.equipment import load
from kevre.collect.sampler import Pace
from kevre.model.errors import Malformed, Missing

GOOD = """
node = "https://kevre.example"
key_file = "kevre.key"
every_s = 20

[[device]]
name = "meter"
driver = "linky"
point = "urn:dev:prm:09876543210123"
port = "/dev/ttyUSB0"
every_s = 5

[[device]]
name = "rooms"
driver = "onewire"
"""


@pytest.fixture
def read(tmp_path):
    def loaded(text):
        path = tmp_path / "collect.toml"
        path.write_text(text)
        return load(path, Surroundings(tmp_path / "state", lambda: 0.0))

    return loaded


def test_a_file_gives_devices_in_its_order_each_at_its_pace(read, tmp_path):
    equipment = read(GOOD)

    assert [(one.name, one.kind, one.pace) for one in equipment.devices] == [
        ("meter", "linky", Pace(5, 60)),
        ("rooms", "onewire", Pace(20, 60)),
    ]
    assert equipment.node == "https://kevre.example"
    assert equipment.key_file == tmp_path / "kevre.key"


@pytest.mark.parametrize(
    ("was", "becomes", "code", "words"),
    [
        ('name = "rooms"', 'name = "meter"', "device.twice", "meter"),
        ('name = "rooms"', 'name = "Two Rooms"', "device.entry", "name"),
        ('name = "rooms"', "", "device.entry", "name"),
        ('driver = "onewire"', 'driver = "onewires"', "device.entry", "onewire, "),
        ('driver = "onewire"', 'driver = "onewire"\nsensors = ["28-1"]', "device.entry", "rooms"),
        ('driver = "onewire"', 'driver = "onewire"\nseries = "a/b"', "device.series", "rooms"),
        ("every_s = 5", "every_s = 0", "device.entry", "every_s"),
        ("every_s = 5", 'every_s = "5"', "device.entry", "every_s"),
        ("every_s = 5", "every_s = true", "device.entry", "every_s"),
        ('port = "/dev/ttyUSB0"', "", "device.entry", "port"),
        ('port = "/dev/ttyUSB0"', "port = 3", "device.entry", "port"),
        ("urn:dev:prm:09876543210123", "urn:dev:prm:1", "identifier.digits", "meter"),
        ("urn:dev:prm:09876543210123", "", "device.entry", "point"),
        ("every_s = 20", "evry_s = 20", "device.entry", "evry_s"),
        ("every_s = 20", "every_s = ", "device.toml", "line 4"),
        ("[[device]]", "[device]", "device.", ""),
        (GOOD, "every_s = 20", "device.entry", "device"),
    ],
)
def test_a_slip_is_named_with_its_device_and_a_remedy(read, was, becomes, code, words):
    assert was in GOOD
    with pytest.raises(Malformed) as told:
        read(GOOD.replace(was, becomes))

    assert told.value.code.startswith(code)
    assert words in str(told.value)
    assert told.value.hint


@pytest.mark.parametrize("name", ["/etc/shadow", "../kevre.key", "a/../../kevre.key", "link"])
def test_a_secret_stands_beside_the_file_that_names_it(read, tmp_path, name):
    (tmp_path / "link").symlink_to("/etc/passwd")
    charger = """
[[device]]
name = "charger"
driver = "http"
point = "urn:dev:org:kevre-test-1"
url = "http://127.0.0.1:9/"
token_file = "{name}"
[[device.measure]]
at = "$"
series = "consumption/power/active/instant"
"""
    read(charger.format(name="charger.token"))
    with pytest.raises(Malformed) as told:
        read(charger.format(name=name))

    assert told.value.code == "device.entry"
    assert "token_file" in str(told.value)


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(Missing) as told:
        load(tmp_path / "none.toml", Surroundings(tmp_path, lambda: 0.0))

    assert told.value.code == "device.no_file"


@given(st.text(max_size=60) | st.sampled_from(["[[device]]\n", "device = 3\n", "device = [1]\n"]))
def test_any_text_is_read_or_refused_with_a_code(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "collect.toml"
    path.write_text(text, "utf-8", errors="replace")
    with pytest.raises(Malformed) as told:
        load(path, Surroundings(path.parent, lambda: 0.0))

    assert told.value.code.startswith("device.")


def test_the_command_checks_a_file_without_opening_a_device(tmp_path, capsys):
    path = tmp_path / "collect.toml"
    path.write_text(GOOD)
    spool = str(tmp_path / "collect.sqlite")

    assert main(["check", "--config", str(path), "--spool", spool]) == 0
    assert "device rooms (onewire)" in capsys.readouterr().out
    path.write_text(GOOD.replace("onewire", "onewires"))
    assert main(["check", "--config", str(path), "--spool", spool]) == 2
    assert "device rooms" in capsys.readouterr().err


def test_to_run_without_a_device_or_a_node_is_told(capsys, monkeypatch):
    monkeypatch.setenv("KEVRE_KEY", "k-only-for-tests")
    assert main(["run"]) == 2
    assert "--config" in capsys.readouterr().err
    assert main(["run", "--port", "/dev/ttyUSB9"]) == 2
    assert "--point" in capsys.readouterr().err
    assert main(["run", "--port", "/dev/ttyUSB9", "--point", "urn:dev:org:kevre-1"]) == 2
    assert "--node" in capsys.readouterr().err

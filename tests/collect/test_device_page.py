"""The page of the devices says what is so: its examples are read, its names exist."""

import re
import shlex
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from kevre.collect import cli, register
from kevre.collect.driver import Surroundings
from kevre.collect.equipment import DRIVERS, load
from kevre.model.identifier import kind_of

USERS = Path(__file__).resolve().parents[2] / "docs" / "users"
PAGE = (USERS / "device.md").read_text("utf-8")
ERRORS = (USERS.parent / "errors.md").read_text("utf-8")
UNIT = (USERS / "kevre-collect.service").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_is_read_as_it_stands(number, tmp_path):
    path = tmp_path / "collect.toml"
    path.write_text(EXAMPLES[number])

    assert load(path, Surroundings(tmp_path, lambda: 0.0)).devices


def test_every_driver_has_an_example_and_a_section():
    shown = {
        device["driver"]
        for example in EXAMPLES
        for device in tomllib.loads(example, parse_float=Decimal)["device"]
    }

    assert shown == set(DRIVERS)
    assert {driver for driver in DRIVERS if f"\n## {driver}: " not in PAGE} == set()


def test_the_table_of_series_holds_series_in_their_unit():
    rows = re.findall(r"^\| `([a-z0-9/]+/[a-z0-9/]+)` \| ([A-Za-z0-9/%]+) \|", PAGE, re.MULTILINE)

    assert len(rows) > 15
    assert {path: kind_of(path).unit for path, _ in rows} == dict(rows)


def test_every_error_on_the_page_exists():
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`", PAGE)) - {"config.txt"}

    assert len(named) > 25
    assert {code for code in named if f"| `{code}` |" not in ERRORS} == set()


def test_every_map_is_on_the_page():
    assert {name for name in register.known() if f"| `{name}` |" not in PAGE} == set()


def test_the_unit_runs_an_ordinary_user_with_its_devices_only():
    says = dict(re.findall(r"^([A-Za-z]+)=(.*)$", UNIT, re.MULTILINE))

    assert says["User"] not in {"", "root", "0"}
    assert says["DevicePolicy"] == "closed"
    assert says["ProtectSystem"] == "strict"
    assert says["ProtectHome"] == "true"
    assert says["CapabilityBoundingSet"] == ""
    assert says["SupplementaryGroups"].split() == ["dialout", "gpio"]
    assert set(re.findall(r"^DeviceAllow=(\S+) rw$", UNIT, re.MULTILINE)) == {
        "char-ttyUSB",
        "char-ttyACM",
        "char-ttyAMA",
        "char-ttyS",
        "char-gpiochip",
    }


def test_the_command_of_the_unit_is_understood():
    _, *arguments = shlex.split(re.search(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)[1])
    read = cli._parser().parse_args(arguments)

    assert str(read.config) == "/etc/kevre/collect.toml"
    assert str(read.spool) == "/var/lib/kevre/collect.sqlite"

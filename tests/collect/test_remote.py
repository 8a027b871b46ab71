"""Devices and periods come from the node: taken over whole, or refused with a reason."""

import os
import signal
import subprocess
import sys
import time

import pytest
from tests.collect.device import rig

from kevre.collect.remote import Remote
from kevre.formats import word
from kevre.model.errors import Malformed

START = [sys.executable, "-c", "from kevre.collect.cli import main; raise SystemExit(main())"]


def wait_until(is_so, timeout_s=20):
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def check(path):
    if "wrong" in path.read_text():
        raise Malformed("device.entry", "entry 'wrong' is not known")


@pytest.fixture
def remote(tmp_path):
    return Remote(tmp_path / "state" / "remote.toml", check)


def test_a_configuration_stays_in_force_until_another_can_be_used(remote, tmp_path):
    assert remote.take(3, "every_s = 30\n")
    assert not remote.take(4, "wrong = 1\n")

    assert (remote.version, remote.known) == (3, 4)
    assert remote.refusal.startswith("device.entry")
    assert remote.path.read_text() == "# version 3\nevery_s = 30\n"
    assert Remote(remote.path, check).version == 3
    assert remote.take(5, "every_s = 60\n")
    assert (remote.known, remote.refusal) == (5, "")


def test_the_same_version_is_taken_once_and_a_long_one_not_at_all(remote):
    assert remote.take(1, "a = 1\n")
    assert not remote.take(1, "a = 1\n")
    assert not remote.take(2, "#" * 70_000)
    assert remote.refusal.startswith("remote.long")


def test_a_paired_collector_begins_with_the_devices_that_the_node_gives(tmp_path, node, key):
    (tmp_path / "c.key").write_text(key)
    (tmp_path / "c.key").chmod(0o600)
    (tmp_path / "c.toml").write_text(f'node = "{node.address}"\nkey_file = "c.key"\n')
    with rig.onewire(tmp_path) as rooms:
        entries = "".join(f'{name} = "{value}"\n' for name, value in rooms.items())
        device = f'every_s = 1\n[[device]]\nname = "rooms"\ndriver = "onewire"\n{entries}'
        thief = f'node = "https://thief.example"\n{device}'
        node.answers.extend([{word.CONFIGURATION: [1, thief]}, {word.CONFIGURATION: [2, device]}])
        agent = subprocess.Popen(
            [*START, "run", "--config", str(tmp_path / "c.toml"), "--send-every", "1",
             "--spool", str(tmp_path / "s.sqlite")],
            stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        # It calls at its start: the first time it is given one answer, then the other.
        wait_until(lambda: len(node.answers) == 1)
        time.sleep(0.5)
        agent.send_signal(signal.SIGTERM)
        said = agent.communicate(timeout=20)[1]
        again = subprocess.Popen(agent.args, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: len(node.readings) >= 4)
        again.send_signal(signal.SIGTERM)
        said += again.communicate(timeout=20)[1]

    assert "configuration refused version=1" in said
    assert "configuration taken over version=2" in said
    assert "beginning anew" in said
    assert any(meta[1] == 2 for meta in node.told if meta)

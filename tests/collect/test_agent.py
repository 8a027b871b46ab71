"""A simulated meter, the real agent, and a node, joined by a pseudo-terminal and HTTP."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kevre.collect.agent import Agent
from kevre.collect.cli import main
from kevre.collect.delivery import Delivery
from kevre.collect.device import linky
from kevre.collect.driver import Sample, Surroundings
from kevre.collect.equipment import device
from kevre.collect.load import PROFILES, Load
from kevre.collect.option import Options
from kevre.collect.port import Port
from kevre.collect.sampler import Pace, Sampler
from kevre.collect.session import read_key
from kevre.collect.simulate import SimulatedLinky, frame
from kevre.collect.spool import Spool
from kevre.collect.tic import Decoder, Frame, Mode, Value, encode
from kevre.collect.uplink import Uplink
from kevre.model.errors import Missing, Unavailable

START = [sys.executable, "-c", "from kevre.collect.cli import main; raise SystemExit(main())"]
LOADS = {profile: Load(1, profile, 6_000) for profile in PROFILES}


def meter(port, point, pace, folder, clock=time.time):
    """One Linky as the file of a collector describes it, and its surroundings."""
    around = Surroundings(folder, clock)
    entries = {"name": "linky", "driver": "linky", "point": point, "port": port}
    return (device(Options(entries, "test"), around, pace),), around.board


def wait_until(is_so, timeout_s=15):
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@settings(max_examples=60, deadline=None)
@given(
    profile=st.sampled_from(sorted(PROFILES)),
    at_s=st.integers(1_735_700_000, 1_745_000_000),
    parity=st.booleans(),
)
def test_the_decoder_reads_what_the_simulated_meter_says(profile, at_s, parity):
    said = frame(LOADS[profile], at_s)

    assert Decoder().feed(encode(said, parity=parity)) == (said,)
    assert said.labels["DATE"].stamp.instant.timestamp() == at_s
    assert "SIMULATED" in said.labels["MSG1"].text


def test_the_bytes_cross_a_pseudo_terminal_unchanged():
    at_s = 1_745_000_000
    with SimulatedLinky(1, solar_wp=3_000, period_s=0.05, clock=lambda: at_s) as path:
        decoder, heard = Decoder(), []
        with Port(path, 9_600) as port:
            wait_until(lambda: heard.extend(decoder.feed(port.read())) or len(heard) > 3)

    assert set(map(str, heard)) == {str(frame(Load(1, "household", 3_000), at_s))}
    assert decoder.counts.checksum_errors == decoder.counts.malformed == 0


def test_readings_of_the_simulated_meter_reach_the_node(tmp_path, node, point, key, hasty, clock):
    node.script.extend([503, "cut after"])
    with (
        SimulatedLinky(3, "school", solar_wp=9_000, period_s=0.1, clock=time.time) as port,
        Spool(tmp_path / "collect.sqlite") as spool,
    ):
        uplink = Uplink(node.address, key)
        delivery = Delivery(spool, uplink, clock=clock, backoff=hasty)
        devices = meter(port, point, Pace(every_s=1, index_s=2), tmp_path)
        agent = Agent(*devices, spool, delivery, clock=clock)
        thread = threading.Thread(target=agent.run)
        thread.start()
        wait_until(lambda: len(node.readings) >= 14)
        agent.stop()
        thread.join(5)
        assert not thread.is_alive()
        state = spool.state()

    assert state.tallies["appended"] == len(node.readings) + state.waiting
    assert node.overwritten == 0
    assert {urn for urn, _ in node.readings} == {
        f"{point}_{path}"
        for path in (
            linky.IMPORT_INDEX,
            linky.EXPORT_INDEX,
            linky.IMPORT_POWER,
            linky.EXPORT_POWER,
        )
    }
    load = Load(3, "school", 9_000)
    for (urn, at_s), value in node.readings.items():
        path = urn.removeprefix(point + "_")
        said = {
            sample.value[0]
            for second in range(at_s - 5, at_s + 1)  # a busy machine hears late
            for sample in linky.samples(frame(load, second))
            if sample.path == path
        }
        assert value in said


def test_a_meter_in_historical_mode_is_found_without_being_told(
    tmp_path, node, point, key, hasty, clock
):
    # A pseudo-terminal has no speed: the frames are read at either.
    said = encode(Frame(Mode.HISTORICAL, {"BASE": Value("000000104"), "PAPP": Value("00230")}))
    ours, theirs = os.openpty()
    with Spool(tmp_path / "collect.sqlite") as spool:
        uplink = Uplink(node.address, key)
        delivery = Delivery(spool, uplink, clock=clock, backoff=hasty)
        devices = meter(os.ttyname(theirs), point, Pace(1, 1), tmp_path)
        agent = Agent(*devices, spool, delivery, clock=clock, backoff=lambda: hasty)
        thread = threading.Thread(target=agent.run)
        thread.start()
        wait_until(lambda: os.write(ours, b"\xff\x00noise" + said) and len(node.readings) >= 2)
        agent.stop()
        thread.join(5)
    os.close(ours)
    os.close(theirs)

    assert set(node.readings.values()) == {104, 230}


@pytest.fixture
def listening(tmp_path, node, point, key, hasty, clock):
    """Run an agent on a path, with a clock, until its meter fails with a code."""

    def noted(port, heard_at, word, then=lambda: None):
        with Spool(tmp_path / "collect.sqlite") as spool:
            uplink = Uplink(node.address, key)
            delivery = Delivery(spool, uplink, clock=clock, backoff=hasty)
            devices = meter(port, point, Pace(), tmp_path, heard_at)
            agent = Agent(*devices, spool, delivery, clock=clock)
            thread = threading.Thread(target=agent.run)
            thread.start()
            then()
            wait_until(lambda: f'"error": "{word}' in spool.state().notes.get("devices", ("",))[0])
            agent.stop()
            thread.join(5)
            assert not thread.is_alive()

    return noted


def test_a_silent_meter_is_noted(listening):
    ours, theirs = os.openpty()
    seconds = itertools.count(1_800_000_000, 5)
    listening(os.ttyname(theirs), lambda: next(seconds), "port.silent")
    os.close(ours)
    os.close(theirs)


def test_an_adapter_unplugged_at_work_is_waited_for(listening):
    ours, theirs = os.openpty()

    def unplug():
        time.sleep(0.4)
        os.close(theirs)
        os.close(ours)

    listening(os.ttyname(theirs), time.time, "port.", unplug)


def test_a_period_gives_one_reading_and_a_register_fewer():
    sampler = Sampler("urn:dev:prm:09876543210123", Pace(every_s=5, index_s=60))
    said = frame(LOADS["school"], 1_745_000_000)
    due = [
        (urn, reading.start_s)
        for now_s in range(1_800_000_000, 1_800_000_120)
        for urn, reading in sampler.due(linky.samples(said), now_s)
    ]

    assert len(due) == len(set(due))
    powers = [urn for urn, _ in due if urn.endswith("consumption/power/apparent/instant")]
    registers = [urn for urn, _ in due if urn.endswith("consumption/energy/active/index")]
    assert (len(powers), len(registers)) == (24, 2)


def test_a_value_with_an_instant_of_its_own_is_given_once():
    sampler = Sampler("urn:dev:prm:09876543210123", Pace())
    point = Sample("consumption/power/active/raw", (750, 0), start_s=1_800_000_000, step_s=1_800)
    due = [list(sampler.due([point], now_s)) for now_s in (1_800_001_800, 1_800_001_802)]

    assert [[reading.start_s for _, reading in some] for some in due] == [[1_800_000_000], []]


def test_a_port_that_is_not_there_says_so(tmp_path):
    with pytest.raises(Unavailable) as told:
        Port(str(tmp_path / "ttyUSB9"), 9_600)
    assert told.value.code == "port.unavailable"


def test_the_command_simulates_sends_and_stops_cleanly(tmp_path, node, point, key):
    key_file, spool = tmp_path / "key", tmp_path / "collect.sqlite"
    key_file.write_text(key + "\n")
    key_file.chmod(0o600)
    arguments = ["--node", node.address, "--key-file", str(key_file), "--point", point]
    agent = subprocess.Popen(
        [*START, "simulate", *arguments, "--spool", str(spool), "--every", "1", "--seed", "4"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until(lambda: len(node.readings) >= 4)
    agent.send_signal(signal.SIGTERM)
    said, _ = agent.communicate(timeout=5)

    assert agent.returncode == 0
    assert "stopped" in said
    assert "Traceback" not in said
    assert key not in said
    assert point not in said
    status = subprocess.run(
        [*START, "status", "--spool", str(spool)], capture_output=True, text=True, check=True
    ).stdout
    assert "bytes a reading:" in status
    assert "frames from the meter: 0" not in status
    assert "device linky (linky): stopped, " in status
    assert f"kept by the node:      {len(node.readings)}\n" in status


def test_refused_readings_are_queued_again_on_demand(tmp_path, capsys, column):
    path = tmp_path / "collect.sqlite"
    with Spool(path) as spool:
        made = column([1, 2])
        spool.append((made.series, reading) for reading in made.readings())
        spool.set_aside(spool.pending(10).number, "uplink.not_accepted")

    assert main(["retry", "--spool", str(path)]) == 0
    assert "2 readings" in capsys.readouterr().out


def test_the_key_comes_from_a_file_or_the_environment(tmp_path, monkeypatch, caplog):
    key_file = tmp_path / "key"
    key_file.write_text("k-of-the-file\n")
    key_file.chmod(0o644)
    monkeypatch.setenv("KEVRE_KEY", "k-of-the-environment")

    assert read_key(key_file) == "k-of-the-file"
    assert "read by others" in caplog.text
    assert read_key(None) == "k-of-the-environment"
    with pytest.raises(Missing):
        read_key(tmp_path / "absent")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["status", "--spool", "/nonexistent/spool"], 4),
        (["run", "--port", "x", "--node", "https://a.example", "--point", "urn:dev:prm:1"], 2),
        (["run", "--port", "x", "--node", "https://a.example", "--point", "urn:dev:ow:1"], 4),
    ],
)
def test_a_mistake_ends_with_the_code_of_its_family(arguments, code, capsys, monkeypatch):
    monkeypatch.delenv("KEVRE_KEY", raising=False)

    assert main(arguments) == code
    assert "kevre-collect:" in capsys.readouterr().err

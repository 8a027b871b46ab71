"""The collector alone: what it brings along, what it weighs, and what it says of an extra."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import venv
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
MOST_BYTES_ON_DISK, MOST_KB_IN_MEMORY = 60_000_000, 50_000
THERMOMETER = "a3 01 4b 46 7f ff 0d 10 ce : crc=ce YES\na3 01 4b 46 7f ff 0d 10 ce t=26187\n"
DEVICES = """
node = "http://127.0.0.1:9"
every_s = 1
index_every_s = 1

[[device]]
name = "rooms"
driver = "onewire"
bus = "{here}/w1"

[[device]]
name = "water"
driver = "pulse"
point = "urn:dev:org:kevre-test-1"
file = "{here}/pulses"
series = "consumption/volume/water/index"

[[device]]
name = "charger"
driver = "http"
point = "urn:dev:org:kevre-test-2"
url = "http://127.0.0.1:{port}/"
[[device.measure]]
at = "$.power"
series = "consumption/power/active/instant"

[[device]]
name = "plug"
driver = "mqtt"
point = "urn:dev:org:kevre-test-3"
broker = "127.0.0.1"
topic = "zigbee2mqtt/plug"
shape = "zigbee2mqtt"

[[device]]
name = "inverter"
driver = "sunspec"
point = "urn:dev:org:kevre-test-4"
host = "127.0.0.1"

[[device]]
name = "heat"
driver = "mbus"
point = "urn:dev:org:kevre-test-5"
line = "socket://127.0.0.1:9"
address = 1
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """An environment with the collector and what it requires, without any extra."""
    folder = tmp_path_factory.mktemp("packaging")
    wheels, home = folder / "wheels", folder / "alone"
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        wheels,
        ROOT,
    ]
    subprocess.run(build, check=True)
    venv.EnvBuilder(with_pip=False, symlinks=True).create(home)
    python = home / "bin" / "python"
    wheel = next(wheels.glob("kevre-*.whl"))
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", wheel]
    subprocess.run(pip, check=True)
    return home


def test_the_collector_installs_alone_and_small(alone):
    said = subprocess.run(
        [alone / "bin" / "kevre-collect", "--help"], capture_output=True, text=True, check=False
    )
    names = {path.name for path in alone.glob("lib/python*/site-packages/*")}
    size = sum(
        path.stat().st_size for path in alone.rglob("*") if path.is_file() and not path.is_symlink()
    )

    assert said.returncode == 0, said.stderr
    assert "simulate" in said.stdout
    assert not names & {"django", "duckdb", "numpy", "pyarrow", "lxml"}
    assert not names & {"pymodbus", "sunspec2", "meterbus", "paho", "gpiozero"}
    assert size < MOST_BYTES_ON_DISK


def test_maps_of_registers_are_installed_too(alone):
    look = "from kevre.collect import register; print(sorted(register.known()))"
    said = subprocess.run(
        [alone / "bin" / "python", "-c", look], capture_output=True, text=True, check=True
    )

    assert "eastron-sdm630" in said.stdout


@pytest.fixture
def charger():
    class Charger(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"power": 7360}')

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Charger)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_it_runs_in_little_memory_and_names_the_extra_that_a_device_lacks(alone, tmp_path, charger):
    (tmp_path / "w1" / "28-0316a2795bff").mkdir(parents=True)
    (tmp_path / "w1" / "28-0316a2795bff" / "w1_slave").write_text(THERMOMETER)
    (tmp_path / "pulses").write_text("7")
    config, spool = tmp_path / "collect.toml", tmp_path / "collect.sqlite"
    config.write_text(DEVICES.format(here=tmp_path, port=charger))
    command = alone / "bin" / "kevre-collect"
    collector = subprocess.Popen(
        [command, "run", "--config", config, "--spool", spool],
        env=os.environ | {"KEVRE_KEY": "k-only-for-tests"},
        stderr=subprocess.DEVNULL,
    )
    time.sleep(8)
    memory_kb = int(re.search(r"VmHWM:\s+(\d+)", status_of(collector.pid))[1])
    collector.send_signal(signal.SIGTERM)
    assert collector.wait(20) == 0
    told = subprocess.run(
        [command, "status", "--spool", spool], capture_output=True, text=True, check=True
    ).stdout

    assert memory_kb < MOST_KB_IN_MEMORY
    for name in ("rooms", "water", "charger"):
        readings = int(re.search(rf"device {name} .*?(\d+) readings", told)[1])
        assert readings >= 3, told
    assert "kevre[mqtt]" in told
    assert "kevre[modbus]" in told
    # The line of the M-Bus fails before a frame could be read.
    assert re.search(r"device heat .*failures", told)


def status_of(pid):
    return Path(f"/proc/{pid}/status").read_text()

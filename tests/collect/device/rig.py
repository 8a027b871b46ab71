"""One rig for each driver: something real that it can read, and something that fails.

A rig is a context manager: it takes a folder, and gives what stands in the file of the
collector for a device that works.
"""

import itertools
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.collect.device import mbus_slave, modbus_server, mosquitto

from kevre.collect import register
from kevre.collect.driver import Surroundings
from kevre.collect.equipment import device
from kevre.collect.option import Options
from kevre.collect.sampler import Pace
from kevre.collect.simulate import SimulatedLinky
from kevre.model import exact

POINT = "urn:dev:org:kevre-test-1"
LOOP = f"{POINT}:loop"
W1_ANSWER = "a3 01 4b 46 7f ff 0d 10 ce : crc=ce {verdict}\na3 01 4b 46 7f ff 0d 10 ce t={milli}\n"


@contextmanager
def linky(folder):
    with SimulatedLinky(1, solar_wp=3_000, period_s=0.05, clock=time.time) as port:
        yield {"port": port, "point": POINT}


@contextmanager
def onewire(folder):
    thermometer(folder / "w1", "28-0316a2795bff", 26_187)
    thermometer(folder / "w1", "10-0008013a07e2", -1_250)
    yield {"bus": str(folder / "w1")}


def thermometer(bus, sensor, milli, verdict="YES"):
    (bus / sensor).mkdir(parents=True, exist_ok=True)
    (bus / sensor / "w1_slave").write_text(W1_ANSWER.format(verdict=verdict, milli=milli))


@contextmanager
def pulse(folder):
    """A file whose count grows by itself, as that of a program that counts."""
    count, stopping = folder / "pulses", threading.Event()
    count.write_text("0")

    def grow():
        for number in itertools.count(1):
            if stopping.wait(0.01):
                return
            fresh = folder / "fresh"
            fresh.write_text(str(number))
            fresh.replace(count)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        yield {
            "point": POINT,
            "file": str(count),
            "series": "consumption/volume/water/index",
            "unit": "l",
        }
    finally:
        stopping.set()
        thread.join()


@contextmanager
def http(folder):
    """A small web server, as of a meter."""

    class Meter(BaseHTTPRequestHandler):
        def do_GET(self):
            body = b'{"emeters": [{"power": 612.37, "total": 12345.6}]}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Meter)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield {
            "point": f"{POINT}:http",
            "url": f"http://127.0.0.1:{server.server_address[1]}/status",
            "measure": [{"at": "$.emeters[0].power", "series": "consumption/power/active/instant"}],
        }
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def mqtt(folder):
    """A Mosquitto, and a plug that tells its power again and again."""
    message = '{"power": 61, "energy": 12.46, "voltage": 231}'
    with (
        mosquitto.running(folder) as port,
        mosquitto.chattering(port, "zigbee2mqtt/plug", message),
    ):
        yield {
            "point": f"{POINT}:mqtt",
            "broker": "127.0.0.1",
            "port": port,
            "topic": "zigbee2mqtt/plug",
            "shape": "zigbee2mqtt",
        }


@contextmanager
def modbus(folder):
    """An Eastron SDM120 as its map has it, in a real Modbus server."""
    registers = modbus_server.of_map(register.load("eastron-sdm120").registers, lambda one: 231.5)
    with modbus_server.serving(modbus_server.device(registers)) as port:
        yield {
            "point": f"{POINT}:modbus",
            "host": "127.0.0.1",
            "port": port,
            "map": "eastron-sdm120",
        }


@contextmanager
def sunspec(folder):
    """An inverter that describes itself, with models made by SunSpec's own library."""
    with modbus_server.serving(modbus_server.device({40_000: inverter(4_250, 1_234_567)})) as port:
        yield {"point": f"{POINT}:sunspec", "host": "127.0.0.1", "port": port}


def inverter(power_w, energy_wh):
    """The words of a three-phase inverter."""
    common = {"ID": 1, "Mn": "Kevre tests", "Md": "Simulated", "SN": "0"}
    phases = {f"PhVph{p}": 2_315 for p in "ABC"} | {f"Aph{p}": 615 for p in "ABC"}
    made = {"ID": 103, "W": power_w // 10, "W_SF": 1, "WH": energy_wh, "WH_SF": 0, "A": 1_845}
    made |= phases | {"A_SF": -2, "V_SF": -1, "Hz": 4_998, "Hz_SF": -2}
    return modbus_server.sunspec_words([common, made])


@contextmanager
def mbus(folder):
    """A simulated slave, as behind a converter in the network; 12,345,678 kWh."""
    frame = mbus_slave.heat_frame(bytes.fromhex("0C06 78563412"))
    with mbus_slave.over_tcp(mbus_slave.Slave(frame)) as line:
        yield {"point": f"{POINT}:heat", "line": line, "address": 1}


@contextmanager
def solar(folder):
    """A loop whose flow and temperatures other devices would tell; see `made`."""
    yield {
        "point": f"{POINT}:solar",
        "flow": f"{LOOP}_production/flow/heat/instant",
        "supply": f"{LOOP}_temperature/supply/instant",
        "return": f"{LOOP}_temperature/return/instant",
        "fluid": "water",
    }


def loop_of(board, now_s, *, flow="0.9", supply="62.5", back="41.0"):
    """Post what the devices of a loop would say."""
    told = {
        "production/flow/heat/instant": flow,
        "temperature/supply/instant": supply,
        "temperature/return/instant": back,
    }
    for path, text in told.items():
        board.post(f"{LOOP}_{path}", exact.parse(text), now_s)


# Of each driver: its rig, and what to change in its entries so that the device is not there.
RIGS = {
    "http": (http, {"url": "http://127.0.0.1:9/"}),
    "mbus": (mbus, {"line": "socket://127.0.0.1:9"}),
    "modbus": (modbus, {"port": 9}),
    "mqtt": (mqtt, {"port": 9}),
    "linky": (linky, {"port": "/nonexistent/ttyUSB9"}),
    "onewire": (onewire, {"bus": "/nonexistent/w1"}),
    "pulse": (pulse, {"file": "/nonexistent/pulses"}),
    "solar": (solar, {"flow": f"{LOOP}:gone_production/flow/heat/instant", "stale_s": 1}),
    "sunspec": (sunspec, {"port": 9}),
}


def made(kind, entries, folder, *, around=None, pace=None):
    """Make a device as the file of a collector would."""
    if around is None:
        around = Surroundings(folder / "collect.state", time.time)
        loop_of(around.board, int(time.time()))
    entries = {"name": f"one-{kind}", "driver": kind} | entries
    return device(Options(entries, "test", folder), around, pace or Pace(1, 1))


def samples(driver, *, within_s=10):
    """Open a driver and read it until something comes, then close it."""
    driver.open()
    try:
        end = time.monotonic() + within_s
        while not (read := list(driver.read())):
            assert time.monotonic() < end, "nothing came"
        return read
    finally:
        driver.close()

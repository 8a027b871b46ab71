"""A small node that keeps what it is sent, and misbehaves when told to."""

import json
import threading
from array import array
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cbor2
import pytest

from kevre.collect.delivery import Backoff
from kevre.model.batch import Column
from kevre.model.identifier import kind_of

POINT = "urn:dev:prm:09876543210123"
KEY = "k-only-for-tests"
_BASE_NAME, _BASE_TIME, _NAME, _VALUE, _TIME = -2, -3, 0, 2, 6


class FakeNode:
    """A working reception for SenML CBOR over HTTP/1.1, as the API's: upsert, then receipt.

    `script` holds what to do with the next requests, then all is well: a status, "cut
    before" (no answer, nothing kept), "cut after" (kept, no answer), "portal" (a page).
    """

    def __init__(self):
        self.readings = {}
        self.script = deque()
        self.requests = 0
        self.connections = 0
        self.overwritten = 0
        self.poison = None  # a value that makes the whole request malformed
        self.doubted = None  # a value that is quarantined
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def setup(self):
                super().setup()
                node.connections += 1

            def do_POST(self):
                node.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, request):
        self.requests += 1
        body = request.rfile.read(int(request.headers["Content-Length"]))
        act = self.script.popleft() if self.script else "well"
        if act == "cut before":
            request.close_connection = True
            return
        status, said = self.judge(request, act, body)
        if act == "cut after":
            request.close_connection = True
            return
        self.say(request, status, said)

    def judge(self, request, act, body):
        if act == "portal":
            return 200, b"<html>Please accept the conditions</html>"
        if request.path != "/api/v1/readings":
            return 404, b"{}"
        if request.headers["Authorization"] != f"Bearer {KEY}":
            return 401, b"{}"
        if isinstance(act, int):
            return act, b"{}"
        readings = list(resolve(cbor2.loads(body)))
        if self.poison is not None and any(value == self.poison for _, _, value in readings):
            return 422, b"{}"
        return 200, json.dumps(self.keep(readings)).encode()

    def keep(self, readings):
        kept = same = 0
        faults = []
        for line, (urn, start_s, value) in enumerate(readings, 1):
            if value == self.doubted:
                faults.append({"line": line, "code": "value.out_of_range"})
                continue
            before = self.readings.get((urn, start_s))
            kept += 1
            same += before == value
            self.overwritten += before not in {None, value}
            self.readings[urn, start_s] = value
        return {
            "kept": kept,
            "changed": kept - same,
            "same": same,
            "faults": len(faults),
            "quarantined": faults[:2],
        }

    def say(self, request, status, body):
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        if status in {429, 503}:
            request.send_header("Retry-After", "0")
        request.end_headers()
        request.wfile.write(body)


def resolve(pack):
    """RFC 8428, 4.6, as far as the collector uses it."""
    name, time = "", 0
    for record in pack:
        name = record.get(_BASE_NAME, name)
        time = record.get(_BASE_TIME, time)
        if _VALUE in record:
            yield name + record.get(_NAME, ""), int(time + record.get(_TIME, 0)), record[_VALUE]


@pytest.fixture
def node():
    fake = FakeNode()
    fake.thread.start()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()
    fake.thread.join()


@pytest.fixture(scope="session")
def point():
    return POINT


@pytest.fixture(scope="session")
def key():
    return KEY


@pytest.fixture
def hasty():
    """A back-off for tests: the same shape, in milliseconds."""
    return Backoff(first_s=0.005, limit_s=0.05)


@pytest.fixture(scope="session")
def column():
    def make(values, start_s=1_800_000_000, path="consumption/power/apparent/instant"):
        n = len(values)
        return Column(
            f"{POINT}_{path}",
            kind_of(path),
            0,
            array("q", range(start_s, start_s + n)),
            array("i", [0] * n),
            array("q", values),
            array("B", [0] * n),
        )

    return make

"""A small node that keeps what it is sent, and misbehaves when told to."""

import threading
import time
from array import array
from collections import deque
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cbor2
import pytest

from kevre.collect.clock import Clock, this_machine
from kevre.collect.delivery import Backoff
from kevre.formats import tight, word
from kevre.model.batch import Column
from kevre.model.identifier import kind_of

POINT = "urn:dev:prm:09876543210123"
KEY = "k-only-for-tests"


class FakeNode:
    """A working reception for collectors over HTTP/1.1, as the API's: upsert, then receipt.

    `script` holds what to do with the next requests, then all is well: a status, "cut
    before" (no answer, nothing kept), "cut after" (kept, no answer), "portal" (a page).
    """

    def __init__(self):
        self.readings = {}
        self.script = deque()
        self.requests = 0
        self.connections = 0
        self.overwritten = 0
        self.repeated = 0
        self.told = []
        self.answers = deque()  # maps to answer with, beside the receipt
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
        status, said, check = self.judge(request, act, body)
        if act == "cut after":
            request.close_connection = True
            return
        self.say(request, status, said, check)

    def judge(self, request, act, body):
        if act == "portal":
            return 200, b"<html>Please accept the conditions</html>", None
        if request.path != word.PATH:
            return 404, b"", None
        envelope = word.opened(body)
        if envelope.key != KEY:
            return 401, b"", envelope.check
        if isinstance(act, int):
            return act, b"", envelope.check if act < 500 else None
        note = tight.decode(envelope.content, origin="test")
        self.told.append(note.meta)
        readings = [
            (column.series, one.start_s, one.value and plain(one.value))
            for column in note.batch.columns
            for one in column.readings()
        ]
        if self.poison is not None and any(value == self.poison for _, _, value in readings):
            return 422, b"", envelope.check
        faults = self.keep(readings)
        answer = dict(self.answers.popleft()) if self.answers else {}
        if faults:
            answer |= {word.QUARANTINED: len(faults), word.CODES: faults[:2]}
        return (200, cbor2.dumps(answer), envelope.check) if answer else (204, b"", envelope.check)

    def keep(self, readings):
        faults = []
        for urn, start_s, value in readings:
            if self.doubted is not None and value == self.doubted:
                faults.append("value.out_of_range")
                continue
            before = self.readings.get((urn, start_s))
            self.repeated += before == value
            self.overwritten += before not in {None, value}
            self.readings[urn, start_s] = value
        return faults

    def say(self, request, status, body, check):
        request.send_response(status)
        if status != 204:
            request.send_header("Content-Length", str(len(body)))
        if check is not None:
            request.send_header(word.ECHO, f"{check:08x}")
        if status in {429, 503}:
            request.send_header("Retry-After", "0")
        request.end_headers()
        request.wfile.write(body)


def plain(value):
    mantissa, exponent = value
    return mantissa * 10**exponent if exponent >= 0 else Decimal(mantissa).scaleb(exponent)


@pytest.fixture
def node():
    fake = FakeNode()
    fake.thread.start()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()
    fake.thread.join()


@pytest.fixture
def clock():
    """A clock that is set, whether or not a time server keeps this machine's."""
    made = Clock(this_machine(time.time, time.monotonic))
    made.hear(time.time())
    return made


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

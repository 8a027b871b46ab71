"""The conformance suite: our own node passes it, and crooked ones are caught by the right rule."""

import http.server
import threading
import urllib.request
from contextlib import contextmanager

import cbor2
import pytest
from tests.federate.nodes import Node, acquaint, any_port, furnish, grant, half_hours, post


@pytest.fixture(scope="module")
def lender(tmp_path_factory):
    """A node that lends, reached at the address of `crooked`, behind which it stands."""
    node = Node(tmp_path_factory.mktemp("lender"), "Lender")
    node.front = any_port("127.0.0.1")
    node.init(f"http://127.0.0.1:{node.front}")
    key = furnish(node)
    node.serve()
    post(node, key, half_hours(48 * 3))
    yield node
    node.kill()


@pytest.fixture(scope="module")
def judge(lender, tmp_path_factory):
    """A node that the lender trusts."""
    node = Node(tmp_path_factory.mktemp("judge"), "Judge").init()
    node.serve()
    with crooked(lender):
        acquaint(node, lender)
    grant(lender, node)
    yield node
    node.kill()


class Front(http.server.BaseHTTPRequestHandler):
    """Carries each request to the node of its server, and bends what comes back."""

    def pass_on(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) or None
        url = self.server.lender.local + self.path
        headers = dict(self.headers) | {"Accept-Encoding": "identity"}
        request = urllib.request.Request(url, body, headers, method=self.command)
        with urllib.request.build_opener(Errors).open(request, timeout=60) as answer:
            if "feed" in self.path and answer.status == 200:
                self.stream(answer)
                return
            given = answer.status, dict(answer.headers), answer.read()
        status, headers, content = self.server.bend(*given)
        self.begin(status, headers | {"Content-Length": str(len(content))})
        self.wfile.write(content)

    def stream(self, answer):
        self.begin(200, dict(answer.headers))
        while head := answer.read(4):
            content = self.server.frame(answer.read(int.from_bytes(head, "big")))
            self.wfile.write(len(content).to_bytes(4, "big") + content)
            self.wfile.flush()

    def begin(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"connection", "transfer-encoding", "server", "date"}:
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    do_GET = do_POST = do_PUT = do_DELETE = pass_on

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A caller that hung up is none."""


@contextmanager
def crooked(lender, bend=lambda *given: given, frame=lambda content: content):
    """Stand before a node and bend what it answers."""
    server = Server(("127.0.0.1", lender.front), Front)
    server.lender, server.bend, server.frame = lender, bend, frame
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Errors(urllib.request.HTTPDefaultErrorHandler):
    def http_error_default(self, req, fp, code, msg, hdrs):
        return fp


def judged(judge, lender, expected, *options):
    """{rule: (sign, found)} as the command prints them."""
    done = judge.run("conformance", lender.url, *options, check=False)
    assert done.returncode == expected, done.stdout + done.stderr
    found = {}
    for line in done.stdout.splitlines():
        sign, _, rest = line.partition(" ")
        if sign in "✓✗·":
            rule, _, told = rest.partition(" — ")
            found[rule.partition(": ")[2]] = (sign, told)
    return found


def test_our_own_node_keeps_every_rule(judge, lender):
    with crooked(lender):
        found = judged(judge, lender, 0)

    assert len(found) > 20
    not_tried = {rule for rule, (sign, _) in found.items() if sign == "·"}
    assert not_tried <= {
        "a previous key vouches for the present one",
        "copies are kept by agreement, whole",
    }


def lenient(status, headers, body):
    """One that lets everybody in."""
    if status in {401, 403}:
        return 200, headers | {"Content-Type": "application/json"}, b'{"series": [], "next": null}'
    return status, headers, body


def curt(status, headers, body):
    """One that gives no reasons."""
    return (
        (status, {"Content-Type": "text/plain"}, b"no")
        if status >= 400
        else (status, headers, body)
    )


def forgetful(status, headers, body):
    """One that says too little of itself."""
    return status, headers, body.replace(b'"territory"', b'"x"').replace(b'"services"', b'"y"')


@pytest.mark.parametrize(
    ("bend", "rules"),
    [
        (
            lenient,
            {
                "a request without a signature is refused",
                "a key that is not trusted is refused",
                "a request is taken once",
                "a body that was changed is refused",
                "another address or method is refused",
                "a signature of another time is refused",
                "a signature for another purpose is refused",
                "what may not be known is answered as what does not exist",
            },
        ),
        (curt, {"what is malformed is explained", "a body beyond reason is refused"}),
        (forgetful, {"anybody may read the description"}),
    ],
)
def test_a_crooked_node_is_caught(judge, lender, bend, rules):
    with crooked(lender, bend):
        found = judged(judge, lender, 5, "--quick")

    broken = {rule for rule, (sign, _) in found.items() if sign == "✗"}
    assert rules <= broken


def forged(content):
    """Readings are raised by one on their way."""
    frame = cbor2.loads(content)
    if "c" in frame:
        pack = cbor2.loads(frame["c"])
        pack[0][2] += 1
        frame["c"] = cbor2.dumps(pack)
    return cbor2.dumps(frame)


def backwards(content):
    """Numbers of readings fall."""
    frame = cbor2.loads(content)
    return cbor2.dumps(frame | {"n": 1_000 - frame["n"]}) if "s" in frame else content


@pytest.mark.parametrize(
    ("frame", "rule"),
    [
        (forged, "seals hold"),
        (backwards, "what waits is sent in order, inside its windows"),
    ],
)
def test_a_crooked_feed_is_caught(judge, lender, frame, rule):
    with crooked(lender, frame=frame):
        found = judged(judge, lender, 5, "--quick")

    assert found[rule][0] == "✗", found

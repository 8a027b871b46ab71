"""Devices that answer JSON over HTTP: well, slowly, endlessly, or from elsewhere."""

import contextlib
import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.collect.device.rig import POINT, made

from kevre.collect import pointer
from kevre.model.errors import KevreError, Malformed

METER = {
    "point": POINT,
    "measure": [
        {"at": "$.emeters[0].power", "series": "consumption/power/active/instant"},
        {
            "at": "$.emeters[0].total",
            "series": "consumption/energy/active/index",
            "unit": "kWh",
        },
    ],
}
ANSWER = b'{"emeters": [{"power": 612.37, "total": 12345.6789}], "uptime": 3}'


@contextlib.contextmanager
def serving(act):
    """Answer each connection by `act(connection, stopping)` in a thread of its own."""
    stopping = threading.Event()
    door = socket.create_server(("127.0.0.1", 0))
    threads = []

    def answer(line):
        with line, contextlib.suppress(OSError):
            line.settimeout(5)
            line.recv(4_096)
            act(line, stopping)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                line, _ = door.accept()
                threads.append(threading.Thread(target=answer, args=(line,)))
                threads[-1].start()

    keeper = threading.Thread(target=accept)
    keeper.start()
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}/status"
    finally:
        stopping.set()
        door.shutdown(socket.SHUT_RDWR)
        door.close()
        keeper.join(5)
        for thread in threads:
            thread.join(5)


def saying(status, body, *headers):
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *headers, ""))

    def act(line, stopping):
        line.sendall(head.encode() + body)

    return act


def drip(before, byte):
    """Say something, then a byte every 50 ms for ever: each read succeeds in good time."""

    def act(line, stopping):
        line.sendall(before)
        while not stopping.wait(0.05):
            line.sendall(byte)

    return act


def flood(line, stopping):
    line.sendall(b"HTTP/1.1 200 OK\r\n\r\n[")
    while not stopping.is_set():
        line.sendall(b"1," * 10_000)


def ask(url, tmp_path, **more):
    driver = made("http", METER | {"url": url} | more, tmp_path).driver
    driver.open()
    return {sample.path: sample.value for sample in driver.read()}


def test_the_numbers_of_an_answer_are_exact_and_in_the_unit_of_their_series(tmp_path):
    with serving(saying("200 OK", ANSWER)) as url:
        read = ask(url, tmp_path)

    assert read == {
        "consumption/power/active/instant": (61_237, -2),
        "consumption/energy/active/index": (123_456_789, -1),
    }


@pytest.mark.parametrize(
    "act",
    [
        drip(b"", b"H"),
        drip(b"HTTP/1.1 200 OK\r\n", b"X"),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b" "),
        drip(b"HTTP/1.1 200 OK\r\n\r\n", b" "),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        drip(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        lambda line, stopping: stopping.wait(8),
    ],
    ids=["status", "header", "body", "endless body", "chunks", "continue", "nothing"],
)
def test_a_slow_answer_is_bounded_in_total_not_only_per_read(tmp_path, act):
    started = time.monotonic()
    with serving(act) as url, pytest.raises(KevreError) as told:
        ask(url, tmp_path, total_s=1)

    assert told.value.code in {"http.slow", "http.unreachable"}
    assert time.monotonic() - started < 4


def test_an_endless_answer_is_bounded_in_size(tmp_path):
    with serving(flood) as url, pytest.raises(Malformed) as told:
        ask(url, tmp_path, most_bytes=50_000)

    assert told.value.code == "http.large"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://127.0.0.1:9/", "//elsewhere/"])
def test_a_redirect_is_not_followed(tmp_path, target):
    act = saying("302 Found", b"", f"Location: {target}", "Content-Length: 0")
    with serving(act) as url, pytest.raises(Malformed) as told:
        ask(url, tmp_path)

    assert told.value.code == "http.redirect"
    assert target not in str(told.value)


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (saying("200 OK", b"<html>Please sign in</html>"), "pointer.no_json"),
        (saying("200 OK", b"[" * 100_000), "pointer.no_json"),
        (saying("200 OK", b'{"emeters": NaN}'), "pointer.no_json"),
        (saying("200 OK", b'{"emeters": []}'), "pointer.nothing"),
        (saying("200 OK", b'{"emeters": [{"power": true}]}'), "pointer.nothing"),
        (saying("200 OK", b'{"emeters": [{"power": 1e400}]}'), "value.not_a_number"),
        (saying("401 Unauthorized", b""), "http.sign_in"),
        (saying("503 Busy", b""), "http.status"),
        (saying("odd", b""), "http.unreachable"),
    ],
)
def test_an_answer_that_is_none_says_why(tmp_path, act, code):
    with serving(act) as url, pytest.raises(KevreError) as told:
        ask(url, tmp_path)

    assert told.value.code == code
    assert told.value.hint


def test_what_is_there_counts_where_one_number_is_missing(tmp_path):
    with serving(saying("200 OK", b'{"emeters": [{"power": "12.5"}]}')) as url:
        driver = made("http", METER | {"url": url}, tmp_path).driver
        came = []
        with pytest.raises(Malformed):
            came.extend(iter_of(driver))
        read = driver.counts()

    assert read == {"answers": 1}


def iter_of(driver):
    for sample in driver.read():
        assert sample.value == (125, -1)
        yield sample


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://kevre.example/a",
        "/etc/passwd",
        "http://",
        "http://user:secret@kevre.example/",
        "http://kevre.example:port/",
        "http://kevre.example/a b",
        "http://kevre.example/\r\nX: 1",
    ],
)
def test_only_plain_addresses_of_the_web_are_taken(tmp_path, url):
    with pytest.raises(Malformed) as told:
        made("http", METER | {"url": url}, tmp_path)

    assert told.value.code == "device.entry"
    assert "secret" not in str(told.value)


def test_a_token_travels_in_a_header_and_in_no_error(tmp_path):
    token, heard = tmp_path / "token", []
    token.write_text("t-only-for-tests\n")

    def hear(line, stopping):
        line.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    door = socket.create_server(("127.0.0.1", 0))

    def answer():
        line, _ = door.accept()
        heard.append(line.recv(4_096))
        hear(line, None)
        line.close()

    thread = threading.Thread(target=answer)
    thread.start()
    url = f"http://127.0.0.1:{door.getsockname()[1]}/"
    with pytest.raises(Malformed) as told:
        ask(url, tmp_path, token_file=str(token))
    thread.join(5)
    door.close()

    assert b"Authorization: Bearer t-only-for-tests\r\n" in heard[0]
    assert "t-only" not in str(told.value)


@pytest.mark.parametrize("text", ["", "a", "$.", "$.a[*]", "$..a", "$.a[x]", "$.a ", "$[1"])
def test_a_path_that_is_not_understood_is_refused(text):
    with pytest.raises(Malformed) as told:
        pointer.parse(text)

    assert told.value.code == "pointer.malformed"


@given(
    st.recursive(
        st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
    ),
    st.lists(st.integers(-3, 3) | st.text(max_size=3), max_size=4),
)
def test_any_place_in_any_document_is_a_number_or_nothing(read, place):
    if pointer.has(read, tuple(place)):
        assert pointer.number(read, tuple(place)).is_finite()

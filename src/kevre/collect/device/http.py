"""A device that answers JSON over HTTP, asked once a period.

The whole exchange is bounded in time and in size, however slowly or endlessly the device
answers. Redirects are not followed: an address that moves is for a person to look at.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from kevre.collect import pointer
from kevre.collect.driver import Sample, Task
from kevre.collect.measure import Measure, measure
from kevre.collect.option import Options
from kevre.model.errors import KevreError, Malformed, Unavailable

_TOTAL_S = 10
_MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Spot:
    """A number in the answer, and what it measures."""

    place: pointer.Pointer
    measure: Measure


class Http:
    """Asks one address and gives the numbers of its answer.

    Args:
        total_s: for the whole exchange, from the first connection to the last byte.
        most_bytes: of the answer.
        token_file: its content is sent as bearer token; None for no token.
    """

    listens = False

    def __init__(
        self,
        address: SplitResult,
        spots: tuple[Spot, ...],
        *,
        total_s: float = _TOTAL_S,
        most_bytes: int = _MOST_BYTES,
        token_file: Path | None = None,
    ) -> None:
        self._address = address
        self._spots = spots
        self._total_s = total_s
        self._most_bytes = most_bytes
        self._token_file = token_file
        self._answers = 0

    def open(self) -> None:
        """Nothing is held between reads."""

    def read(self) -> Iterator[Sample]:
        """Give each number of the answer; then raise if one was not there.

        Raises:
            Unavailable: no answer, in time or at all.
            Malformed: the answer is not what it should be.
        """
        answer = pointer.document(self._ask())
        self._answers += 1
        failure: KevreError | None = None
        for spot in self._spots:
            try:
                value = spot.measure.value(pointer.number(answer, spot.place))
            except KevreError as error:
                failure = failure or error
                continue
            yield Sample(spot.measure.path, value)
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Nothing is held between reads."""

    def counts(self) -> Mapping[str, int]:
        """Count the answers."""
        return {"answers": self._answers}

    def _ask(self) -> bytes:
        end_s = time.monotonic() + self._total_s
        line = None
        try:
            line = self._connected(end_s)
            return self._exchange(line, end_s)
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() >= end_s:
                raise _slow() from error
            raise Unavailable(
                "http.unreachable",
                f"the device does not answer ({type(error).__name__})",
                hint="check its address, and that it is in this network",
            ) from error
        finally:
            if line is not None:
                line.close()

    def _connected(self, end_s: float) -> socket.socket:
        """Try the addresses of the host, all within the time."""
        is_secure = self._address.scheme == "https"
        host = self._address.hostname or ""
        port = self._address.port or (443 if is_secure else 80)
        last: OSError = TimeoutError()
        for family, kind, protocol, _, place in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            line = socket.socket(family, kind, protocol)
            try:
                line.settimeout(max(0.001, end_s - time.monotonic()))
                line.connect(place)
                if is_secure:
                    line = _secured(line, host, end_s)
            except OSError as error:
                line.close()
                last = error
                continue
            return line
        raise last

    def _exchange(self, line: socket.socket, end_s: float) -> bytes:
        """Send the request and read the answer; a time-out of a read alone bounds no total."""
        address = self._address
        connection = http.client.HTTPConnection(address.hostname or "", address.port)
        connection.sock = line
        with _cut_at(line, end_s):
            path = (address.path or "/") + (f"?{address.query}" if address.query else "")
            connection.request("GET", path, headers=self._headers())
            with connection.getresponse() as response:
                _check_status(response.status)
                answer = response.read(self._most_bytes + 1)
            if time.monotonic() >= end_s:
                raise _slow()
        if len(answer) > self._most_bytes:
            raise Malformed(
                "http.large",
                f"the answer is larger than {self._most_bytes} bytes",
                hint="ask a smaller page of the device, or raise most_bytes",
            )
        return answer

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if self._token_file is not None:
            headers["Authorization"] = f"Bearer {_token(self._token_file)}"
        return headers


def make(task: Task) -> Http:
    """Make the driver of its options: url, measures, and the bounds."""
    options = task.options
    return Http(
        _address(options),
        tuple(_spots(options)),
        total_s=options.whole("total_s", _TOTAL_S, least=1),
        most_bytes=options.whole("most_bytes", _MOST_BYTES, least=1),
        token_file=options.secret("token_file"),
    )


def _spots(options: Options) -> Iterator[Spot]:
    for table in options.tables("measure", least=1):
        try:
            place = pointer.parse(table.text("at"))
        except KevreError as error:
            error.where = table.where
            raise
        spot = Spot(place, measure(table))
        table.done()
        yield spot


def _address(options: Options) -> SplitResult:
    text = options.text("url")
    try:
        address = urlsplit(text)
        is_usable = address.scheme in {"http", "https"} and bool(address.hostname)
        _ = address.port
    except ValueError:
        is_usable = False
    if not is_usable or address.username is not None or not text.isprintable() or " " in text:
        raise options.wrong("url", "an address http://… or https://… without a password")
    return address


def _secured(line: socket.socket, host: str, end_s: float) -> socket.socket:
    """Speak TLS; a time-out is of each read of its hand-shake, so the whole is cut short."""
    context = ssl.create_default_context()
    secure = context.wrap_socket(line, server_hostname=host, do_handshake_on_connect=False)
    with _cut_at(secure, end_s):
        secure.do_handshake()
    return secure


@contextlib.contextmanager
def _cut_at(line: socket.socket, end_s: float) -> Iterator[None]:
    """End the connection at a moment, whatever is being read of it then."""

    def cut() -> None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, end_s - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _check_status(status: int) -> None:
    if 300 <= status < 400:  # noqa: PLR2004
        raise Malformed(
            "http.redirect",
            f"the device sends elsewhere (status {status})",
            hint="redirects are not followed: put the address it leads to into url",
        )
    if status in {401, 403}:
        raise Malformed(
            "http.sign_in",
            f"the device wants a sign-in (status {status})",
            hint="put its token into a file and name it as token_file",
        )
    if status != http.client.OK:
        raise Unavailable(
            "http.status", f"the device answers with status {status}", hint="check the url"
        )


def _token(path: Path) -> str:
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if not token.isprintable() or not token:
        raise Malformed(
            "http.token",
            "the token file cannot be read",
            where=path.name,
            hint="it holds the token alone, and this user may read it",
        )
    return token


def _slow() -> Unavailable:
    return Unavailable(
        "http.slow",
        "the device takes too long to answer",
        hint="is it busy, or far away? total_s gives it more time",
    )

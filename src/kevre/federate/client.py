"""The HTTPS binding seen from the other side: asks a peer, and reads its feeds.

Only the transport's own errors become `Unavailable`: waiting and trying again is the caller's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import httpx2

import kevre
from kevre.federate import description, frame, signature
from kevre.federate.description import Description
from kevre.federate.frame import Frame
from kevre.federate.identity import Identity
from kevre.model.errors import (
    Conflict,
    KevreError,
    Malformed,
    Missing,
    Refused,
    Unavailable,
)

_TIMEOUT_S = 20.0
# The sender gives a sign of life every fifteen seconds.
_SILENCE_S = 45.0
_LARGEST_ANSWER = 4 * 1024 * 1024
_BAD, _UNAUTHORISED, _FORBIDDEN = 400, 401, 403
_ABSENT, _CONFLICT, _MANY, _FAILED = 404, 409, 429, 500


def describe(url: str) -> Description:
    """Ask a node what it says of itself; nobody is trusted by that.

    Raises:
        Malformed: there is no node at this address.
        Unavailable: it does not answer.
    """
    with _reporting(), httpx2.Client(timeout=_TIMEOUT_S, headers=_headers()) as client:
        address = description.address(url)
        with client.stream("GET", f"{address}{description.PATH}") as answer:
            content = _whole(answer, description.LARGEST)
            if answer.status_code >= _BAD:
                raise _error(answer.status_code, content)
    return description.read(content)


class Client:
    """Talks to one peer."""

    def __init__(self, base_url: str, own: Identity) -> None:
        self._base_url = base_url.rstrip("/")
        self._own = own
        timeout = httpx2.Timeout(_TIMEOUT_S, read=_SILENCE_S)
        self._http = httpx2.Client(timeout=timeout, headers=_headers())

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def ask(
        self, method: str, path: str, document: dict[str, object] | None = None, **query: object
    ) -> dict[str, Any]:
        """Ask one thing, and give the answer's document.

        Raises:
            KevreError: as the peer answers.
            Unavailable: it does not.
        """
        body = json.dumps(document).encode() if document is not None else b""
        found = _json(self._content(self._request(method, path, body, query)))
        if not isinstance(found, dict):
            raise _strange()
        return found

    def put(self, path: str, content: bytes) -> None:
        """Leave bytes at a path.

        Raises:
            KevreError: as the peer answers.
            Unavailable: it does not.
        """
        self._content(self._request("PUT", path, content, {}))

    def get(self, path: str) -> bytes:
        """Fetch bytes.

        Raises:
            KevreError: as the peer answers.
            Unavailable: it does not.
        """
        return self._content(self._request("GET", path, b"", {}))

    def frames(self, handle: str, after: int) -> Generator[tuple[Frame, int]]:
        """Give the frames of a feed after a number, each with its length on the wire [B].

        Ends when the peer ends the answer; then ask again from where you have come.

        Raises:
            KevreError: as the peer answers.
            Malformed: a frame cannot be read.
            Unavailable: the link broke.
        """
        path = f"subscriptions/{handle}/feed"
        request = self._request("GET", path, b"", {"after": after})
        with _reporting():
            answer = self._http.send(request, stream=True)
            try:
                if answer.status_code >= _BAD:
                    raise _error(answer.status_code, _whole(answer, _LARGEST_ANSWER))
                yield from _cut(answer.iter_raw())
            finally:
                answer.close()

    def _content(self, request: httpx2.Request) -> bytes:
        with _reporting():
            answer = self._http.send(request, stream=True)
            try:
                content = _whole(answer, _LARGEST_ANSWER)
            finally:
                answer.close()
        if answer.status_code >= _BAD:
            raise _error(answer.status_code, content)
        return content

    def _request(
        self, method: str, path: str, body: bytes, query: dict[str, object]
    ) -> httpx2.Request:
        url = f"{self._base_url}/federation/v1/{path}"
        if query:
            url = f"{url}?{urlencode(query)}"
        kind = "application/octet-stream" if method == "PUT" else "application/json"
        headers: dict[str, str] = {"Content-Type": kind} if body else {}
        message = signature.Message(method, url, headers, body)
        signature.sign(message, self._own, now_s=int(time.time()))
        return self._http.build_request(method, url, headers=headers, content=body or None)


def _cut(chunks: Iterator[bytes]) -> Iterator[tuple[Frame, int]]:
    """Cut a stream into frames; one that is torn at the end is left."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= frame.HEAD_BYTES:
            size = frame.HEAD_BYTES + frame.length(bytes(held[: frame.HEAD_BYTES]))
            if len(held) < size:
                break
            content = bytes(held[frame.HEAD_BYTES : size])
            del held[:size]
            yield frame.decode(content, now_s=int(time.time())), size


@contextmanager
def _reporting() -> Iterator[None]:
    try:
        yield
    except httpx2.HTTPError as error:
        raise Unavailable(
            "peer.unreachable",
            f"the peer does not answer ({type(error).__name__})",
            hint="is it running, and is its address right?",
        ) from error


def _whole(answer: httpx2.Response, most: int) -> bytes:
    content = bytearray()
    for chunk in answer.iter_bytes():
        content += chunk
        if len(content) > most:
            raise _strange()
    return bytes(content)


def _error(status: int, content: bytes) -> KevreError:
    """Make of a peer's problem document the error that it had."""
    found = _json(content)
    problem = found if isinstance(found, dict) else {}
    message = str(problem.get("title") or f"the peer answers {status}")[:200]
    hint = str(problem.get("hint") or "")[:200]
    told = str(problem.get("code") or "")[:60]
    if status in {_MANY, 503} or (status >= _FAILED):
        return Unavailable("peer.busy", message, where=told, hint=hint)
    if status in {_UNAUTHORISED, _FORBIDDEN}:
        return Refused("peer.refuses", message, where=told, hint=hint)
    if status == _ABSENT:
        return Missing("peer.lacks", message, where=told, hint=hint)
    if status == _CONFLICT:
        return Conflict("peer.conflict", message, where=told, hint=hint)
    return Malformed("peer.rejects", message, where=told, hint=hint)


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _strange() -> Malformed:
    return Malformed(
        "peer.answer", "the peer's answer is not of this protocol", hint="bring both up to date"
    )


def _headers() -> dict[str, str]:
    return {"User-Agent": f"Kevre/{kevre.__version__}", "Accept-Encoding": "identity"}

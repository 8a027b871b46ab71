"""Asks a node over HTTPS as the protocol has it, and as it must not be asked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from kevre.federate import signature
from kevre.federate.client import Client, describe
from kevre.federate.conformance.check import Broken, NotTried, hold
from kevre.federate.description import Description
from kevre.federate.frame import Frame
from kevre.federate.identity import Identity
from kevre.formats.problem import MEDIA_TYPE

_TIMEOUT_S = 20.0
_BAD = 400
_REFUSED = frozenset({401, 403})
_MOST_FRAMES = 2_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a node answered to one request."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def document(self) -> dict[str, Any]:
        """Read the body as a JSON object."""
        try:
            found = json.loads(self.content)
        except ValueError as error:
            raise Broken(f"{self.status} without JSON: {self.content[:80]!r}") from error
        hold(that=isinstance(found, dict), found=f"no JSON object: {self.content[:80]!r}")
        return dict(found)


@dataclass(frozen=True, slots=True)
class Node:
    """The node that is held to the protocol, and who asks.

    Attributes:
        own: an identity that the node trusts.
        selector: what is subscribed to; it should name little, and something.
    """

    described: Description
    own: Identity
    selector: str
    client: Client
    http: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=_TIMEOUT_S))

    @classmethod
    def at(cls, url: str, own: Identity, selector: str = "") -> Node:
        """Meet a node; without a selector the first series is taken that may be read."""
        described = describe(url)
        client = Client(described.base_url, own)
        if not selector:
            readable = client.ask("GET", "series").get("series") or [{}]
            selector = str(readable[0].get("urn", ""))
        return cls(described, own, selector, client)

    def close(self) -> None:
        """Hang up."""
        self.client.close()
        self.http.close()

    def plain(self, method: str, path: str) -> Answer:
        """Ask without a signature; the path is absolute."""
        return self._send(method, f"{self.described.base_url}{path}", {}, b"")

    def signed(self, method: str, path: str, body: bytes = b"", **how: Any) -> Answer:
        """Ask with a signature; `how` says what is wrong with it, see `message`."""
        request = self.message(method, path, body, **how)
        return self._send(method, request.url, request.headers, request.body)

    def message(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        by: Identity | None = None,
        age_s: int = 0,
    ) -> signature.Message:
        """Sign a request by another identity, or at another time."""
        url = f"{self.described.base_url}/federation/v1/{path}"
        made = signature.Message(method, url, {}, body)
        signature.sign(made, by or self.own, now_s=int(time.time()) - age_s)
        return made

    def send(self, message: signature.Message) -> Answer:
        """Send a request as it stands."""
        return self._send(message.method, message.url, message.headers, message.body)

    def last(self, handle: str) -> int:
        """Give the highest number that a subscription has given out."""
        listed = self.client.ask("GET", "subscriptions")["subscriptions"]
        return max((int(one["last"]) for one in listed if one["handle"] == handle), default=0)

    def subscribed(self) -> dict[str, Any]:
        """Give the subscription to the selector, made if there is none."""
        if not self.selector:
            raise NotTried("the node lets us read no series")
        return self.client.ask("POST", "subscriptions", {"selector": self.selector})

    def frames(
        self, handle: str, after: int, *, enough: Callable[[list[Frame]], bool]
    ) -> list[Frame]:
        """Give the frames of a feed until it is enough, or to the first sign of life."""
        found: list[Frame] = []
        frames = self.client.frames(handle, after)
        for one, _ in frames:
            found.append(one)
            is_sign_of_life = not (len(one) or one.refused or one.erased or one.told)
            if is_sign_of_life or enough(found) or len(found) >= _MOST_FRAMES:
                break
        frames.close()
        return found

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            given = self.http.request(method, url, headers=dict(headers), content=body or None)
        except httpx2.HTTPError as error:
            raise Broken(f"no answer: {type(error).__name__}") from error
        return Answer(given.status_code, given.headers, given.content)


def is_refused(answer: Answer) -> None:
    """Hold that a request was refused, with a problem document."""
    hold(that=answer.status in _REFUSED, found=f"answered {answer.status}, not 401 or 403")
    is_problem(answer)


def is_problem(answer: Answer) -> None:
    """Hold that an answer tells an error as RFC 9457 has it."""
    hold(that=answer.status >= _BAD, found=f"answered {answer.status}, which is no error")
    kind = answer.headers.get("Content-Type", "")
    hold(that=kind.startswith(MEDIA_TYPE), found=f"{answer.status} comes as {kind!r}")
    document = answer.document()
    lacking = [name for name in ("title", "status", "code") if not document.get(name)]
    hold(that=not lacking, found=f"the problem document lacks {lacking}")
    hold(that=document["status"] == answer.status, found="the document tells another status")

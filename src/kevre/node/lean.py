"""Answers to collectors without the headers that only browsers read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kevre.formats import word

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_KEPT = frozenset({b"content-length", b"retry-after", word.ECHO.encode()})


def lean(application: Application) -> Application:
    """Wrap an application: at the collectors' address only what they need is answered.

    A page's security headers are four hundred bytes, more than a collector's readings of ten
    minutes.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != word.PATH:
            await application(scope, receive, send)
            return

        async def thrifty(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [one for one in message["headers"] if one[0].lower() in _KEPT]
                if message["status"] == 204:  # noqa: PLR2004
                    kept = [one for one in kept if one[0].lower() != b"content-length"]
                message = {**message, "headers": kept}
            await send(message)

        await application(scope, receive, thrifty)

    return wrapped

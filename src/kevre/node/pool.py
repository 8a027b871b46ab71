"""Threads that stay, for the small requests of devices and programs.

Django gives each request a thread of its own, and a thread a connection to the registry of its
own: for a post of one reading that costs more than keeping it. These requests share some
threads whose connections stay open; so many at a time are answered, and the readings of those
that come together are committed together. Whatever is long, or sends slowly, is answered as
before: it would keep a thread from the others.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import ThreadSensitiveContext
from django.db import connections

from kevre.formats import word
from kevre.node.lean import Application, Message, Receive, Scope, Send

THREADS = 8
# Where small requests are sent; a larger body is answered in a thread of its own.
PATHS = (word.PATH, "/api/v1/readings", "/input/", "/write", "/api/v2/write")
MOST_BYTES = 1_000_000
_KEPT_S = 600


def pooled(application: Application, *, threads: int = THREADS) -> Application:
    """Wrap an application: small requests are answered in threads that stay."""
    free: asyncio.Queue[ThreadPoolExecutor] = asyncio.Queue()
    for _ in range(threads):
        free.put_nowait(ThreadPoolExecutor(max_workers=1, initializer=_keep_connection))

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_small(scope):
            await application(scope, receive, send)
            return
        whole = await _read(receive)
        thread = await free.get()
        try:
            async with ThreadSensitiveContext(executor=thread):
                await application(scope, _replay(whole, receive), send)
        finally:
            free.put_nowait(thread)

    return wrapped


def _is_small(scope: Scope) -> bool:
    if scope["type"] != "http" or not str(scope["path"]).startswith(PATHS):
        return False
    length = dict(scope["headers"]).get(b"content-length", b"")
    if scope["method"] == "POST":
        return bool(length.isdigit()) and int(length) <= MOST_BYTES
    return not length or length == b"0"


async def _read(receive: Receive) -> list[Message]:
    """Read the body before a thread is taken: it comes as slowly as the sender's line is."""
    whole: list[Message] = []
    while True:
        message = await receive()
        whole.append(message)
        if message["type"] != "http.request" or not message.get("more_body"):
            return whole


def _replay(whole: list[Message], receive: Receive) -> Receive:
    waiting = iter(whole)

    async def replayed() -> Message:
        for message in waiting:
            return message
        return await receive()

    return replayed


def _keep_connection() -> None:
    """Let this thread's connection to the registry stay open from one request to the next."""
    link = connections["default"]
    link.settings_dict = {**link.settings_dict, "CONN_MAX_AGE": _KEPT_S}

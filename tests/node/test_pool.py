"""Threads that stay: small requests share them, slow and large ones do not hold them up."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async

from kevre.node.pool import MOST_BYTES, pooled


def scope(path="/api/v1/readings", method="POST", length=3):
    headers = [(b"content-length", str(length).encode())] if length is not None else []
    return {"type": "http", "path": path, "method": method, "headers": headers}


def body(*parts, pause=None):
    waiting = list(parts)

    async def receive():
        if pause is not None:
            await pause.wait()
        part = waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(waiting)}

    return receive


class Application:
    """Reads its body, notes its thread, and waits until it may go on."""

    def __init__(self, meet=1):
        self.threads, self.bodies = [], []
        self.barrier = threading.Barrier(meet)

    async def __call__(self, scope, receive, send):
        content, more = b"", True
        while more:
            message = await receive()
            content, more = content + message["body"], message["more_body"]
        self.bodies.append(content)
        await sync_to_async(self.work)()

    def work(self):
        self.threads.append(threading.current_thread().name)
        self.barrier.wait(5)


async def nothing(_):
    pass


def test_requests_share_threads_and_their_bodies_come_whole():
    application = Application()
    served = pooled(application, threads=2)

    async def run():
        for _ in range(6):
            await served(scope(), body(b"a", b"bc"), nothing)

    asyncio.run(run())

    assert application.bodies == [b"abc"] * 6
    assert len(set(application.threads)) <= 2


def test_as_many_are_answered_at_once_as_there_are_threads():
    application = Application(meet=3)
    served = pooled(application, threads=3)

    async def run():
        await asyncio.gather(*(served(scope(), body(b"abc"), nothing) for _ in range(3)))

    asyncio.run(run())

    assert len(set(application.threads)) == 3


def test_a_sender_on_a_slow_line_holds_no_thread():
    application = Application()
    served = pooled(application, threads=1)

    async def run():
        pause = asyncio.Event()
        slow = asyncio.create_task(served(scope(), body(b"abc", pause=pause), nothing))
        await asyncio.sleep(0)
        await asyncio.wait_for(served(scope(), body(b"abc"), nothing), 5)
        pause.set()
        await slow

    asyncio.run(run())

    assert len(application.threads) == 2


@pytest.mark.parametrize(
    "given",
    [
        scope(length=MOST_BYTES + 1),
        scope(length=None),
        scope(path="/fr/"),
        scope(path="/live/site/school/", method="GET", length=None),
    ],
)
def test_what_is_large_or_long_has_a_thread_of_its_own(given):
    application = Application(meet=2)
    served = pooled(application, threads=1)

    async def run():
        # Two at once, of which the pool alone could answer one.
        await asyncio.gather(
            served(given, body(b"abc"), nothing), served(scope(), body(b"abc"), nothing)
        )

    asyncio.run(run())

    assert len(set(application.threads)) == 2

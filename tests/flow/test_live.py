import asyncio
import threading

import pytest

from kevre.flow import live
from kevre.flow.live import Hub
from kevre.model.errors import Unavailable


def test_an_event_of_another_series_is_not_heard():
    async def run():
        hub = Hub(heartbeat_s=0.05)
        async with hub.listen(frozenset({1})) as events:
            hub.publish(2, 0, 5.0)
            return await anext(events)

    assert asyncio.run(run()) is None


def test_a_slow_listener_keeps_the_newest_events():
    async def run():
        hub = Hub()
        async with hub.listen(frozenset({1})) as events:
            for start_s in range(1_000):
                hub.publish(1, start_s, 0.0)
            await asyncio.sleep(0)
            heard = [await anext(events)]
            while heard[-1].start_s < 999:
                heard.append(await anext(events))
            return heard

    heard = asyncio.run(run())

    assert len(heard) < 100
    assert heard[-1].start_s == 999


def test_events_come_from_any_thread():
    async def run():
        hub = Hub()
        async with hub.listen(frozenset({1})) as events:
            threading.Thread(target=hub.publish, args=(1, 42, 1.5)).start()
            return await asyncio.wait_for(anext(events), 5)

    assert asyncio.run(run()).start_s == 42


def test_too_many_listeners_are_asked_to_wait():
    async def run():
        hub = Hub()
        async with contexts(hub, live.MOST_LISTENERS):
            with pytest.raises(Unavailable):
                async with hub.listen(frozenset({1})):
                    pass
        async with hub.listen(frozenset({1})):
            return True

    assert asyncio.run(run())


def contexts(hub, count):
    from contextlib import AsyncExitStack

    class Many(AsyncExitStack):
        async def __aenter__(self):
            await super().__aenter__()
            for _ in range(count):
                await self.enter_async_context(hub.listen(frozenset({1})))
            return self

    return Many()

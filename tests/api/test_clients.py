"""Real clients of other software against a real node: they change address and key only."""

import asyncio
import sys
import time

import pytest
from influxdb_client import InfluxDBClient, Point, WriteOptions
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from pyemoncms import EmoncmsClient
from tests.served import KEVRE, ServedNode

POINT = "urn:dev:prm:09876543210123"
_KEY = f"""
import django
django.setup()
from kevre.rights import key as keys
from kevre.places.models import MeteringPoint
points = list(MeteringPoint.objects.filter(urn="{POINT}"))
print(keys.issue("maker", points, is_short=True, prefixes=list(keys.MAKER))[1])
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    served = ServedNode(tmp_path_factory.mktemp("node"))
    served.init(POINT)
    with served:
        yield served


@pytest.fixture
def secret(node):
    return node.run(sys.executable, "-c", _KEY).strip()


def test_the_client_of_home_assistant_sends_and_sees_its_feed(node, secret):
    async def talk():
        async with EmoncmsClient(f"http://127.0.0.1:{node.port}", secret) as client:
            assert await client.async_input_post({"grid": 612.5, "t": None}, node="ha")
            assert len(await client.async_get_uuid()) == 36
            assert await client.async_list_feeds() == []
            await asyncio.to_thread(accept, node, "ha/grid")
            return await client.async_list_feeds()

    feeds = asyncio.run(talk())
    assert [(feed["tag"], feed["name"], feed["unit"]) for feed in feeds] == [("ha", "grid", "W")]


def test_the_client_of_home_assistant_is_told_that_its_key_is_wrong(node):
    async def talk():
        async with EmoncmsClient(f"http://127.0.0.1:{node.port}", "0" * 32) as client:
            await client.async_input_post({"grid": 1}, node="ha")

    with pytest.raises(RuntimeError, match="401"):
        asyncio.run(talk())


def accept(node, name):
    """Accept what is proposed, and wait until it is open."""
    line = next(one for one in tray(node) if name in one)
    node.run(KEVRE, "tray", "accept", line.split()[0])
    until = time.monotonic() + 30
    while not any(name in one and "  open  " in one for one in tray(node)):
        assert time.monotonic() < until, tray(node)
        time.sleep(0.3)


def tray(node):
    return node.run(KEVRE, "tray", "list").splitlines()


def test_the_client_of_influxdb_writes_at_once_and_in_batches(node, secret):
    at_s = int(time.time()) - 1_000
    with InfluxDBClient(
        f"http://127.0.0.1:{node.port}", secret, org="o", enable_gzip=True
    ) as client:
        assert client.ping()
        points = [
            Point("W").tag("entity_id", "heat_pump").field("value", 1_000.5 + n).time(at_s + n, "s")
            for n in range(300)
        ]
        client.write_api(write_options=SYNCHRONOUS).write("b", record=points[:100])
        with client.write_api(WriteOptions(batch_size=50)) as batching:
            batching.write("b", record=points[100:])

    listed = next(one for one in tray(node) if "heat_pump" in one)
    assert "  300 wait, " in listed
    assert "consumption/power/active/instant/heat-pump [W]?" in listed


def test_the_client_of_influxdb_is_told_of_lines_that_were_not_kept(node, secret):
    with InfluxDBClient(f"http://127.0.0.1:{node.port}", secret, org="o") as client:
        writing = client.write_api(write_options=SYNCHRONOUS)
        with pytest.raises(ApiException, match="dropped=1"):
            writing.write("b", record="kept good=1\nnot good")
    assert any("kept/good" in one for one in tray(node))

"""A real node on a real Prosody, asked from another domain across mutually authenticated TLS."""

import asyncio
import time

import pytest
from slixmpp.exceptions import IqError, IqTimeout
from tests.federate import nodes, prosody
from tests.federate.client import Program, records, told
from tests.federate.nodes import NEW_YEAR_S, POINT, POWER, Node

DAY = {"start_time": "2026-01-01T01:00:00+01:00", "end_time": "2026-01-02T01:00:00+01:00"}


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("xmpp")
    authority = prosody.Authority(folder)
    port = nodes.any_port("127.0.0.1")
    domains = {"energie.kevre": "127.0.0.1", "collective.kevre": "127.0.0.2"}
    made = [
        prosody.Prosody(folder / domain, domain, address, authority, port)
        for domain, address in domains.items()
    ]
    names = prosody.names(made, port)
    made[0].register("meters")
    made[1].register("app")
    made[1].register("stranger")
    made[1].register("node")
    for one in made:
        one.start()
    yield made
    for one in made:
        one.kill()
    names.kill()
    names.wait()


def account(node, server, user):
    with (node.home / "kevre.toml").open("a") as file:
        file.write(f'xmpp_jid = "{user}@{server.domain}/proxy"\nxmpp_password = "secret"\n')
        file.write(f'xmpp_server = "{server.server}"\n')
        file.write(f'xmpp_authority = "{server.authority.path}"\n')


@pytest.fixture(scope="module")
def lender(servers, tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("lender"), "Lender").init()
    node.key = nodes.furnish(node)
    account(node, servers[0], "meters")
    node.run("xmpp", "allow", "app@collective.kevre", "Collective")
    node.run("xmpp", "allow", "node@collective.kevre", "Collective")
    node.python("""
from datetime import datetime, UTC
from kevre.federate.models import Contact
from kevre.places.models import Site
from kevre.rights.models import Grant
Grant.objects.create(
    audience="party", party=Contact.objects.first().party, site=Site.objects.get(),
    finest="raw", purpose="federation", valid_since=datetime(2020, 1, 1, tzinfo=UTC), proof="test",
    readings_until=datetime(2027, 1, 1, tzinfo=UTC))
""")
    node.serve()
    nodes.post(node, node.key, nodes.half_hours(48 * 120))
    yield node
    node.kill()


SERVICE = "meters@energie.kevre/proxy"


@pytest.fixture
def ask(servers, lender):
    """Run a dialogue of a program with the service."""

    def run(dialogue, user="app"):
        async def whole():
            jid = f"{user}@collective.kevre/test"
            program = Program(jid, servers[1].server, servers[1].authority.path)
            async with program:
                await _present(program)
                return await dialogue(program)

        return asyncio.run(whole())

    return run


async def _present(program):
    """Wait until the service is there: its session may be young."""
    until = time.monotonic() + 60
    while True:
        try:
            return await program.plugin["xep_0050"].get_commands(jid=SERVICE, timeout=5)
        except (IqError, IqTimeout):
            assert time.monotonic() < until
            await asyncio.sleep(0.5)


def test_direct_and_interactive_clients_get_the_same_answer(ask):
    async def dialogue(program):
        direct = await program.direct(SERVICE, "get_history", identifier=POWER, **DAY)
        interactive = await program.interactive(SERVICE, "get_history", identifier=POWER, **DAY)
        return direct, interactive

    direct, interactive = ask(dialogue)

    assert direct["command"]["status"] == interactive["command"]["status"] == "completed"
    assert records(direct.xml) == records(interactive.xml)
    assert len(records(direct.xml)) == 48
    assert records(direct.xml)[0] == (POWER, float(NEW_YEAR_S), 100.0)


def test_the_commands_can_be_discovered(ask):
    async def dialogue(program):
        found = await program.plugin["xep_0050"].get_commands(jid=SERVICE)
        return {item[1] for item in found["disco_items"]["items"]}

    assert {"get_history", "subscribe", "unsubscribe", "list_series", "get_load_curve"} <= ask(
        dialogue
    )


def test_version_1_is_answered_from_the_same_readings(ask):
    async def dialogue(program):
        return await program.direct(
            SERVICE,
            "get_load_curve",
            usage_point_id=POINT[-14:],
            start_date="2026-01-01",
            end_date="2026-01-02",
        )

    found = records(ask(dialogue).xml)

    assert found[0] == (f"{POINT}_consumption_load", float(NEW_YEAR_S), 100.0)
    assert len(found) == 46


def refused(ask, node, user="app", **fields):
    async def dialogue(program):
        try:
            await program.direct(SERVICE, node, **fields)
        except IqError as error:
            return error.iq["error"]["condition"], error.iq["error"]["type"]
        return None

    return ask(dialogue, user)


@pytest.mark.parametrize(
    ("node", "fields", "expected"),
    [
        ("get_history", {"identifier": "nonsense"}, ("bad-request", "modify")),
        ("get_history", {"identifier": "urn:dev:prm:123_consumption/power/active/raw"}, ("bad-request", "modify")),
        ("get_history", {"identifier": POWER, "start_time": "soon"}, ("bad-request", "modify")),
        ("get_history", {"identifier": POWER, "start_time": "2026-01-01T00:00:00", "end_time": DAY["end_time"]}, ("bad-request", "modify")),
        ("get_history", {"identifier": POWER, "start_time": DAY["start_time"], "end_time": "2026-05-01T00:00:00+02:00"}, ("bad-request", "modify")),
        ("get_history", {"identifier": POWER.replace("123_", "124_")}, ("not-authorized", "auth")),
        ("subscribe", {"identifier": POWER.replace("123_", "124_")}, ("not-authorized", "auth")),
        ("get_daily", {"usage_point_id": "12"}, ("bad-request", "modify")),
        ("no_such_command", {}, ("item-not-found", "cancel")),
    ],
)  # fmt: skip
def test_every_refusal_has_its_condition(ask, node, fields, expected):
    assert refused(ask, node, **fields) == expected


def test_a_stranger_is_told_nothing(ask):
    expected = ("not-authorized", "auth")

    assert refused(ask, "get_history", "stranger", identifier=POWER, **DAY) == expected
    assert refused(ask, "list_series", "stranger") == expected


def test_a_long_history_comes_in_pages(ask):
    async def dialogue(program):
        start, found = "2026-01-01T01:00:00+01:00", []
        while start:
            answer = await program.direct(
                SERVICE,
                "get_history",
                identifier=POWER,
                start_time=start,
                end_time="2026-05-01T00:00:00+00:00",
                max_records="2000",
            )
            found += records(answer.xml)
            [start] = told(answer.xml, "next_start_time") or [None]
        return found

    found = ask(dialogue)

    assert len(found) == 48 * 120
    assert [at for _, at, _ in found] == sorted({at for _, at, _ in found})


def test_without_times_yesterday_is_meant(ask):
    async def dialogue(program):
        return await program.direct(SERVICE, "get_history", identifier=POWER)

    assert ask(dialogue)["command"]["status"] == "completed"


def test_a_subscriber_hears_history_then_news_on_its_bare_address(ask, lender):
    async def heard(program, count):
        found = []
        while len(found) < count:
            found += records(await asyncio.wait_for(program.pushed.get(), 60))
        return found

    async def dialogue(program):
        await program.direct(SERVICE, "subscribe", identifier=POINT)
        await program.direct(SERVICE, "subscribe", identifier=POINT)
        listed = await program.direct(SERVICE, "list_subscriptions")
        history = await heard(program, 48 * 120)
        news = nodes.half_hours(1, NEW_YEAR_S + 86_400 * 120, first=7)
        await asyncio.to_thread(nodes.post, lender, lender.key, news)
        later = await heard(program, 1)
        await program.direct(SERVICE, "unsubscribe", identifier=POINT)
        ended = await program.direct(SERVICE, "list_subscriptions")
        return listed, history, later, ended

    listed, history, later, ended = ask(dialogue)

    assert told(listed.xml, "identifiers") == [POINT]
    assert len({at for _, at, _ in history}) == 48 * 120
    assert (POWER, float(NEW_YEAR_S + 86_400 * 120), 7.0) in later
    assert told(ended.xml, "identifiers") == []


def test_a_service_that_is_away_comes_back_when_its_server_does(ask, servers):
    servers[0].kill()
    time.sleep(1)
    servers[0].start()

    async def dialogue(program):
        return await program.direct(SERVICE, "get_history", identifier=POWER, **DAY)

    assert len(records(ask(dialogue).xml)) == 48


def test_a_node_asks_another_service_and_keeps_what_it_gives(servers, lender, tmp_path):
    node = Node(tmp_path, "Asker").init()
    node.run("user", "operator@example.org", "--operator")
    account(node, servers[1], "node")
    node.run("xmpp", "allow", "meters@energie.kevre", "Energie", "--takes")
    fields = [f"{name}={value}" for name, value in {"identifier": POWER, **DAY}.items()]

    kept = node.run("xmpp", "ask", SERVICE, "get_history", *fields, "--keep").stdout
    refusal = node.run("xmpp", "ask", SERVICE, "get_history", "identifier=x", check=False)

    assert "48 readings kept" in kept
    assert node.series()[POWER][0] == 48
    assert refusal.returncode == 2


def test_our_own_service_conforms(servers, lender, ask, tmp_path):
    async def present(program):
        return True

    ask(present)  # the service is there
    judge = Node(tmp_path / "judge", "Judge").init()
    account(judge, servers[1], "node")

    done = judge.run("conformance", SERVICE)

    signs = [line[0] for line in done.stdout.splitlines() if line[0] in "✓✗·"]
    assert signs == ["✓"] * 8, done.stdout


def test_a_service_that_lets_us_in_no_more_does_not_conform(servers, lender, ask, tmp_path):
    judge = Node(tmp_path / "judge", "Judge").init()
    account(judge, servers[1], "stranger")

    done = judge.run("conformance", SERVICE, "--series", POWER, check=False)

    assert done.returncode == 5
    assert "✗ Quoalise: Readings: readings stand beside the form" in done.stdout

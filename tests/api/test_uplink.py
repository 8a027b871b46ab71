"""The entrance of collectors: readings, tickets, configuration, live, and pairing codes."""

import asyncio
import json
import threading
from array import array
from datetime import UTC, datetime, timedelta

import cbor2
import pytest
from tests import registry

from kevre.flow import invite
from kevre.flow.collector import Collector
from kevre.flow.invite import Failure
from kevre.formats import tight, word
from kevre.model.batch import Column
from kevre.model.errors import Refused, Unavailable
from kevre.model.identifier import kind_of
from kevre.rights import key as keys
from kevre.rights.models import Key

POINT = "urn:dev:prm:09876543210123"
PATH = "consumption/power/active/instant"


def column(values=(5, 6, 7), point=POINT, start_s=None):
    start_s = start_s or int(datetime.now(UTC).timestamp()) - 600
    count = len(values)
    return Column(
        f"{point}_{PATH}",
        kind_of(PATH),
        0,
        array("q", range(start_s, start_s + count)),
        array("i", [0] * count),
        array("q", values),
        array("B", [0] * count),
    )


def up(client, credential, columns=(), meta=None):
    body, check = word.sealed(credential, tight.encode(meta, columns))
    answer = client.post(word.PATH, body, content_type="application/octet-stream")
    return answer, check


@pytest.fixture
def reported(client, secret):
    """A collector that has told its state already, and its ticket."""
    answer, _ = up(client, word.of_key(secret), meta=[0, 0, {"version": "1"}])
    return Collector.objects.get(), cbor2.loads(answer.content)[word.TICKET]


def test_readings_are_on_disk_when_the_answer_comes_and_it_says_little(client, way, reported):
    collector, ticket = reported
    answer, check = up(client, word.of_ticket(ticket), [column()], [3, 0, None])

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer[word.ECHO] == f"{check:08x}"
    again, _ = up(client, word.of_ticket(ticket), [column()], [3, 0, None])
    assert again.status_code == 204
    collector.refresh_from_db()
    assert collector.state["waiting"] == 0
    assert collector.heard_at is not None


def test_a_ticket_ends_with_its_key(client, reported):
    collector, ticket = reported
    Key.objects.update(revoked_at=datetime.now(UTC))

    answer, _ = up(client, word.of_ticket(ticket), [column()])

    assert answer.status_code == 401
    assert collector.key is not None


def test_a_ticket_ends_after_its_time(client, reported):
    _, ticket = reported
    Collector.objects.update(ticket_at=datetime.now(UTC) - timedelta(hours=49))

    assert up(client, word.of_ticket(ticket))[0].status_code == 401


def test_an_unknown_key_writes_nothing(client, way, db):
    answer, _ = up(client, word.of_key("kvw_0123456789ab_" + "A" * 43), [column()])

    assert answer.status_code == 401
    assert not Collector.objects.exists()


def test_a_point_of_somebody_else_is_quarantined_and_told(client, reported):
    _, ticket = reported
    answer, _ = up(client, word.of_ticket(ticket), [column(point="urn:dev:prm:09876543210999")])

    told = cbor2.loads(answer.content)
    assert told == {word.QUARANTINED: 1, word.CODES: ["series.not_yours"]}


def test_what_was_damaged_on_its_way_is_asked_for_again(client, secret):
    body, _ = word.sealed(word.of_key(secret), tight.encode(None, [column()]))
    answer = client.post(word.PATH, body[:-1] + b"?", content_type="application/octet-stream")

    assert answer.status_code == 503
    assert word.ECHO not in answer


def test_another_configuration_comes_until_it_is_known(client, reported):
    collector, ticket = reported
    collector.configure("every_s = 30\n")

    told = [
        cbor2.loads(answer.content or b"\xa0")
        for version in (0, 1)
        for answer, _ in [up(client, word.of_ticket(ticket), meta=[0, version, None])]
    ]

    assert told == [{word.CONFIGURATION: [1, "every_s = 30\n"]}, {}]


def test_while_somebody_looks_the_collector_is_asked_to_hurry(client, way, reported):
    _, ticket = reported
    up(client, word.of_ticket(ticket), [column()])
    pk = Collector.objects.get().key.points.get().series.get(urn__endswith=PATH).pk

    is_looking, may_leave = threading.Event(), threading.Event()

    async def look():
        async with way.hub.listen(frozenset({pk})):
            is_looking.set()
            await asyncio.to_thread(may_leave.wait, 10)

    page = threading.Thread(target=lambda: asyncio.run(look()))
    page.start()
    assert is_looking.wait(10)
    answer, _ = up(client, word.of_ticket(ticket))
    may_leave.set()
    page.join()

    assert cbor2.loads(answer.content)[word.LIVE_S] > 0


def test_what_a_collector_says_of_itself_is_kept_in_bounds(client, secret):
    state = {
        "version": "9" * 5_000,
        "clock": 7,
        "waiting": -3,
        "bytes": 12,
        "devices": [["a", "linky", "failing", "x" * 900], ["torn"]],
        "evil": "<script>",
    }
    up(client, word.of_key(secret), meta=[10**30, 0, state])

    kept = Collector.objects.get().state
    assert len(kept["version"]) == 300
    assert kept["devices"] == [["a", "linky", "failing", "x" * 300]]
    assert (kept["bytes"], kept["waiting"]) == (12, 2**31)
    assert "evil" not in kept
    assert "clock" not in kept


def paired(client, code):
    return client.post(word.PAIR_PATH, json.dumps({"code": code}), content_type="application/json")


@pytest.fixture
def invited(school):
    collector = Collector.objects.create(name="pi-school")
    collector.points.set([registry.series(school).point])
    return collector, invite.invite(collector, datetime.now(UTC))


def test_a_code_gives_a_key_once(client, way, invited):
    _, code = invited
    told = paired(client, code.lower().replace("-", " ")).json()

    assert told["name"] == "pi-school"
    assert up(client, word.of_key(told["key"]), [column()])[0].status_code == 200
    again = paired(client, code)
    assert again.status_code == 403
    assert code not in str(again.content)


def test_a_code_ends_after_an_hour_and_when_another_is_made(client, invited):
    collector, first = invited
    second = invite.invite(collector, datetime.now(UTC))

    assert paired(client, first).status_code == 403
    with pytest.raises(Refused):
        invite.claim(second, datetime.now(UTC) + timedelta(minutes=61))


def test_pairing_anew_ends_the_former_key(client, way, invited):
    collector, code = invited
    first = paired(client, code).json()["key"]
    second = paired(client, invite.invite(collector, datetime.now(UTC))).json()["key"]

    assert up(client, word.of_key(first), [column()])[0].status_code == 401
    assert up(client, word.of_key(second), [column()])[0].status_code == 200
    assert Collector.objects.count() == 1


def test_after_too_many_wrong_codes_none_is_looked_at_for_a_while(client, invited):
    _, code = invited
    now = datetime.now(UTC)
    for _ in range(20):
        assert paired(client, "AAAA-BBBB").status_code == 403
    answer = paired(client, code)
    assert (answer.status_code, int(answer["Retry-After"])) == (503, 600)
    with pytest.raises(Unavailable):
        invite.claim(code, now)

    assert invite.claim(code, now + timedelta(minutes=11))[1].startswith("kvw_")
    assert Failure.objects.count() == 0


def test_only_a_digest_of_a_code_is_stored(invited):
    collector, code = invited
    stored = collector.invites.get()

    assert code not in str(vars(stored))
    assert code.replace("-", "") not in str(vars(stored))


def test_a_rotated_key_keeps_its_collector_and_the_old_one_ends_with_its_ticket(client, reported):
    collector, ticket = reported
    old = collector.key
    soon = datetime.now(UTC) + timedelta(minutes=1)
    new, secret = keys.rotate(old, soon)

    answer, _ = up(client, word.of_ticket(ticket), [column()])
    assert answer.status_code == 204  # no gap: the old one is good until then
    answer, _ = up(client, word.of_key(secret), [column()])
    assert answer.status_code == 200

    same = Collector.objects.get()
    assert (same.pk, same.key) == (collector.pk, new)
    assert same.state["version"] == "1"


def test_a_ticket_ends_when_the_time_of_its_key_does(client, reported):
    collector, ticket = reported
    keys.rotate(collector.key, datetime.now(UTC) - timedelta(seconds=1))

    answer, _ = up(client, word.of_ticket(ticket), [column()])

    assert answer.status_code == 401


def test_a_collector_that_sends_too_often_is_told_to_wait(client, reported):
    collector, ticket = reported
    Key.objects.filter(pk=collector.key_id).update(per_minute=2)

    answers = [up(client, word.of_ticket(ticket), [column()])[0] for _ in range(4)]

    assert [one.status_code for one in answers].count(503) >= 1
    assert int(answers[-1]["Retry-After"]) <= 60

"""The table of docs/developers/gate.md, cell by cell: one case at every entrance."""

import json
import time
from array import array
from datetime import UTC, datetime

import cbor2
import pytest
from tests import registry
from tests.formats import prometheus

from kevre.flow import input as inputs
from kevre.flow import tray
from kevre.flow.models import Input, Quarantined, Waiting
from kevre.formats import tight, word
from kevre.formats.message import Message
from kevre.model import exact, identifier
from kevre.model.batch import Column
from kevre.model.quality import Quality
from kevre.model.step import Resolution
from kevre.model.window import Window
from kevre.node import broker
from kevre.places.models import Series
from kevre.rights import key as keys
from kevre.rights.gate import Reader
from kevre.rights.key import MAKER
from kevre.rights.models import Account

POINT = "urn:dev:prm:09876543210123"
POWER = "consumption/power/active/instant"
NOW_S = int(time.time()) - 1_000


class Entrance:
    """One way in. `send` gives whether the sender is told that all is well."""

    is_named = False  # by the sender's own names

    def __init__(self, way, client, key, secret):
        self.way, self.client, self.key, self.secret = way, client, key, secret


class Senml(Entrance):
    def send(self, *rows, path=POWER, unit="W", point=POINT):
        records = [
            {"n": f"{point}_{path}", "u": unit, "t": at_s}
            | ({"q": int(Quality.MISSING)} if value is None else {"v": float(value)})
            for at_s, value in rows
        ]
        return self.raw(json.dumps(records))

    def raw(self, text):
        answer = self.client.post(
            "/api/v1/readings", text, content_type="application/senml+json",
            headers={"Authorization": f"Bearer {self.secret}"},
        )  # fmt: skip
        return answer.status_code == 200 and not answer.json()["faults"]

    def bad_beside_good(self):
        good = {"n": f"{POINT}_{POWER}", "u": "W", "t": NOW_S, "v": 5}
        self.raw(json.dumps([good, {"n": "nothing", "t": NOW_S, "v": 1}]))


class Up(Entrance):
    def send(self, *rows, path=POWER, unit="W", point=POINT):
        values = [exact.parse(str(value)) if value is not None else (0, 0) for _, value in rows]
        exponent = min(one[1] for one in values)
        column = Column(
            f"{point}_{path}", identifier.kind_of(path), exponent,
            array("q", [at_s for at_s, _ in rows]), array("i", [0] * len(rows)),
            array("q", [exact.align(*one, exponent) for one in values]),
            array("B", [Quality.MISSING if value is None else 0 for _, value in rows]),
        )  # fmt: skip
        body, _ = word.sealed(word.of_key(self.secret), tight.encode(None, [column]))
        answer = self.client.post(word.PATH, body, content_type="application/octet-stream")
        told = cbor2.loads(answer.content) if answer.content else {}
        return answer.status_code < 300 and word.QUARANTINED not in told


class Named(Entrance):
    is_named = True
    name = "p"


class EmoncmsPost(Named):
    def send(self, *rows, name="p"):
        told = [self.one(at_s, value, name) for at_s, value in rows]
        return all(told)

    def one(self, at_s, value, name):
        text = json.dumps({name: None if value is None else float(value)})
        return self.raw({"fulljson": text, "time": str(at_s), "node": "n"})

    def raw(self, form):
        answer = self.client.post("/input/post", form | {"apikey": self.secret})
        return answer.status_code == 200 and answer.content == b'{"success": true}'

    def bad_beside_good(self):
        assert self.raw({"fulljson": '{"p":5,"q":"bad"}', "time": str(NOW_S), "node": "n"})


class EmoncmsBulk(Named):
    def send(self, *rows, name="p"):
        return self.raw([[at_s, "n", {name: value and float(value)}] for at_s, value in rows])

    def raw(self, rows):
        form = {"apikey": self.secret, "time": "0", "data": json.dumps(rows)}
        answer = self.client.post("/input/bulk", form)
        return answer.status_code == 200 and answer.content == b"ok"

    def bad_beside_good(self):
        assert self.raw([[NOW_S, "n", {"p": 5}], [NOW_S, "n", "bad"]])


class Influx1(Named):
    url = "/write?precision=s"

    def send(self, *rows, name="p"):
        lines = [f"n {name}={value} {at_s}" for at_s, value in rows if value is not None]
        return self.raw("\n".join(lines))

    def raw(self, text):
        headers = {"Authorization": f"Token {self.secret}"}
        answer = self.client.post(self.url, text, content_type="text/plain", headers=headers)
        return answer.status_code == 204

    def bad_beside_good(self):
        assert not self.raw(f"n p=5 {NOW_S}\nbad")


class Influx2(Influx1):
    url = "/api/v2/write?precision=s&bucket=b&org=o"


class Mqtt(Named):
    def send(self, *rows, name="p"):
        self.raw(*(
            json.dumps({name: value and float(value), "time": at_s}) for at_s, value in rows
        ))  # fmt: skip
        return True

    def raw(self, *payloads):
        some = [Message("n", text.encode(), NOW_S) for text in payloads]
        broker.let_in(self.way, self.key, some, int(time.time()))

    def bad_beside_good(self):
        self.raw(json.dumps({"p": 5, "time": NOW_S}), "{bad")


class Prometheus(Named):
    def send(self, *rows, name="p"):
        samples = [
            (at_s * 1_000, float("nan") if value is None else float(value)) for at_s, value in rows
        ]
        return self.raw((name, samples))

    def raw(self, *series):
        answer = self.client.post(
            "/api/prometheus/write", prometheus.request(*series), content_type="application/x-protobuf",
            headers={"Authorization": f"Bearer {self.secret}", "Content-Encoding": "snappy"},
        )  # fmt: skip
        return answer.status_code == 204

    def bad_beside_good(self):
        at_ms = NOW_S * 1_000
        assert not self.raw(("p", [(at_ms, 5.0)]), ("q", [(at_ms, float("inf"))]))


ALL = (Senml, Up, EmoncmsPost, EmoncmsBulk, Influx1, Influx2, Mqtt, Prometheus)
NAMED = tuple(one for one in ALL if one.is_named)
# SenML reads such a time as none, and a collector never writes one: its word is refused whole.
_BEFORE_1990 = {Senml: ["time.out_of_range"], Up: []}
TELLING = (Senml, Up, Influx1, Influx2, Prometheus)  # those whose protocol tells what was not kept


class Noting:
    """A client that keeps what it was answered."""

    def __init__(self, client, answers):
        self.client, self.answers = client, answers

    def post(self, *given, **named):
        self.answers.append(self.client.post(*given, **named))
        return self.answers[-1]


@pytest.fixture
def enter(way, client, school):
    """An entrance whose series is known and accepted."""

    def make(kind, *, is_accepted=True):
        registry.series(school, POWER)
        point = Series.objects.get().point
        key, secret = keys.issue("maker", [point], prefixes=list(MAKER))
        made = kind(way, client, key, secret)
        if made.is_named and is_accepted:
            assert made.send((NOW_S - 5_000, 1))
            found = Input.objects.get()
            inputs.decide(found, point, POWER, "W", is_signed=False)
            tray.drain(way.gate, int(time.time()))
        return made

    return make


def stored(way, since_s=NOW_S - 4_000, until_s=NOW_S + 400_000):
    account = Account.objects.filter(is_superuser=True).first()
    account = account or Account.objects.create_superuser("operator@example.org", "x")
    curve = way.door.curve(
        Reader(account), Series.objects.get(urn=f"{POINT}_{POWER}"),
        Window.of_seconds(since_s, until_s), Resolution.RAW, purpose="test", now=datetime.now(UTC),
    )  # fmt: skip
    return [
        (at_s, None if quality == Quality.MISSING else value)
        for at_s, value, quality in zip(
            curve.start_s.tolist(), curve.values.tolist(), curve.quality.tolist(), strict=True
        )
    ]


def faults():
    return sorted(Quarantined.objects.values_list("code", flat=True))


@pytest.mark.parametrize("kind", ALL)
def test_duplicate(enter, kind):
    entrance = enter(kind)

    assert [entrance.send((NOW_S, 5)) for _ in range(3)] == [True] * 3
    assert stored(entrance.way) == [(NOW_S, 5)]
    assert faults() == []


@pytest.mark.parametrize("kind", ALL)
def test_same_instant_another_value(enter, kind):
    entrance = enter(kind)

    assert [entrance.send((NOW_S, value)) for value in (5, 6)] == [True] * 2
    assert stored(entrance.way) == [(NOW_S, 6)]
    assert faults() == []


@pytest.mark.parametrize("kind", NAMED)
def test_same_instant_twice_at_once(enter, kind):
    entrance = enter(kind)
    entrance.send((NOW_S, 5), (NOW_S, 6))

    assert stored(entrance.way) == [(NOW_S, 6)]
    # A post brings one value of an input: the two came one after the other.
    assert faults() == ([] if kind is EmoncmsPost else ["reading.contradicts"])


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("back_s", [3_700, 400 * 86_400])
def test_late(enter, kind, back_s):
    entrance = enter(kind)
    entrance.send((NOW_S, 5))

    assert entrance.send((NOW_S - back_s, 6))
    assert stored(entrance.way, NOW_S - back_s, NOW_S - back_s + 10) == [(NOW_S - back_s, 6)]
    assert faults() == []


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(("when", "told"), [("future", {}), ("past", _BEFORE_1990)])
def test_future_or_before_1990(enter, kind, when, told):
    entrance = enter(kind)
    # Not a parameter: two workers that start around a full second must see the same tests.
    at_s = NOW_S + 2 * 86_400 if when == "future" else 300_000_000

    is_well = [entrance.send((at_s, 5)), entrance.send((NOW_S, 5))]

    assert is_well == [kind not in TELLING, True]
    assert stored(entrance.way) == [(NOW_S, 5)]
    assert faults() == told.get(kind, ["reading.time"])


@pytest.mark.parametrize("kind", NAMED)
def test_future_before_anybody_decided(enter, kind):
    entrance = enter(kind, is_accepted=False)
    entrance.send((NOW_S + 2 * 86_400, 5))

    assert (Waiting.objects.count(), faults()) == (0, ["reading.time"])


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("value", [10**12, -40])
def test_out_of_range_or_negative_power(enter, kind, value):
    entrance = enter(kind)

    is_well = entrance.send((NOW_S, value), (NOW_S + 1, 7))

    assert is_well == (kind not in TELLING)
    assert stored(entrance.way) == [(NOW_S + 1, 7)]
    assert faults() == ["reading.bound"]


@pytest.mark.parametrize(
    ("unit", "kept", "codes"),
    [("kW", [(NOW_S, 5_000)], []), ("Wh", [], ["unit.mismatch"]), ("zz", [], ["unit.unknown"])],
)
def test_wrong_unit_in_senml(enter, unit, kept, codes):
    entrance = enter(Senml)

    assert entrance.send((NOW_S, 5), unit=unit) == (not codes)
    assert stored(entrance.way) == kept
    assert faults() == codes


@pytest.mark.parametrize(
    ("unit", "kept", "codes"), [("kW", [(NOW_S, 5_000)], []), ("Wh", [], ["unit.mismatch"])]
)
def test_wrong_unit_by_mqtt(enter, unit, kept, codes):
    entrance = enter(Mqtt)
    entrance.raw(json.dumps({"p": {"value": 5, "unit": unit}, "time": NOW_S}))

    assert stored(entrance.way) == kept
    assert faults() == codes


@pytest.mark.parametrize("kind", [Influx1, Influx2])
def test_another_unit_in_lines_is_another_input(enter, kind):
    entrance = enter(kind)

    assert entrance.raw(f"kW p=5 {NOW_S}")
    assert Waiting.objects.get().input.said_unit == "kW"
    assert stored(entrance.way) == []


@pytest.mark.parametrize("kind", [Senml, Up])
def test_unknown_series_under_its_identifier(enter, kind):
    entrance = enter(kind)

    assert entrance.send((NOW_S, 231), path="consumption/voltage/instant", unit="V")
    assert Series.objects.filter(urn=f"{POINT}_consumption/voltage/instant").exists()
    assert not entrance.send((NOW_S, 5), point="urn:dev:prm:09876543210999")
    assert faults() == ["series.not_yours"]


def other(one):
    """Prometheus has its name where the others have the device."""
    return "other" in {one.node, one.name}


@pytest.mark.parametrize("kind", NAMED)
def test_unknown_series_under_a_name(enter, kind):
    entrance = enter(kind)

    assert entrance.send((NOW_S, 5), name="other")
    assert other(Waiting.objects.get().input)
    tray.refuse(Waiting.objects.get().input)
    assert entrance.send((NOW_S + 1, 5), name="other")

    assert next(one for one in Input.objects.all() if other(one)).refused == 1
    assert (Waiting.objects.count(), faults()) == (0, [])


@pytest.mark.parametrize("kind", NAMED)
def test_more_names_than_a_key_may_bring(enter, kind):
    entrance = enter(kind)
    now = datetime.now(UTC)
    Input.objects.bulk_create(
        Input(lineage=entrance.key.lineage, node="x", name=str(n), first_at=now, heard_at=now)
        for n in range(inputs.MOST_UNDECIDED)
    )

    assert entrance.send((NOW_S, 5), name="other") == (kind not in TELLING)
    assert faults() == ["input.too_many"]


@pytest.mark.parametrize("kind", [Senml, Up])
def test_null_under_an_identifier_is_a_missing_reading(enter, kind):
    entrance = enter(kind)

    assert entrance.send((NOW_S, None))
    assert stored(entrance.way) == [(NOW_S, None)]


@pytest.mark.parametrize("kind", [EmoncmsPost, EmoncmsBulk, Mqtt, Prometheus])
def test_null_under_a_name_is_no_reading(enter, kind):
    entrance = enter(kind)

    assert entrance.send((NOW_S, None), (NOW_S + 1, 5))
    assert stored(entrance.way) == [(NOW_S + 1, 5)]
    assert faults() == []


@pytest.mark.parametrize("kind", [one for one in ALL if one is not Up])
def test_a_bad_line_beside_a_good_one(enter, kind):
    entrance = enter(kind)
    entrance.bad_beside_good()

    assert stored(entrance.way) == [(NOW_S, 5)]
    fault = Quarantined.objects.get()
    assert fault.line == (1 if kind is EmoncmsPost else 2)
    assert fault.message


def test_a_bad_post_in_loose_form_is_refused_whole(enter):
    entrance = enter(EmoncmsPost)

    assert not entrance.raw({"json": "{p:5,q:bad}", "time": str(NOW_S), "node": "n"})
    assert stored(entrance.way) == []


def test_a_damaged_word_of_a_collector_is_asked_for_again(enter):
    entrance = enter(Up)
    answer = entrance.client.post(word.PATH, b"damaged", content_type="application/octet-stream")

    assert answer.status_code in {422, 503}
    assert stored(entrance.way) == []


@pytest.mark.registry
@pytest.mark.parametrize("kind", NAMED)
def test_names_that_no_database_keeps_are_no_way_to_stop_an_entrance(enter, kind):
    entrance = enter(kind)
    odd = "a\x00b\ud800" if kind in {EmoncmsPost, EmoncmsBulk, Mqtt} else "a\x00b"

    entrance.send((NOW_S, 5), name=odd)

    found = Waiting.objects.get().input
    assert "\x00" not in found.node + found.name
    assert "a" in found.node + found.name


@pytest.mark.parametrize("kind", [one for one in ALL if one is not Mqtt])
def test_when_the_store_cannot_write_the_sender_is_told_to_come_back(enter, kind, client):
    entrance = enter(kind)
    answers = []
    entrance.client = Noting(client, answers)
    entrance.way.store.close()

    assert not entrance.send((NOW_S, 5))

    assert [answer.status_code for answer in answers] == [503]
    assert kind is Senml or int(answers[0]["Retry-After"]) > 0

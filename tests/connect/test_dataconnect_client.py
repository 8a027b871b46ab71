"""The client of Data Connect against the simulator, over real HTTP."""

import logging
from datetime import date
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import pytest

from kevre.connect.enedis import client, dataconnect
from kevre.connect.enedis.client import Application, Client
from kevre.connect.gathering import Hints
from kevre.model.errors import Malformed, Missing, Refused, Unavailable
from kevre.model.quality import Quality
from kevre.node.simulate.enedis import TOKEN_LASTS_S, DataConnect
from kevre.node.simulate.person import PEOPLE
from kevre.node.simulate.server import Server

TODAY = date(2026, 11, 27)
NOW_S = 1_795_000_000


class Clock:
    """Stands until it is moved."""

    def __init__(self):
        self.now_s = float(NOW_S)

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def service(clock):
    return DataConnect("http://node.example/back", clock, lambda: TODAY)


@pytest.fixture
def application(service):
    with Server(service.handle) as server:
        yield Application(server.url, server.url, service.client_id, service.client_secret)


@pytest.fixture
def talk(application):
    with Client(application) as opened:
        yield opened


class Stay(HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def agree(application, number):
    """What comes back to the node when a person has answered."""
    address = client.consent_address(application, "signed") + f"&person={number}"
    with pytest.raises(HTTPError) as sent:
        build_opener(Stay).open(address, timeout=10)
    sent.value.close()
    assert sent.value.code == 302
    return {
        name: one[0]
        for name, one in parse_qs(urlsplit(sent.value.headers["Location"]).query).items()
    }


def readings(content, direction=None):
    hints = Hints(direction=direction)
    batches = dataconnect.batches(content, hints, origin="t", key="k", source="s")
    return [one for batch in batches for column in batch.columns for one in column.readings()]


def prm(number):
    return PEOPLE[number].points[0].prm


@pytest.mark.parametrize(
    "person", [one for one in PEOPLE if not one.refuses], ids=lambda p: p.number
)
def test_an_agreement_opens_the_points_of_its_person(application, talk, person):
    came = agree(application, person.number)

    found = talk.points(talk.sign_in(now_s=NOW_S), came["autorisation_id"])

    assert came["state"] == "signed"
    assert "code" not in came
    assert found == tuple(point.prm for point in person.points)


def test_the_person_who_refuses_comes_back_with_a_refusal(application):
    assert agree(application, 9) == {"error": "access_denied", "state": "signed"}


@pytest.mark.parametrize(("day", "count"), [(date(2026, 3, 29), 46), (date(2026, 10, 25), 50)])
def test_days_of_changed_clocks_have_all_their_half_hours(talk, day, count):
    token = talk.sign_in(now_s=NOW_S)
    after = day.replace(day=day.day + 1)

    curve = readings(talk.measures(token, "courbe_de_charge_consommation", prm(0), day, after))
    daily = readings(talk.measures(token, "consommation_quotidienne", prm(0), day, after))

    assert len(curve) == count
    assert {one.step_s for one in curve} == {1800}
    assert daily[0].start_s == curve[0].start_s
    assert sum(one.value[0] for one in curve) // 2 == daily[0].value[0]


def test_both_forms_give_the_same_readings(talk):
    token = talk.sign_in(now_s=NOW_S)
    asked = ("courbe_de_charge_production", prm(3), date(2026, 6, 1), date(2026, 6, 8))

    new = readings(talk.measures(token, *asked))
    older = readings(talk.older_measures(token, *asked), "production")

    assert len(new) == 7 * 48
    assert [one.start_s for one in new] == [one.start_s for one in older]
    assert [one.value for one in new] == [one.value for one in older]


def test_a_day_without_a_value_is_missing_and_never_zero(talk):
    token = talk.sign_in(now_s=NOW_S)

    tuesday = readings(
        talk.measures(token, "consommation_quotidienne", prm(4), date(2026, 6, 2), date(2026, 6, 3))
    )

    assert [(one.value, one.quality) for one in tuesday] == [(None, Quality.MISSING)]


def test_the_house_that_uses_its_own_never_takes_and_feeds_at_once(talk):
    token = talk.sign_in(now_s=NOW_S)
    period = (prm(6), date(2026, 6, 1), date(2026, 6, 8))

    taken = readings(talk.measures(token, "courbe_de_charge_consommation", *period))
    fed = readings(talk.measures(token, "courbe_de_charge_production", *period))

    assert any(one.value[0] for one in fed)
    assert all(not (a.value[0] and b.value[0]) for a, b in zip(taken, fed, strict=True))


@pytest.mark.parametrize(
    ("number", "resource", "first", "family", "code"),
    [
        (1, "consommation_quotidienne", date(2019, 8, 1), Malformed, "SGT400"),
        (2, "courbe_de_charge_consommation", date(2026, 6, 1), Missing, "no_data_found"),
        (5, "consommation_quotidienne", date(2026, 6, 1), Missing, "no_data_found"),
        (9, "consommation_quotidienne", date(2026, 6, 1), Refused, "SGT403"),
    ],
)
def test_what_an_operator_refuses_comes_with_its_code(talk, number, resource, first, family, code):
    token = talk.sign_in(now_s=NOW_S)

    with pytest.raises(family) as refused:
        talk.measures(token, resource, prm(number), first, first.replace(day=2))

    assert refused.value.where == code


def test_days_before_the_meter_have_a_code_of_their_own(service, talk):
    service.today = lambda: date(2021, 1, 1)

    with pytest.raises(Malformed) as refused:
        talk.measures(
            talk.sign_in(now_s=NOW_S),
            "consommation_quotidienne", prm(1), date(2019, 8, 1), date(2019, 9, 1),
        )  # fmt: skip

    assert refused.value.where == "ADAM-ERR0123"


def test_the_person_who_revokes_is_refused_from_then_on(talk):
    token = talk.sign_in(now_s=NOW_S)
    asked = ("consommation_quotidienne", prm(8), date(2026, 6, 1), date(2026, 6, 2))
    for _ in range(3):
        talk.measures(token, *asked)

    with pytest.raises(Refused):
        talk.measures(token, *asked)


def test_a_token_ends_after_three_and_a_half_hours(clock, talk):
    token = talk.sign_in(now_s=NOW_S)
    clock.now_s += TOKEN_LASTS_S

    assert token.until_s == NOW_S + TOKEN_LASTS_S
    with pytest.raises(Refused):
        talk.measures(token, "consommation_quotidienne", prm(0), date(2026, 6, 1), date(2026, 6, 2))


def test_a_token_renews_once(service, application, talk):
    service.is_older = True
    first = talk.redeem(agree(application, 0)["code"], service.redirect_uri, now_s=NOW_S)

    second = talk.renew(first, now_s=NOW_S)

    assert second.refresh not in {"", first.refresh}
    with pytest.raises(Malformed) as refused:
        talk.renew(first, now_s=NOW_S)
    assert refused.value.where == "invalid_grant"


def test_the_sixth_call_of_a_second_and_the_thousandth_of_an_hour_wait(clock, talk):
    token = talk.sign_in(now_s=NOW_S)
    asked = ("consommation_quotidienne", prm(0), date(2026, 6, 1), date(2026, 6, 2))
    for _ in range(5):
        talk.measures(token, *asked)

    with pytest.raises(Unavailable) as soon:
        talk.measures(token, *asked)
    for place in range(995):
        clock.now_s += 1 if place % 5 == 0 else 0
        talk.measures(token, *asked)
    clock.now_s += 1
    with pytest.raises(Unavailable) as later:
        talk.measures(token, *asked)

    assert soon.value.retry_after_s == 1
    assert later.value.retry_after_s > 3_000


def test_maintenance_says_when_to_come_back(service, talk):
    service.is_down = True

    with pytest.raises(Unavailable) as down:
        talk.sign_in(now_s=NOW_S)

    assert down.value.code == "upstream.outage"
    assert down.value.retry_after_s == 600


def test_a_service_that_is_not_there_is_unavailable():
    with (
        Client(Application("", "http://127.0.0.1:9", "a", "b")) as talk,
        pytest.raises(Unavailable),
    ):
        talk.sign_in(now_s=NOW_S)


def test_no_secret_and_no_meter_number_reach_a_log(application, talk, caplog):
    with caplog.at_level(logging.INFO):
        token = talk.sign_in(now_s=NOW_S)
        talk.measures(token, "consommation_quotidienne", prm(0), date(2026, 6, 1), date(2026, 6, 2))

    for secret in (token.access, application.client_secret, prm(0)):
        assert secret not in caplog.text + repr(token) + repr(application)

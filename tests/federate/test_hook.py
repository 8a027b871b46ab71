"""Messages to applications, to a real server that may be away, slow of wit or gone elsewhere."""

import ipaddress
import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests import registry
from tests.federate.conftest import NOW, NOW_S, batch, column

from kevre.federate import hook as sender
from kevre.federate import signature
from kevre.flow import notify
from kevre.flow.accept import Writer
from kevre.model.errors import Refused
from kevre.places.models import Party, Series
from kevre.rights import application as applications
from kevre.rights import hook
from kevre.rights.hook import EventKind, HookEvent
from kevre.rights.models import Account, Application, Role

pytestmark = [pytest.mark.django_db, pytest.mark.registry]
OPENED = (ipaddress.ip_network("127.0.0.0/8"),)


class Receiver(ThreadingHTTPServer):
    """The application's server."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answering)
        self.status, self.heard = 204, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook"


class Answering(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        if 300 <= self.server.status < 400:
            self.send_header("Location", f"{self.server.url}/elsewhere")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def application(receiver):
    owner = Account.objects.create_user("dev@x.example", is_superuser=True)
    made = Application(
        kind="service", page="https://a.example/", purpose="p", finest="P1D", lasts_days=30,
        hook_url=receiver.url,
    )  # fmt: skip
    applications.register(owner, made, "App", ["https://a.example/back"], NOW)
    return made


@pytest.fixture
def school(application):
    return registry.site(owner=registry.party())


def granted(place, application, **changed):
    return registry.grant(place, audience="party", party=application.party, **changed)


def said(receiver):
    return [json.loads(body) for _, _, body in receiver.heard]


def test_what_is_told_is_signed_by_the_node(own, receiver, application):
    hook.put(application, EventKind.TEST, {"test": []}, NOW)

    assert sender.send_due(own, NOW, OPENED) == 1
    path, headers, body = receiver.heard[0]
    message = signature.Message("POST", f"{receiver.url}", headers, body)
    digest = {name.lower(): value for name, value in headers.items()}
    assert path == "/hook"
    assert json.loads(body)["kind"] == "test"
    assert 'tag="kevre-hook-1"' in digest["signature-input"]
    assert "content-digest" in digest
    # For a peer's entrance it is no signature at all: an application cannot borrow our name.
    with pytest.raises(Refused):
        signature.verify(message, lambda _: own.public, now_s=NOW_S)


def test_the_receiver_can_check_it_with_the_published_key(own, receiver, application):
    from http_message_signatures import HTTPMessageVerifier, algorithms

    hook.put(application, EventKind.TEST, {"test": []}, NOW)
    sender.send_due(own, NOW, OPENED)
    _, headers, body = receiver.heard[0]
    message = signature.Message("POST", receiver.url, headers, body)
    known = signature._Others(lambda _: own.public)
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=known)

    found = verifier.verify(
        message, max_age=None, expect_tag=signature.HOOK_TAG, body=body,
        require_components=("@method", "@target-uri"),
    )  # fmt: skip

    assert found


def test_a_grant_that_comes_and_goes_is_told(way, own, receiver, application, school):
    grant = granted(school, application)
    notify.catch_up(way.store, NOW)
    sender.send_due(own, NOW, OPENED)
    grant.withdrawn_at = NOW
    grant.save()
    notify.catch_up(way.store, NOW)
    sender.send_due(own, NOW, OPENED)

    assert [(one["kind"], one["about"]) for one in said(receiver)] == [
        ("grant.granted", {str(grant.pk): []}),
        ("grant.ended", {str(grant.pk): []}),
    ]


def test_a_grant_that_ends_by_itself_is_told_too(way, own, receiver, application, school):
    granted(school, application, valid_until=NOW + timedelta(days=1))
    notify.catch_up(way.store, NOW)
    notify.catch_up(way.store, NOW + timedelta(days=2))

    assert set(HookEvent.objects.values_list("kind", flat=True)) == {
        "grant.granted",
        "grant.ended",
    }


def test_changed_readings_are_told_by_window_and_never_by_value(
    way, own, receiver, application, school
):
    series = registry.series(school)
    granted(school, application)
    way.gate.accept(batch(column([4711, 4712, 4713])), Writer.operator("test"), now_s=NOW_S)
    notify.catch_up(way.store, NOW)
    sender.send_due(own, NOW, OPENED)

    (changed,) = [one for one in said(receiver) if one["kind"] == "readings.changed"]
    assert changed["about"] == {str(series.pk): [NOW_S - 86_400, NOW_S - 86_400 + 3 * 1800]}
    assert b"4711" not in b"".join(body for _, _, body in receiver.heard)


def test_of_what_no_grant_covers_nothing_is_told(way, application, school):
    registry.series(school)
    registry.grant(school)  # open to everyone: told to nobody by name
    granted(school, application, path_prefix="production/")
    way.gate.accept(batch(column([1, 2])), Writer.operator("test"), now_s=NOW_S)
    notify.catch_up(way.store, NOW)

    assert not HookEvent.objects.filter(kind="readings.changed").exists()
    assert Series.objects.exists()


def test_what_happens_while_one_waits_is_added_to_it(application):
    hook.put(application, EventKind.CHANGED, {"1": [10, 20]}, NOW)
    hook.put(application, EventKind.CHANGED, {"1": [5, 12], "2": [1, 2]}, NOW)

    assert HookEvent.objects.get().about == {"1": [5, 20], "2": [1, 2]}


def test_one_message_does_not_grow_without_end(application):
    hook.put(application, EventKind.CHANGED, {str(one): [1, 2] for one in range(5_000)}, NOW)

    about = HookEvent.objects.get().about
    assert len(about) <= 1_001
    assert "more" in about


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 500, 503])
def test_what_is_not_taken_is_tried_again_later_and_followed_nowhere(
    own, receiver, application, status
):
    receiver.status = status
    hook.put(application, EventKind.TEST, {"test": []}, NOW)
    sender.send_due(own, NOW, OPENED)
    at_once = sender.send_due(own, NOW, OPENED)
    receiver.status = 200
    later = sender.send_due(own, NOW + timedelta(seconds=11), OPENED)

    assert (at_once, later) == (0, 1)
    assert [path for path, _, _ in receiver.heard] == ["/hook", "/hook"]


def test_a_message_is_given_up_after_days_and_says_why(own, receiver, application):
    receiver.status = 500
    hook.put(application, EventKind.TEST, {"test": []}, NOW)
    at = NOW
    for pause in (*hook.PAUSES, timedelta(days=2)):
        sender.send_due(own, at, OPENED)
        at += pause + timedelta(seconds=1)

    event = HookEvent.objects.get()
    assert (event.tries, event.answer) == (len(hook.PAUSES) + 1, "status 500")
    assert event.dropped_at is not None


def test_a_worker_that_dies_leaves_its_message_to_the_next(own, receiver, application):
    hook.put(application, EventKind.TEST, {"test": []}, NOW)
    assert len(hook.claim(NOW)) == 1  # and it dies here

    assert sender.send_due(own, NOW, OPENED) == 0
    assert sender.send_due(own, NOW + timedelta(minutes=3), OPENED) == 1


def test_two_workers_never_take_the_same(application):
    hook.put(application, EventKind.TEST, {"test": []}, NOW)

    assert len(hook.claim(NOW)) + len(hook.claim(NOW)) == 1


def test_nothing_is_sent_into_the_nodes_own_network(own, receiver, application):
    hook.put(application, EventKind.TEST, {"test": []}, NOW)

    assert sender.send_due(own, NOW) == 0
    assert receiver.heard == []
    assert HookEvent.objects.get().answer == "hook.address"


def test_a_blocked_application_hears_nothing(way, application, school):
    granted(school, application)
    Application.objects.update(blocked_at=NOW)
    notify.catch_up(way.store, NOW)

    assert not HookEvent.objects.exists()


def test_an_application_is_a_party_of_its_own(application):
    assert application.party.kind == "application"
    assert Role.objects.count() == 0
    assert Party.objects.filter(application=application).exists()

from dataclasses import replace
from datetime import timedelta

import pytest
from tests import registry
from tests.federate.conftest import DAY_S, NOW, NOW_S, POWER, batch, column

from kevre.federate import provenance, seal
from kevre.federate.frame import Frame, Piece, Span
from kevre.federate.inbox import Receiver
from kevre.federate.models import Feed, KeptSeal
from kevre.flow.accept import Writer
from kevre.flow.models import Quarantined
from kevre.model.window import Window
from kevre.places.models import Series
from kevre.rights.gate import ALWAYS, Reader
from kevre.rights.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.registry]
START_S = (NOW_S // DAY_S - 1) * DAY_S
WHOLE = Window.of_seconds(START_S, START_S + DAY_S)


@pytest.fixture
def feed(neighbour):
    return Feed.objects.create(peer=neighbour, handle="h1", selector=POWER, site=registry.site())


@pytest.fixture
def receiver(way, own, feed):
    return Taking(way, own, feed)


class Taking(Receiver):
    """Takes frames as they come, without asking again."""

    def take(self, frame, size, now):
        return super().take(self.checked(frame), size, now)


def piece(identity, values=range(48), *, window=WHOLE, urn=POWER, is_exact=False):
    whole = column(values, urn=urn, start_s=START_S)
    return Piece(whole, window, is_exact, seal.seal(whole, identity))


def stored(way):
    operator = Reader(Account.objects.create_superuser(f"{Account.objects.count()}@example.org"))
    return [
        value
        for one in Series.objects.order_by("urn")
        for block in way.door.blocks(operator, one, ALWAYS, purpose="test", now=NOW)
        for value in block.value.tolist()
    ]


def test_readings_enter_by_the_gate_and_the_cursor_moves(way, receiver, feed, stranger):
    taken = receiver.take(Frame(5, (piece(stranger),)), 100, NOW)

    feed.refresh_from_db()
    assert taken.kept == 48
    assert (feed.cursor, feed.readings, feed.bytes_received) == (5, 48, 100)
    assert stored(way) == list(range(48))
    assert Series.objects.get().source == feed.peer.source


def test_a_frame_that_comes_twice_changes_nothing(way, receiver, stranger):
    receiver.take(Frame(5, (piece(stranger),)), 100, NOW)
    before = way.store.last_seq

    receiver.take(Frame(5, (piece(stranger),)), 100, NOW)

    assert way.store.last_seq == before


def test_the_cursor_never_goes_back(receiver, feed, stranger):
    receiver.take(Frame(5, (piece(stranger),)), 100, NOW)
    receiver.take(Frame(3, (piece(stranger),)), 100, NOW)

    feed.refresh_from_db()
    assert feed.cursor == 5


def test_tampered_readings_stay_out_and_hold_nothing_up(way, receiver, feed, stranger):
    forged = replace(piece(stranger), column=column([7] * 48, start_s=START_S))
    good = piece(stranger, range(48), urn=POWER.replace("raw", "corrected"))

    taken = receiver.take(Frame(5, (forged, good)), 100, NOW)

    feed.refresh_from_db()
    assert (taken.kept, taken.faults, feed.cursor) == (48, 1, 5)
    assert Quarantined.objects.get().code == "seal.broken"
    assert stored(way) == list(range(48))


def test_readings_sealed_by_an_unknown_node_stay_out(receiver, tmp_path):
    from kevre.federate import identity

    unknown = identity.hold(tmp_path / "unknown")

    taken = receiver.take(Frame(5, (piece(unknown),)), 100, NOW)

    assert taken.kept == 0
    assert Quarantined.objects.get().code == "seal.unknown"


def test_a_peer_cannot_write_what_somebody_else_measures(way, receiver, stranger):
    way.gate.accept(batch(column([1] * 48, start_s=START_S)), Writer.operator("own"), now_s=NOW_S)

    taken = receiver.take(Frame(5, (piece(stranger),)), 100, NOW)

    assert taken.kept == 0
    assert Quarantined.objects.get().code == "series.of_another"
    assert stored(way) == [1] * 48


def test_what_was_erased_at_the_sender_goes_here_too(way, receiver, stranger):
    receiver.take(Frame(5, (piece(stranger),)), 100, NOW)
    shorter = piece(stranger, range(10), is_exact=True)

    receiver.take(Frame(6, (shorter,)), 100, NOW)

    assert stored(way) == list(range(10))


def test_a_series_erased_at_the_sender_goes_here_too(way, receiver, stranger):
    receiver.take(Frame(5, (piece(stranger),)), 100, NOW)

    receiver.take(Frame(6, erased=(Span(POWER, ALWAYS),)), 100, NOW)

    assert stored(way) == []


def test_a_peer_erases_nothing_of_anybody_else(way, receiver):
    way.gate.accept(batch(column([1] * 48, start_s=START_S)), Writer.operator("own"), now_s=NOW_S)

    receiver.take(Frame(6, erased=(Span(POWER, ALWAYS),)), 100, NOW)

    assert stored(way) == [1] * 48


def test_what_may_not_be_sent_any_more_is_seen_by_people(receiver, feed):
    receiver.take(Frame(6, refused=(Span(POWER, WHOLE),)), 100, NOW)

    feed.refresh_from_db()
    assert feed.cursor == 6
    assert Quarantined.objects.get().code == "feed.not_granted"


def test_the_seal_of_a_closed_day_is_kept_and_still_holds(receiver, stranger, own):
    sent = piece(stranger)

    receiver.take(Frame(5, (sent,)), 100, NOW)

    kept = provenance.kept(Series.objects.get().pk, WHOLE)
    assert kept == sent.seal
    seal.verify(kept, sent.column, provenance.keys(own))


def test_the_seal_of_a_day_that_goes_on_is_let_go(receiver, stranger):
    today = Window(NOW - timedelta(hours=3), NOW)

    receiver.take(Frame(5, (piece(stranger, window=today),)), 100, NOW)

    assert not KeptSeal.objects.exists()


def test_a_newer_seal_takes_the_place_of_those_it_touches(receiver, stranger):
    receiver.take(Frame(5, (piece(stranger),)), 100, NOW)
    wider = Window.of_seconds(START_S - 3 * DAY_S, START_S + DAY_S)

    receiver.take(Frame(6, (piece(stranger, window=wider),)), 100, NOW)

    assert KeptSeal.objects.get().first_s == wider.start_s

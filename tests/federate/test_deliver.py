import pytest
from tests import registry
from tests.federate.conftest import DAY_S, NOW, NOW_S, POWER, batch, column, grant

from kevre.federate import deliver, provenance, seal
from kevre.federate.deliver import Sender, gathered
from kevre.flow import outbox, share
from kevre.flow.accept import Writer
from kevre.flow.models import Subscription
from kevre.places.models import MeteringPoint, Series
from kevre.rights.models import AccessRecord, Grant

pytestmark = [pytest.mark.django_db, pytest.mark.registry]


@pytest.fixture
def school(way):
    place = registry.site()
    way.gate.accept(
        batch(column(range(96), start_s=NOW_S - 2 * DAY_S)),
        Writer.operator("test", site=place),
        now_s=NOW_S,
    )
    return place


@pytest.fixture
def lent(school, way, neighbour):
    grant(school, neighbour.party)
    held = Subscription.objects.create(party=neighbour.party, selector="urn:dev:prm:09876543210123")
    share.catch_up(way.store, NOW)
    held.refresh_from_db()
    return held


@pytest.fixture
def sender(way, own, lent):
    return Sender(way.door, own, lent)


def sent(sender, after=0, most=deliver.MOST_READINGS):
    """All frames until nothing waits."""
    frames = []
    while found := list(gathered(sender.frames(after, NOW), most=most)):
        frames += found
        after = found[-1].cursor
    return frames


def test_what_is_granted_is_sent_sealed_and_logged(sender, school, neighbour, own, lent):
    frames = sent(sender)

    assert sum(len(one) for one in frames) == 96
    for one in frames:
        for piece in one.pieces:
            seal.verify(piece.seal, piece.column, {own.public.name: own.public}.get)
    assert frames[-1].cursor == lent.last_seq
    assert {one.party for one in AccessRecord.objects.all()} == {neighbour.party}


def test_what_was_acknowledged_is_not_sent_again(sender, school, neighbour, lent):
    outbox.acknowledge(lent, sent(sender)[-1].cursor)

    assert sent(sender) == []


def test_a_grant_withdrawn_meanwhile_is_honoured_and_holds_nothing_up(
    sender, school, neighbour, lent
):
    Grant.objects.update(withdrawn_at=NOW)

    frames = sent(sender)

    assert sum(len(one) for one in frames) == 0
    assert {span.urn for one in frames for span in one.refused} == {POWER}
    assert frames[-1].cursor == lent.last_seq
    assert not AccessRecord.objects.exists()


def test_one_series_that_is_not_granted_does_not_hide_the_others(way, own, school, neighbour):
    grant(school, neighbour.party)
    place = MeteringPoint.objects.get().site
    other = column(range(48), urn=POWER.replace("raw", "corrected"))
    way.gate.accept(batch(other, key="k2"), Writer.operator("t", site=place), now_s=NOW_S)
    held = Subscription.objects.create(party=neighbour.party, selector=POWER.partition("_")[0])
    share.catch_up(way.store, NOW)
    held.refresh_from_db()
    Grant.objects.update(path_prefix="consumption/power/active/raw")

    frames = sent(Sender(way.door, own, held))

    assert {piece.column.series for one in frames for piece in one.pieces} == {POWER}
    assert {span.urn for one in frames for span in one.refused} == {other.series}


def test_a_grant_for_part_of_the_time_gives_that_part(sender, school, neighbour):
    half = NOW.replace(hour=0)
    Grant.objects.update(readings_since=half)

    starts = [s for one in sent(sender) for piece in one.pieces for s in piece.column.start_s]

    assert min(starts) >= half.timestamp()
    assert len(starts) == 20


def test_a_closed_day_travels_whole_even_if_a_part_of_it_changed(
    way, sender, school, neighbour, lent
):
    outbox.acknowledge(lent, lent.last_seq)
    start_s = (NOW_S // DAY_S - 1) * DAY_S
    changed = column([999], start_s=start_s + 3_600)
    way.gate.accept(batch(changed, key="k2"), Writer.operator("t"), now_s=NOW_S)
    share.catch_up(way.store, NOW)

    piece = sent(sender, lent.last_seq)[0].pieces[0]

    assert (piece.window.start_s, piece.window.end_s) == (start_s, start_s + DAY_S)
    assert len(piece.column) == 48


def test_a_series_erased_from_the_registry_is_told_as_erased(sender, school, neighbour, lent):
    Series.objects.all().delete()

    frames = sent(sender)

    assert {span.urn for one in frames for span in one.erased} == {POWER}


def test_more_than_a_frame_holds_is_cut_and_only_the_end_counts(way, own, neighbour, school):
    grant(school, neighbour.party)
    held = Subscription.objects.create(party=neighbour.party, selector=POWER)
    share.catch_up(way.store, NOW)
    held.refresh_from_db()

    frames = sent(Sender(way.door, own, held, most=20), most=20)

    assert [len(one) for one in frames] == [20, 8, 20, 20, 8, 20]
    cursors = [one.cursor for one in frames]
    assert cursors == sorted(cursors)
    assert cursors[-1] == held.last_seq


def test_what_came_from_a_peer_keeps_the_seal_of_its_first_node(
    way, own, stranger, neighbour, school
):
    series = Series.objects.get()
    Series.objects.update(source=neighbour.source)
    other = Subscription.objects.create(party=registry.party("Another"), selector=POWER)
    grant(school, other.party)
    share.catch_up(way.store, NOW)
    other.refresh_from_db()
    [first, *_] = [one for one in sent(Sender(way.door, own, other)) if one.pieces]
    piece = first.pieces[0]
    assert piece.seal is None
    sealed = seal.seal(piece.column, stranger)
    provenance.keep([(series.pk, piece.window, sealed)])

    again = next(one for one in sent(Sender(way.door, own, other)) if one.pieces).pieces[0]

    assert again.seal == sealed
    seal.verify(again.seal, again.column, provenance.keys(own))

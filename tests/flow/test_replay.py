from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests import registry
from tests.federate.conftest import NOW_S, POWER, batch, column, way  # noqa: F401

from kevre.flow import arrival, quarantine
from kevre.flow.accept import Writer
from kevre.flow.models import Quarantined
from kevre.flow.quarantine import Wanted
from kevre.flow.replay import Mending, replay
from kevre.model.errors import Malformed
from kevre.model.identifier import KINDS
from kevre.places.models import Series
from kevre.rights.gate import ALWAYS, Reader
from kevre.rights.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.registry]
ANY, AS_IT_IS = Wanted(), Mending()
NARROW = Writer("key:meter", frozenset({"urn:dev:prm:00000000000001"}), may_register=True)


def stored(way):  # noqa: F811
    """{start: (value, quality)} of every reading."""
    operator = Reader(Account.objects.create_superuser(f"{Account.objects.count()}@example.org"))
    now = datetime.fromtimestamp(NOW_S, UTC)
    found = {}
    for one in Series.objects.all():
        for block in way.door.blocks(operator, one, ALWAYS, purpose="test", now=now):
            values = (block.value * 10.0**block.exponent).tolist()
            told = zip(values, block.quality.tolist(), strict=True)
            found |= dict(zip(block.start_s.tolist(), told, strict=True))
    return found


def refuse(way, values=(1, 2, 3), key="k1"):  # noqa: F811
    receipt = way.gate.accept(batch(column(values), key=key), NARROW, now_s=NOW_S)
    assert receipt.kept == 0


def test_a_refused_series_is_held_and_enters_once_its_writer_may(way):  # noqa: F811
    refuse(way)
    (line,) = Quarantined.objects.all()
    assert (line.code, line.urn, line.count) == ("series.not_yours", POWER, 3)

    done = replay(way.gate, ANY, AS_IT_IS, now_s=NOW_S)

    assert (done.lines, done.entered, done.returned) == (1, 3, 0)
    assert sorted(value for value, _ in stored(way).values()) == [1, 2, 3]
    assert not ANY.lines.exists()
    assert replay(way.gate, ANY, AS_IT_IS, now_s=NOW_S).lines == 0


def test_what_still_cannot_be_kept_comes_back_with_the_reason_of_today(way):  # noqa: F811
    refuse(way, (1, -5, 3))

    done = replay(way.gate, ANY, AS_IT_IS, now_s=NOW_S)

    assert (done.entered, done.returned) == (2, 1)
    (line,) = ANY.lines
    assert (line.code, line.count, line.origin) == ("reading.bound", 1, "key:meter")


def test_a_value_beyond_belief_is_kept_as_doubtful_when_a_person_says_so(way):  # noqa: F811
    registry.series(registry.site())
    writer = Writer.operator("test")
    way.gate.accept(batch(column([1, -5, 3])), writer, now_s=NOW_S)
    assert len(stored(way)) == 2

    replay(way.gate, ANY, Mending(is_doubtful=True), now_s=NOW_S)

    assert sorted(stored(way).values()) == [(-5, 5), (1, 0), (3, 0)]


def test_a_reading_from_the_future_enters_when_its_time_has_come(way):  # noqa: F811
    registry.series(registry.site())
    later_s = NOW_S + 40 * 86_400
    way.gate.accept(batch(column([7], start_s=later_s)), Writer.operator("test"), now_s=NOW_S)

    early = replay(way.gate, ANY, AS_IT_IS, now_s=NOW_S)
    assert (early.entered, early.returned) == (0, 1)
    late = replay(way.gate, ANY, AS_IT_IS, now_s=later_s)

    assert (late.entered, late.returned) == (1, 0)


def test_a_unit_and_a_series_are_mended(way):  # noqa: F811
    other = POWER.replace("123_", "999_")
    refuse(way)

    replay(way.gate, ANY, Mending(urn=other, unit="kW"), now_s=NOW_S)

    assert Series.objects.get().urn == other
    assert sorted(value for value, _ in stored(way).values()) == [1_000, 2_000, 3_000]


def test_a_mending_that_makes_no_sense_changes_nothing(way):  # noqa: F811
    refuse(way)

    with pytest.raises(Malformed):
        replay(way.gate, ANY, Mending(unit="Cel"), now_s=NOW_S)

    assert ANY.lines.count() == 1
    assert stored(way) == {}


def test_a_replay_that_was_cut_before_its_lines_were_resolved_adds_nothing(way, monkeypatch):  # noqa: F811
    refuse(way)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(quarantine, "resolve", die)
        with pytest.raises(KeyboardInterrupt):
            replay(way.gate, ANY, AS_IT_IS, now_s=NOW_S)
    before = way.store.last_seq
    assert ANY.lines.count() == 1

    replay(way.gate, ANY, AS_IT_IS, now_s=NOW_S)

    assert way.store.last_seq == before
    assert not ANY.lines.exists()


def test_of_two_lines_about_one_instant_the_later_stands(way):  # noqa: F811
    refuse(way, (1, 1), key="a")
    refuse(way, (1, 2), key="b")

    replay(way.gate, ANY, AS_IT_IS, now_s=NOW_S)

    assert sorted(value for value, _ in stored(way).values()) == [1, 2]


def test_only_what_is_wanted_is_replayed_or_forgotten(way):  # noqa: F811
    refuse(way)
    now = datetime.fromtimestamp(NOW_S, UTC)

    assert replay(way.gate, Wanted(code="reading.bound"), AS_IT_IS, now_s=NOW_S).lines == 0
    assert quarantine.forget(Wanted(urn=""), now) == 0
    assert quarantine.forget(Wanted(series="9876"), now) == 1
    assert not bytes(Quarantined.objects.get().held)


def test_the_bytes_of_an_erased_series_go(way):  # noqa: F811
    refuse(way)

    assert quarantine.erase(POWER) == 1
    assert not Quarantined.objects.exists()


def test_too_many_readings_are_counted_and_not_held(way, monkeypatch):  # noqa: F811
    monkeypatch.setattr(quarantine, "MOST_HELD", 2)
    refuse(way)

    (line,) = Quarantined.objects.all()
    assert (line.count, bytes(line.held)) == (3, b"")


def test_a_column_is_read_back_as_it_was_packed():
    given = replace(
        column([1, -2, 3], exponent=-2, quality=1), kind=KINDS["consumption/power/active/raw"]
    )

    assert quarantine.unpack(quarantine.pack(given)) == given


def test_old_lines_about_batches_go(way):  # noqa: F811
    refuse(way)
    now = datetime.fromtimestamp(NOW_S, UTC)
    quarantine.forget(ANY, now)

    assert (arrival.forget(now), quarantine.let_go(now)) == (0, 0)
    later = now + arrival.KEPT + timedelta(seconds=1)
    assert (arrival.forget(later), quarantine.let_go(later)) == (1, 1)


def test_arrivals_of_many_at_once_are_all_written_and_the_later_of_one_batch_stands(way):  # noqa: F811
    for number in range(3):
        refuse(way, (number,), key="same")
    refuse(way, (1,), key="other")

    assert arrival.Arrival.objects.count() == 2

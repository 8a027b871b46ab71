import asyncio
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import registry
from tests.flow.conftest import NOW_S, batch, column

from kevre.flow.accept import Writer
from kevre.flow.models import Arrival, Quarantined
from kevre.model.reading import Fault
from kevre.places.models import MeteringPoint, Series
from kevre.rights import key

pytestmark = [pytest.mark.django_db, pytest.mark.registry]

OPERATOR = Writer.operator("import")


def accept(way, sent, writer=OPERATOR):
    return way.gate.accept(sent, writer, now_s=NOW_S)


def test_an_import_registers_the_point_and_keeps_the_readings(way):
    receipt = accept(way, batch(column([100, 200, 300])))

    assert (receipt.kept, receipt.changed, receipt.same, receipt.quarantined) == (3, 3, 0, ())
    series = Series.objects.get()
    assert series.point.urn == "urn:dev:prm:09876543210123"
    assert series.step_s == 1800
    assert [change.count for change in way.store.changes(0)] == [3]
    assert Arrival.objects.get().kept == 3


def test_a_repetition_keeps_all_and_changes_nothing(way):
    sent = batch(
        column([100, 200, 300]), faults=[Fault("value.not_a_number", "not a number", line=7)]
    )
    accept(way, sent)

    receipt = accept(way, sent)

    assert (receipt.kept, receipt.changed, receipt.same) == (3, 0, 3)
    assert len(way.store.changes(0)) == 1
    assert Quarantined.objects.count() == 1
    assert Arrival.objects.count() == 1


def test_a_correction_is_a_change(way):
    accept(way, batch(column([100, 200, 300])))

    receipt = accept(way, batch(column([100, 250, 300]), key="k2"))

    assert (receipt.changed, receipt.same) == (1, 2)


def test_what_cannot_be_true_is_quarantined_and_the_rest_kept(way):
    receipt = accept(way, batch(column([100, -5, 300])))

    assert receipt.kept == 2
    held = Quarantined.objects.get()
    assert (held.code, held.line, held.source) == ("reading.bound", 2, "test.csv")
    assert held.hint


def test_a_reading_from_next_week_is_quarantined(way):
    receipt = accept(way, batch(column([100], start_s=NOW_S + 7 * 86_400)))

    assert receipt.kept == 0
    assert receipt.quarantined[0].code == "reading.time"


def keyed(point_urn="urn:dev:prm:09876543210123"):
    point = MeteringPoint.objects.create(urn=point_urn, site=registry.site(), fluid="electricity")
    return Writer.of_key(key.issue("pi", [point])[0])


def test_a_key_writes_its_own_point(way):
    assert accept(way, batch(column([100])), keyed()).kept == 1


def test_a_key_writes_no_other_point(way):
    writer = keyed()

    receipt = accept(way, batch(column([100]), column([100], prm="11111111111111")), writer)

    assert receipt.kept == 1
    assert [fault.code for fault in receipt.quarantined] == ["series.not_yours"]
    assert not MeteringPoint.objects.filter(urn="urn:dev:prm:11111111111111").exists()


def test_a_key_writes_no_quantity_outside_its_scope(way):
    writer = replace(keyed(), prefixes=("production/",))

    receipt = accept(way, batch(column([100])), writer)

    assert [fault.code for fault in receipt.quarantined] == ["series.not_in_scope"]


def test_a_writer_that_may_not_register_meets_an_unknown_series(way):
    receipt = accept(way, batch(column([100])), replace(OPERATOR, may_register=False))

    assert [fault.code for fault in receipt.quarantined] == ["series.unknown"]


def test_readings_of_another_kind_are_not_mixed_in(way):
    accept(way, batch(column([100])))
    energy = column([100], path="consumption/energy/active/raw")

    receipt = accept(way, batch(replace(energy, series=column([1]).series), key="k2"))

    assert [fault.code for fault in receipt.quarantined] == ["series.other_kind"]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(-1_000, 1_000), max_size=30), st.integers(0, 10**9))
def test_every_reading_is_kept_or_quarantined(way, values, salt):
    receipt = accept(way, batch(column(values), key=f"h{salt}"))

    assert receipt.kept + len(receipt.quarantined) == len(values)


def test_news_reaches_whoever_listens(way):
    accept(way, batch(column([100])))
    series = Series.objects.get()

    async def listen_while_publishing():
        async with way.hub.listen(frozenset({series.pk})) as events:
            way.hub.publish(series.pk, NOW_S, 612.0)
            return await anext(events)

    event = asyncio.run(listen_while_publishing())

    assert (event.series, event.start_s, event.value) == (series.pk, NOW_S, 612.0)

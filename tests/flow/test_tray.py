"""What unknown inputs send waits for a person, bounded and counted, and then enters whole."""

from datetime import UTC, datetime

import pytest
from tests import registry

from kevre.flow import entrance, tray
from kevre.flow import input as inputs
from kevre.flow.entrance import Parcel
from kevre.flow.input import Input, State
from kevre.flow.models import Quarantined, Waiting
from kevre.flow.way import Way
from kevre.model import exact
from kevre.model.errors import Conflict, Malformed, Refused
from kevre.model.input import InputName, InputValue, Posted
from kevre.places.models import Series
from kevre.rights import key as keys
from kevre.rights.gate import Reader
from kevre.store import Store

pytestmark = [pytest.mark.django_db, pytest.mark.registry]
NOW_S = 1_780_000_000
POWER = "consumption/power/active/instant"


@pytest.fixture
def way(tmp_path):
    with Store(tmp_path / "readings.duckdb", memory_mb=128) as store:
        yield Way.over(store)


@pytest.fixture
def point(db):
    return registry.series(registry.site()).point


@pytest.fixture
def maker(point):
    return keys.issue("emonpi", [point], prefixes=["consumption/", "production/"])[0]


def values(*pairs, name="power1", unit=""):
    return [
        InputValue(InputName("emontx", name), at_s, exact.parse(str(value)), unit)
        for at_s, value in pairs
    ]


def send(way, key, some, now_s=NOW_S):
    return entrance.receive(way.gate, Parcel(Posted(tuple(some)), key, f"d{now_s}", "test"), now_s)


def stored(way, path=POWER):
    """What the door gives to somebody who may see all, as (time, value)."""
    from kevre.model.step import Resolution
    from kevre.model.window import Window
    from kevre.rights.models import Account

    account = Account.objects.filter(is_superuser=True).first()
    account = account or Account.objects.create_superuser("operator@example.org", "x")
    series = Series.objects.filter(urn__endswith="_" + path).first()
    if series is None:
        return []
    curve = way.door.curve(
        Reader(account), series, Window.of_seconds(NOW_S - 10**6, NOW_S + 10**6),
        Resolution.RAW, purpose="test", now=datetime.fromtimestamp(NOW_S, UTC),
    )  # fmt: skip
    return list(zip(curve.start_s.tolist(), curve.values.tolist(), strict=True))


def test_what_is_unknown_waits_and_is_nowhere_else(way, maker):
    told = send(way, maker, values((NOW_S - 10, 5), (NOW_S, 6.5)))

    assert (told.waiting, told.receipt.kept, told.receipt.quarantined) == (2, 0, ())
    assert Waiting.objects.count() == 2
    assert stored(way) == []


def test_what_is_accepted_enters_whole_and_what_follows_at_once(way, maker, point):
    send(way, maker, values((NOW_S - 10, 5), (NOW_S, 6.5)))
    found = Input.objects.get()

    inputs.decide(found, point, POWER, "kW", is_signed=False)
    send(way, maker, values((NOW_S + 1, 7)), NOW_S + 1)
    assert tray.drain(way.gate, NOW_S + 2) == 3
    told = send(way, maker, values((NOW_S + 3, 8)), NOW_S + 3)

    assert told.receipt.kept == 1
    assert stored(way) == [
        (NOW_S - 10, 5_000),
        (NOW_S, 6_500),
        (NOW_S + 1, 7_000),
        (NOW_S + 3, 8_000),
    ]
    assert (Waiting.objects.count(), Input.objects.get().state) == (0, State.OPEN)


def test_a_drain_that_was_cut_is_finished_by_the_next(way, maker, point):
    send(way, maker, values((NOW_S - 10, 5), (NOW_S, 6)))
    inputs.decide(Input.objects.get(), point, POWER, "W", is_signed=False)
    # Killed after the gate had all and before the tray forgot.
    copy = list(Waiting.objects.all())
    tray.drain(way.gate, NOW_S)
    Waiting.objects.bulk_create(copy)
    Input.objects.update(state=State.ACCEPTED, waiting=2)

    tray.drain(way.gate, NOW_S + 5)

    assert stored(way) == [(NOW_S - 10, 5), (NOW_S, 6)]
    assert Waiting.objects.count() == 0


def test_the_newest_word_on_an_instant_stands(way, maker, point):
    send(way, maker, values((NOW_S, 5)))
    send(way, maker, values((NOW_S, 6)))
    inputs.decide(Input.objects.get(), point, POWER, "W", is_signed=False)
    tray.drain(way.gate, NOW_S)

    assert stored(way) == [(NOW_S, 6)]


def test_a_sign_becomes_two_directions(way, maker, point):
    send(way, maker, values((NOW_S - 2, -300), (NOW_S - 1, 0), (NOW_S, 120)))
    found = Input.objects.get()
    assert found.proposal.is_signed

    inputs.decide(found, point, POWER, "W", is_signed=True)
    tray.drain(way.gate, NOW_S)

    assert stored(way) == [(NOW_S - 2, 0), (NOW_S - 1, 0), (NOW_S, 120)]
    assert stored(way, POWER.replace("consumption", "production")) == [
        (NOW_S - 2, 300), (NOW_S - 1, 0), (NOW_S, 0),
    ]  # fmt: skip


def test_what_is_refused_is_forgotten_and_what_follows_counted(way, maker):
    send(way, maker, values((NOW_S, 5)))
    tray.refuse(Input.objects.get())

    told = send(way, maker, values((NOW_S + 1, 5), (NOW_S + 2, 5)), NOW_S + 2)

    assert (told.refused, told.waiting, told.receipt.kept) == (2, 0, 0)
    assert (Input.objects.get().refused, Waiting.objects.count()) == (2, 0)
    assert Quarantined.objects.count() == 0


def test_a_full_tray_thins_its_older_half_and_counts(way, maker):
    send(way, maker, values((NOW_S, 0)))
    found = Input.objects.get()
    some = [InputValue(found.called, NOW_S + at, (at, 0)) for at in range(1, 130)]

    for start in range(0, 129, 10):
        tray.keep(found, some[start : start + 10], NOW_S, most=100)

    found.refresh_from_db()
    kept = list(Waiting.objects.order_by("at_s").values_list("at_s", flat=True))
    assert found.waiting == len(kept) <= 100
    assert found.waiting + found.thinned == 130
    assert (kept[0], kept[-1]) == (NOW_S, NOW_S + 129)
    assert kept[-50:] == list(range(NOW_S + 80, NOW_S + 130))


def test_a_key_without_a_prefix_brings_no_inputs(way, point):
    plain, _ = keys.issue("pi", [point])
    told = send(way, plain, values((NOW_S, 5)))

    assert [fault.code for fault in told.receipt.quarantined] == ["input.not_allowed"]
    assert Input.objects.count() == 0
    assert Quarantined.objects.get().field == "power1"


def test_names_are_bounded_and_the_rest_told(way, maker):
    many = [one for n in range(205) for one in values((NOW_S, n), name=f"x{n}")]
    told = send(way, maker, many)

    assert Input.objects.count() == 200
    assert {fault.code for fault in told.receipt.quarantined} == {"input.too_many"}
    assert len(told.receipt.quarantined) == 5


def test_times_that_cannot_be_are_quarantined_also_before_anybody_decided(way, maker):
    told = send(way, maker, values((NOW_S + 90_000, 1), (10**17, 2), (-5, 3), (NOW_S, 4)))

    assert [fault.code for fault in told.receipt.quarantined] == ["reading.time"] * 3
    assert told.waiting == 1


def test_a_rotated_key_finds_what_was_accepted(way, maker, point):
    send(way, maker, values((NOW_S, 5)))
    inputs.decide(Input.objects.get(), point, POWER, "W", is_signed=False)
    tray.drain(way.gate, NOW_S)
    new, _ = keys.rotate(maker, datetime.fromtimestamp(NOW_S, UTC))

    assert send(way, new, values((NOW_S + 1, 6)), NOW_S + 1).receipt.kept == 1


def test_another_unit_of_the_same_dimension_is_converted_and_of_another_quarantined(
    way, maker, point
):
    send(way, maker, values((NOW_S, 5), unit="kW"))
    told = send(
        way, maker, values((NOW_S + 1, 6_000), unit="W") + values((NOW_S + 2, 1), unit="Wh")
    )
    assert [fault.code for fault in told.receipt.quarantined] == ["unit.mismatch"]

    inputs.decide(Input.objects.get(), point, POWER, "kW", is_signed=False)
    tray.drain(way.gate, NOW_S)
    told = send(
        way,
        maker,
        values((NOW_S + 3, 7_000), unit="W") + values((NOW_S + 4, 1), unit="V"),
        NOW_S + 4,
    )

    assert [fault.code for fault in told.receipt.quarantined] == ["unit.mismatch"]
    assert stored(way) == [(NOW_S, 5_000), (NOW_S + 1, 6_000), (NOW_S + 3, 7_000)]


@pytest.mark.parametrize(
    ("path", "unit", "error"),
    [
        ("temperature/air/raw", "Cel", Malformed),  # a mean: its step is not known
        ("consumption/power", "W", Malformed),
        (POWER, "kWh", Malformed),
        ("temperature/indoor/raw", "Cel", Refused),  # the key does not write it
    ],
)
def test_a_decision_that_cannot_be_is_refused(way, maker, point, path, unit, error):
    send(way, maker, values((NOW_S, 5)))

    with pytest.raises(error):
        inputs.decide(Input.objects.get(), point, path, unit, is_signed=False)
    assert Input.objects.get().state == State.WAITING


def test_two_inputs_never_write_one_series(way, maker, point):
    send(way, maker, values((NOW_S, 5)) + values((NOW_S, 6), name="power2"))
    first, second = Input.objects.order_by("name")
    inputs.decide(first, point, POWER, "W", is_signed=True)

    with pytest.raises(Conflict):
        inputs.decide(
            second, point, POWER.replace("consumption", "production"), "W", is_signed=False
        )
    inputs.decide(second, point, f"{POWER}/heat-pump", "W", is_signed=False)


def test_a_point_of_somebody_else_cannot_be_chosen(way, maker):
    send(way, maker, values((NOW_S, 5)))
    other = registry.series(registry.site("other"), prm="09876543210999").point

    with pytest.raises(Refused):
        inputs.decide(Input.objects.get(), other, POWER, "W", is_signed=False)

import contextlib
from decimal import Decimal

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.federate.conftest import NOW_S, POWER, column

from kevre.federate import frame, seal
from kevre.federate.frame import Frame, Piece, Span
from kevre.model import identifier
from kevre.model.batch import Column
from kevre.model.errors import KevreError, Malformed
from kevre.model.quality import Quality
from kevre.model.series import Direction, Fluid, Kind, Statistic
from kevre.model.window import Window

WINDOW = Window.of_seconds(NOW_S - 10 * 86_400, NOW_S + 86_400 * 400)


def again(one):
    content = frame.encode(one)
    assert frame.length(content[:4]) == len(content) - 4
    return frame.decode(content[4:], now_s=NOW_S)


def readings(piece):
    return list(piece.column.readings())


def values(one):
    """The readings with their values in their shortest form: SenML does not keep zeros."""
    return [
        (r.start_s, r.step_s, r.quality, r.value and Decimal(r.value[0]).scaleb(r.value[1]))
        for r in one
    ]


@pytest.mark.parametrize("count", [0, 1, 10, 301, 5_000])
@given(st.integers(-3, 3), st.sampled_from([0, 60, 1800]), st.integers(-(10**9), 10**9))
def test_a_frame_is_read_as_it_was_written(count, exponent, step_s, first):
    urn = POWER if step_s else POWER.replace("raw", "instant")
    whole = column(
        [first + place for place in range(count)], urn=urn, step_s=step_s, exponent=exponent
    )
    sent = Frame(7, (Piece(whole, WINDOW),), (Span(POWER, WINDOW),), (Span(POWER, WINDOW),))

    found = again(sent)

    assert (found.cursor, found.refused, found.erased) == (7, sent.refused, sent.erased)
    assert values(readings(found.pieces[0])) == values(readings(sent.pieces[0]))
    assert found.pieces[0].window == WINDOW


@pytest.mark.parametrize("count", [3, 400])
def test_missing_readings_and_marks_travel(count):
    whole = column([0] * count, quality=Quality.MISSING)
    doubtful = column([5] * count, urn=POWER.replace("raw", "corrected"), quality=5)

    found = again(Frame(1, (Piece(whole, WINDOW), Piece(doubtful, WINDOW))))

    assert [readings(one) for one in found.pieces] == [
        list(whole.readings()),
        list(doubtful.readings()),
    ]


@pytest.mark.parametrize("count", [3, 400])
def test_a_seal_holds_in_either_form(own, count):
    whole = column(range(count), exponent=-3)
    sent = Piece(whole, WINDOW, seal=seal.seal(whole, own))

    found = again(Frame(1, (sent,))).pieces[0]

    seal.verify(found.seal, found.column, {own.public.name: own.public}.get)


def test_a_series_whose_path_tells_nothing_travels_with_its_kind():
    kind = Kind(Fluid.INDOOR, "sound", Direction.NONE, Statistic.INSTANT, "%RH")
    plain = column([1], urn=POWER)
    odd = Column(
        "urn:dev:ow:10e2_sound/level",
        kind,
        0,
        plain.start_s,
        plain.step_s,
        plain.value,
        plain.quality,
    )
    assert identifier.kind_of("sound/level") is None

    assert again(Frame(1, (Piece(odd, WINDOW),))).pieces[0].column.kind == kind


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("n"),
        lambda d: d.update(s=[]),
        lambda d: d.update(s=d["s"] * 2),
        lambda d: d["s"][0].__setitem__(0, "urn:nonsense"),
        lambda d: d["s"][0].__setitem__(2, d["s"][0][3] - 1),
        lambda d: d["s"][0].__setitem__(1, ["electricity", "x", "up", "mean", "W"]),
        lambda d: d.update(x=[[1]]),
        lambda d: d.update(p=b"no parquet"),
    ],
)
@pytest.mark.parametrize("count", [3, 400])
def test_a_frame_that_contradicts_itself_is_refused(spoil, count):
    document = cbor2.loads(frame.encode(Frame(1, (Piece(column(range(count)), WINDOW),)))[4:])
    spoil(document)

    with pytest.raises(KevreError):
        frame.decode(cbor2.dumps(document), now_s=NOW_S)


@given(st.binary(max_size=300))
def test_no_bytes_make_reading_fail_otherwise(content):
    with contextlib.suppress(KevreError):
        frame.decode(content, now_s=NOW_S)


def test_a_declared_length_beyond_all_frames_is_refused():
    with pytest.raises(Malformed):
        frame.length(b"\xff\xff\xff\xff")


def test_a_live_reading_in_a_batch_of_ten_costs_at_most_forty_bytes(own):
    whole = column([512 + place % 7 for place in range(10)], step_s=10)
    sent = Piece(whole, WINDOW, seal=seal.seal(whole, own))

    assert len(frame.encode(Frame(123_456, (sent,)))) <= 400

"""Tightly written readings: nothing is lost, nothing damaged passes, little is spent."""

import contextlib
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.formats import tight, word
from kevre.model.batch import Column
from kevre.model.errors import Malformed, Unavailable
from kevre.model.identifier import KINDS
from kevre.model.quality import Quality
from kevre.model.window import EARLIEST_S

INT64 = 2**63 - 1
POINT = "urn:dev:prm:09876543210123"


@st.composite
def columns(draw):
    path = draw(st.sampled_from(sorted(KINDS)))
    count = draw(st.integers(1, 40))
    gaps = draw(st.lists(st.integers(1, 4_000), min_size=count, max_size=count))
    start_s, at_s = [], draw(st.integers(EARLIEST_S, 2_000_000_000))
    for gap_s in gaps:
        start_s.append(at_s)
        at_s += gap_s
    numbers = st.one_of(st.integers(-INT64 - 1, INT64), st.integers(-50, 50))
    quality = draw(st.lists(st.sampled_from(list(Quality)), min_size=count, max_size=count))
    values = draw(st.lists(numbers, min_size=count, max_size=count))
    values = [0 if q is Quality.MISSING else v for v, q in zip(values, quality, strict=True)]
    step_s = draw(st.lists(st.sampled_from([0, 10, 600, 86_400]), min_size=count, max_size=count))
    return Column(
        f"{POINT}_{path}",
        KINDS[path],
        draw(st.integers(-9, 9)),
        array("q", start_s),
        array("i", step_s),
        array("q", values),
        array("B", quality),
    )


@given(some=st.lists(columns(), max_size=5), meta=st.lists(st.integers(), max_size=3))
def test_what_is_written_is_read_again(some, meta):
    note = tight.decode(tight.encode(meta, some), origin="key:x")

    assert note.meta == meta
    assert note.batch.columns == tuple(some)
    assert note.batch.faults == ()


@given(some=st.lists(columns(), min_size=1, max_size=2), junk=st.binary(max_size=60))
def test_any_other_bytes_are_refused_or_read_but_break_nothing(some, junk):
    whole = tight.encode(None, some)
    for content in (junk, whole[: len(whole) // 2], junk + whole, whole[:20] + junk + whole[20:]):
        try:
            note = tight.decode(content, origin="key:x")
        except Malformed:
            continue
        for column in note.batch.columns:
            assert list(column.start_s) == sorted(set(column.start_s))


def test_a_count_beyond_all_bounds_is_refused_before_it_takes_memory():
    bits = "1" + tight._code(10**9, 6) + tight._signed(0, 1) + tight._signed(1_800_000_000, 30)
    text = tight._deflated(b"\x82\xf6\x81\x63abc")
    body = int(bits, 2)
    content = len(text).to_bytes(2, "big") + text + body.to_bytes(20, "big").lstrip(b"\0")

    with pytest.raises(Malformed) as told:
        tight.decode(content, origin="key:x")
    assert told.value.code == "tight.too_many"


def test_a_text_that_unpacks_without_end_is_refused():
    text = tight._deflated(b"\0" * 10_000_000)

    with pytest.raises(Malformed):
        tight.decode(len(text).to_bytes(2, "big") + text, origin="key:x")


def test_a_series_not_known_here_is_a_fault_and_the_others_are_kept():
    known = column([5], "consumption/power/active/instant")
    other = Column(
        f"{POINT}_what/is/this", known.kind, 0, known.start_s, known.step_s, known.value,
        known.quality,
    )  # fmt: skip

    batch = tight.decode(tight.encode(None, [other, known]), origin="key:x").batch

    assert batch.columns == (known,)
    assert [fault.code for fault in batch.faults] == ["senml.kind"]


def test_a_steady_register_costs_next_to_nothing():
    steady = column([1_000_000 + 3 * n for n in range(60)], "consumption/energy/active/index")

    assert len(tight.encode(None, [steady])) < 50


KEYS = st.from_regex(r"kvw_[0-9a-f]{12}_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", fullmatch=True)


@given(key=st.one_of(KEYS, st.from_regex(r"[!-~]{1,200}", fullmatch=True)), content=st.binary())
def test_an_envelope_brings_key_and_content(key, content):
    body, check = word.sealed(word.of_key(key), content)
    opened = word.opened(body)

    assert (opened.key, opened.content, opened.check) == (key, content, check)


@given(
    content=st.binary(min_size=1, max_size=80), place=st.integers(0, 10**6), bit=st.integers(0, 7)
)
def test_a_bit_that_turned_on_the_way_is_noticed(content, place, bit):
    body, _ = word.sealed(word.of_ticket(b"12345678"), content)
    damaged = bytearray(body)
    damaged[place % len(body)] ^= 1 << bit

    with pytest.raises(Unavailable):
        word.opened(bytes(damaged))


@given(body=st.binary(max_size=100))
def test_no_body_breaks_the_envelope(body):
    with contextlib.suppress(Unavailable):
        word.opened(body)


def test_a_key_of_ours_takes_39_bytes_in_place_of_84():
    assert len(word.of_key("kvw_0123456789ab_" + "A" * 43)) == 39


def column(values, path):
    count = len(values)
    return Column(
        f"{POINT}_{path}",
        KINDS[path],
        0,
        array("q", range(1_800_000_000, 1_800_000_000 + 10 * count, 10)),
        array("i", [0] * count),
        array("q", values),
        array("B", [0] * count),
    )

import contextlib
from array import array
from dataclasses import replace

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.federate import identity, seal
from kevre.federate.seal import Seal
from kevre.model import identifier
from kevre.model.batch import Column
from kevre.model.errors import Refused
from kevre.model.quality import Quality

URN = "urn:dev:prm:09876543210123_consumption/power/active/raw"
KIND = identifier.parse(URN).kind

readings = st.lists(
    st.tuples(st.integers(-(2**50), 2**50), st.sampled_from(list(Quality))), min_size=1, max_size=20
)


def column(rows, exponent=0):
    return Column(
        URN,
        KIND,
        exponent,
        array("q", (1_764_000_000 + 1_800 * place for place in range(len(rows)))),
        array("i", [1_800] * len(rows)),
        array("q", (0 if quality == Quality.MISSING else value for value, quality in rows)),
        array("B", (quality for _, quality in rows)),
    )


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return identity.hold(tmp_path_factory.mktemp("home"))


def known(own):
    return {own.public.name: own.public}.get


@given(readings, st.integers(-6, 3))
def test_sealed_readings_are_known_again_however_they_are_written(own, rows, exponent):
    sealed = seal.seal(column(rows, exponent), own)
    finer = column([(value * 1_000, quality) for value, quality in rows], exponent - 3)

    seal.verify(seal.read(sealed.content), column(rows, exponent), known(own))
    seal.verify(seal.read(sealed.content), finer, known(own))


@given(readings, st.data())
def test_a_single_changed_part_breaks_the_seal(own, rows, data):
    whole = column(rows)
    sealed = seal.seal(whole, own)
    place = data.draw(st.integers(0, len(rows) - 1))
    name = data.draw(st.sampled_from(["start_s", "step_s", "value", "quality"]))
    changed = array(getattr(whole, name).typecode, getattr(whole, name))
    changed[place] ^= 1
    if name == "value" and whole.quality[place] == Quality.MISSING:
        return

    with pytest.raises(Refused) as raised:
        seal.verify(sealed, replace(whole, **{name: changed}), known(own))

    assert raised.value.code == "seal.broken"


def test_readings_of_another_series_break_the_seal(own):
    whole = column([(5, Quality.MEASURED)])
    other = replace(whole, series=URN.replace("123_", "124_"))

    with pytest.raises(Refused):
        seal.verify(seal.seal(whole, own), other, known(own))


def test_a_seal_of_an_unknown_node_is_refused(own, tmp_path):
    whole = column([(5, Quality.MEASURED)])

    with pytest.raises(Refused) as raised:
        seal.verify(seal.seal(whole, identity.hold(tmp_path)), whole, known(own))

    assert raised.value.code == "seal.unknown"


def test_a_seal_that_names_another_key_is_broken(own, tmp_path):
    whole = column([(5, Quality.MEASURED)])
    stranger = seal.seal(whole, identity.hold(tmp_path))

    with pytest.raises(Refused) as raised:
        seal.verify(Seal(own.public.name, stranger.content), whole, known(own))

    assert raised.value.code == "seal.broken"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        cbor2.dumps([]),
        cbor2.dumps([b"", {}, None, b""]),
        cbor2.dumps([cbor2.dumps({1: -8}), {}, None, b"x"]),
        cbor2.dumps([cbor2.dumps({1: -7, 4: b"k"}), {}, None, b"x"]),
        cbor2.dumps([cbor2.dumps({1: -8, 4: b"k"}), {}, b"attached", b"x"]),
        cbor2.dumps([cbor2.dumps({1: -8, 4: "text"}), {}, None, b"x"]),
    ],
)
def test_what_is_no_seal_is_refused(content):
    with pytest.raises(Refused) as raised:
        seal.read(content)

    assert raised.value.code == "seal.malformed"


@given(st.binary(max_size=200))
def test_no_bytes_make_reading_a_seal_fail_otherwise(content):
    with contextlib.suppress(Refused):
        seal.read(content)

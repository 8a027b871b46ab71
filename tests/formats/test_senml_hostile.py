"""SenML: nothing that is sent raises anything but Malformed, and no record vanishes."""

import json

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kevre.formats import senml, senml_cbor, senml_json, senml_xml
from kevre.model.errors import Malformed
from kevre.model.reading import Fault

NOW_S = 1_768_435_200  # 2026-01-15T00:00:00Z
POWER = "urn:dev:prm:09876543210123_consumption/power/active/raw"
DECODERS = {
    "json": senml_json.decode_json,
    "cbor": senml_cbor.decode_cbor,
    "xml": senml_xml.decode_xml,
}
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.just(POWER)
)
labels = st.sampled_from(
    [
        "bn",
        "bt",
        "bu",
        "bv",
        "bver",
        "n",
        "u",
        "v",
        "vs",
        "vb",
        "t",
        "st",
        "bst",
        "q",
        "bq",
        "x_",
        "bx_",
        "other",
    ]
)
documents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(labels, inner, max_size=6)
)


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]>%s',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd">%s',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>%s',
        b"<!DOCTYPE sensml>%s",
    ],
)
def test_entities_and_document_types_are_refused(content):
    pack = b'<sensml xmlns="urn:ietf:params:xml:ns:senml"><senml n="a" v="1"/></sensml>'
    with pytest.raises(Malformed) as raised:
        senml_xml.records(content % pack)
    assert raised.value.code == "senml.xml"


def test_a_billion_laughs_are_refused_in_no_time():
    entities = "".join(
        f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "ha" * 50}">' for i in range(12)
    )
    bomb = f"<!DOCTYPE a [{entities}]><sensml xmlns='{senml_xml.NAMESPACE}'>&e11;</sensml>"
    with pytest.raises(Malformed):
        senml_xml.records(bomb.encode())


@pytest.mark.parametrize("form", DECODERS)
@given(content=st.binary(max_size=200))
def test_no_bytes_raise_anything_but_malformed(form, content):
    survives(form, content)


def survives(form, content):
    try:
        batch = DECODERS[form](content, now_s=NOW_S, origin="test")
    except Malformed:
        return
    for fault in batch.faults:
        assert_can_be_stored(fault)


def assert_can_be_stored(fault):
    assert isinstance(fault, Fault)
    text = f"{fault.raw}{fault.field}{fault.message}"
    text.encode()  # no lone surrogates
    assert "\0" not in text  # PostgreSQL has none


@settings(max_examples=300)
@given(document=documents | st.lists(st.dictionaries(labels, leaves, max_size=8), max_size=5))
def test_no_document_raises_anything_but_malformed(document):
    content = json.dumps(document).encode()
    survives("json", content)
    survives("cbor", cbor2.dumps(document))


@settings(max_examples=300)
@given(records=st.lists(st.dictionaries(labels, leaves, max_size=8), max_size=5))
def test_every_record_is_kept_or_named(records):
    content = json.dumps(records).encode()
    try:
        batch = senml_json.decode_json(content, now_s=NOW_S, origin="test")
    except Malformed:  # NaN is no JSON
        return
    told = {fault.line for fault in batch.faults}
    kept = {r.start_s for column in batch.columns for r in column.readings()}
    for one in senml.resolve(senml_json.records(content), NOW_S):
        assert one.line in told or int(one.at) in kept


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b"[" * 900 + b"]" * 900,
        b'[{"n":"\\ud800\\u0000","v":1}]',
        b'[{"\\ud800_":1}]',
        b"[NaN]",
        b'[{"v":1e999999999}]',
        b'[{"t":1e-999999999,"v":0e-99999999}]',
        b'{"n":1}',
        b"",
    ],
)
def test_hostile_json_is_refused_or_made_a_fault(content):
    survives("json", content)


@pytest.mark.parametrize(
    "content",
    [
        cbor2.dumps([{2: 10**20_000}]),
        cbor2.dumps([{10**20_000: 1}]),
        b"\x81" * 100_000,
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x81\xd8\x1c\x81\xd8\x1d\x00",  # a list that holds itself
        b"\x81\xa1\x02\xc4\x82\x1b\x00\x00\x00\x02\x54\x0b\xe4\x00\x01",  # 1e10000000000
        b"\x81\xa1\x02\xc4\x82\x3b\x00\x00\x00\x02\x54\x0b\xe4\x00\x01",
        b"\x80\x80",
    ],
)
def test_hostile_cbor_is_refused_or_made_a_fault(content):
    survives("cbor", content)

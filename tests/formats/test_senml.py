"""SenML: what was written is read again, RFC 8428's rules hold, and nothing sent can crash."""

import json
from array import array
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.formats import senml, senml_cbor, senml_json, senml_xml
from kevre.model.batch import Column
from kevre.model.identifier import KINDS
from kevre.model.quality import Quality

NOW_S = 1_768_435_200  # 2026-01-15T00:00:00Z
POINT = "urn:dev:prm:09876543210123_"
POWER = POINT + "consumption/power/active/raw"
INDEX = POINT + "consumption/energy/active/index"
FORMS = {
    "json": (senml_json.encode_json, senml_json.decode_json),
    "cbor": (senml_cbor.encode_cbor, senml_cbor.decode_cbor),
    "xml": (senml_xml.encode_xml, senml_xml.decode_xml),
}
EXAMPLES = [*range(1, 13)]


@st.composite
def a_column(draw, path):
    starts = sorted(draw(st.sets(st.integers(640_000_000, 4_000_000_000), min_size=1, max_size=8)))
    size = len(starts)
    some = st.lists(st.sampled_from(list(Quality)), min_size=size, max_size=size)
    steps = st.lists(st.sampled_from([0, 600, 1800, 3600, 86_400]), min_size=size, max_size=size)
    values = st.lists(st.integers(-(10**12), 10**12), min_size=size, max_size=size)
    quality = draw(some)
    value = [0 if q is Quality.MISSING else v for v, q in zip(draw(values), quality, strict=True)]
    return Column(
        POINT + path,
        KINDS[path],
        draw(st.integers(-6, 3)),
        array("q", starts),
        array("i", draw(steps)),
        array("q", value),
        array("B", quality),
    )


columns = st.lists(st.sampled_from(sorted(KINDS)), max_size=3, unique=True).flatmap(
    lambda paths: st.tuples(*(a_column(path) for path in paths))
)


def said(some):
    """Columns as readings whose values are Decimals, whatever their exponent."""
    return [
        (column.series, column.kind, [
            (r.start_s, r.step_s, r.value and Decimal(r.value[0]).scaleb(r.value[1]), r.quality)
            for r in column.readings()
        ])
        for column in some
    ]  # fmt: skip


def read(*records, now_s=NOW_S):
    content = json.dumps(records).encode()
    return senml_json.decode_json(content, now_s=now_s, origin="test")


def only(batch):
    assert not batch.faults
    (column,) = batch.columns
    return list(column.readings())


def fault_of(batch):
    (fault,) = batch.faults
    return fault


@pytest.mark.parametrize("form", FORMS)
@given(columns=columns)
def test_what_was_written_is_read_again(form, columns):
    encode, decode = FORMS[form]
    batch = decode(encode(columns), now_s=NOW_S, origin="test")
    assert batch.faults == ()
    assert said(batch.columns) == said(columns)


@given(columns=columns)
def test_all_forms_say_the_same(columns):
    first, *others = (
        said(decode(encode(columns), now_s=0, origin="test").columns)
        for encode, decode in FORMS.values()
    )
    assert all(other == first for other in others)


def test_digits_survive_beyond_binary_floats():
    batch = senml_json.decode_json(
        b'[{"n":"%s","t":1700000000,"st":1800,"v":1234567890123.456789}]' % POWER.encode(),
        now_s=NOW_S,
        origin="test",
    )
    assert only(batch)[0].value == (1_234_567_890_123_456_789, -6)


def test_base_fields_hold_until_they_change():
    batch = read(
        {"bn": POINT, "bt": 1_700_000_000, "bu": "kW", "bst": 1800, "bv": 1,
         "n": "consumption/power/active/raw", "v": 0.5},
        {"n": "consumption/power/active/raw", "t": 1800, "v": 2},
        {"bn": "", "bv": 0, "n": INDEX, "u": "Wh", "t": -60, "st": 0, "v": 7},
    )  # fmt: skip
    assert said(batch.columns) == [
        (POWER, KINDS["consumption/power/active/raw"], [
            (1_700_000_000, 1800, 1500, Quality.MEASURED),
            (1_700_001_800, 1800, 3000, Quality.MEASURED),
        ]),
        (INDEX, KINDS["consumption/energy/active/index"], [
            (1_699_999_940, 0, 7, Quality.MEASURED),
        ]),
    ]  # fmt: skip


def test_the_unit_of_a_record_wins_over_the_base_unit():
    (reading,) = only(read({"bu": "kW", "u": "W", "n": POWER, "t": 1.7e9, "st": 1800, "v": 612}))
    assert reading.value == (612, 0)


@pytest.mark.parametrize("record", [{}, {"t": 0}, {"t": -60}, {"bt": -60}, {"bt": 60, "t": -120}])
def test_small_times_count_from_now(record):
    (reading,) = only(read({"n": INDEX, "v": 7} | record))
    assert reading.start_s == NOW_S + record.get("bt", 0) + record.get("t", 0)


@pytest.mark.parametrize("version", [5, 10, 10.0])
def test_older_versions_are_read(version):
    assert only(read({"bver": version, "n": INDEX, "v": 7}))


@pytest.mark.parametrize("version", [11, "10", None])
def test_a_newer_version_is_refused_with_all_that_follows(version):
    batch = read({"bver": version, "n": INDEX, "v": 7}, {"n": INDEX, "t": 60, "v": 8})
    assert not batch.columns
    assert [(f.code, f.line, f.field) for f in batch.faults] == [
        ("senml.version", 1, "bver"),
        ("senml.base", 2, "bver"),
    ]


def test_a_label_that_must_be_understood_refuses_its_record_and_no_other():
    batch = read({"n": INDEX, "v": 7, "scale_": 2}, {"n": INDEX, "v": 8})
    fault = fault_of(batch)
    assert (fault.code, fault.line, fault.field) == ("senml.must_understand", 1, "scale_")
    assert len(batch) == 1


def test_a_base_that_must_be_understood_refuses_all_that_follows():
    batch = read({"n": INDEX, "v": 7, "bscale_": 2}, {"n": INDEX, "v": 8})
    assert [f.code for f in batch.faults] == ["senml.must_understand", "senml.base"]


def test_records_after_a_base_time_that_cannot_be_read_are_not_taken_for_now():
    batch = read(
        {"bn": POWER, "bst": 1800, "bt": "yesterday", "v": 1},
        {"t": 1800, "v": 2},
        {"bt": 1_700_000_000, "v": 3},
    )
    assert [(f.code, f.line, f.field) for f in batch.faults] == [
        ("senml.number", 1, "bt"),
        ("senml.base", 2, "bt"),
    ]
    assert [r.start_s for c in batch.columns for r in c.readings()] == [1_700_000_000]


@pytest.mark.parametrize("value", [{"vs": "on"}, {"vb": True}, {"vd": "AAE"}, {}, {"s": 12}])
def test_what_has_no_number_is_a_fault(value):
    fault = fault_of(read({"n": INDEX, "t": 1.7e9} | value))
    assert (fault.code, fault.line, fault.field) == ("senml.not_numeric", 1, "v")
    assert "q 7" in fault.hint


@pytest.mark.parametrize(
    ("record", "code", "field"),
    [
        (7, "senml.record", ""),
        ({"n": INDEX, "v": "7"}, "senml.number", "v"),
        ({"n": INDEX, "v": True}, "senml.number", "v"),
        ({"n": INDEX, "v": 1e30}, "senml.number", "v"),
        ({"n": INDEX, "v": 1e19}, "value.not_a_number", "v"),
        ({"n": INDEX, "v": 1, "t": 5e9}, "time.out_of_range", "t"),
        ({"n": INDEX, "v": 1, "t": 3e8}, "time.out_of_range", "t"),
        ({"n": INDEX, "v": 1, "u": "bananas"}, "unit.unknown", "u"),
        ({"n": INDEX, "v": 1, "u": "W"}, "unit.mismatch", "u"),
        ({"n": INDEX, "v": 1, "u": 5}, "senml.text", "u"),
        ({"n": "kitchen", "v": 1}, "identifier.malformed", "n"),
        ({"n": "urn:dev:prm:123_consumption/power/active/raw", "v": 1}, "identifier.digits", "n"),
        ({"n": POINT + "kitchen/lamp", "v": 1}, "senml.kind", "n"),
        ({"n": POWER, "v": 1}, "senml.step", "st"),
        ({"n": POWER, "v": 1, "st": -1}, "senml.step", "st"),
        ({"n": POWER, "v": 1, "st": 0.5}, "senml.step", "st"),
        ({"n": INDEX, "v": 1, "q": 8}, "senml.quality", "q"),
        ({"n": INDEX, "v": 1, "q": 1.0}, "senml.quality", "q"),
    ],
)
def test_a_bad_record_is_named_and_the_others_are_kept(record, code, field):
    batch = read({"n": INDEX, "t": -60, "v": 1}, record, {"n": INDEX, "t": -30, "v": 2})
    fault = fault_of(batch)
    assert (fault.code, fault.line, fault.field) == (code, 2, field)
    assert len(batch) == 2


def test_without_a_step_the_usual_distance_is_the_step():
    starts = [0, 1800, 3600, 9000]
    batch = read(*({"n": POWER, "t": 1.7e9 + start, "v": 1} for start in starts))
    assert [r.step_s for r in only(batch)] == [1800] * 4


@pytest.mark.parametrize("path", ["temperature/indoor/raw", "consumption/power/apparent/max"])
def test_instants_have_no_step(path):
    batch = read(*({"n": POINT + path, "t": 1.7e9 + start, "v": 1} for start in [0, 60]))
    assert [r.step_s for r in only(batch)] == [0, 0]


def test_a_missing_reading_needs_no_value():
    batch = read({"bn": POWER, "bt": 1.7e9, "bst": 1800, "q": 7}, {"t": 1800, "v": 5, "q": 1})
    assert [(r.value, r.quality) for r in only(batch)] == [
        (None, Quality.MISSING),
        ((5, 0), Quality.ESTIMATED),
    ]


def test_the_base_quality_holds_until_a_record_has_its_own():
    batch = read(
        {"bn": INDEX, "bt": 1.7e9, "bq": 4, "v": 1}, {"t": 1, "v": 2}, {"t": 2, "v": 3, "q": 0}
    )
    assert [r.quality for r in only(batch)] == [
        Quality.MANUAL,
        Quality.MANUAL,
        Quality.MEASURED,
    ]


def test_of_two_readings_within_a_second_the_last_stands_and_a_fault_says_so():
    batch = read({"n": INDEX, "t": 1.7e9, "v": 1}, {"n": INDEX, "t": 1_700_000_000.75, "v": 2})
    fault = fault_of(batch)
    assert (fault.code, fault.line) == ("reading.contradicts", 2)
    assert [r.value for r in batch.columns[0].readings()] == [(2, 0)]


def test_old_names_are_read():
    batch = read({"n": POINT + "consumption_load", "t": 1.7e9, "st": 1800, "v": 1})
    assert batch.columns[0].series == POWER


@pytest.mark.real_data
@pytest.mark.parametrize("number", EXAMPLES)
def test_the_examples_of_the_rfc_resolve_as_it_says(samples, number):
    folder = samples / "senml"
    packed = senml_json.records((folder / f"ex{number}.gen.json").read_bytes())
    stated = senml_json.records((folder / f"ex{number}.gen.resolved.json").read_bytes())
    # Those without a time were resolved when the RFC was written: their own t is that now.
    now_s = 0 if number == 11 else min(int(record["t"]) for record in stated)
    assert [one for one in resolved(packed, now_s) if one[0] in names(stated)] == resolved(stated)
    if number != 11:  # its resolved form has bases itself
        literal = [(r["n"], r.get("u", ""), r["t"], r.get("v")) for r in stated]
        assert [one[:4] for one in resolved(stated)] == literal


def names(records):
    return {record["n"] for record in records}


def resolved(records, now_s=0):
    return [(r.name, r.unit, r.at, r.value, r.is_text) for r in senml.resolve(records, now_s)]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("number", "form", "module"),
    [(3, "cbor", senml_cbor), (5, "cbor", senml_cbor)]
    + [(number, "xml", senml_xml) for number in (1, 2, 3, 5, 8)],
)
def test_the_examples_are_the_same_in_all_forms(samples, number, form, module):
    folder = samples / "senml"
    json_records = senml_json.records((folder / f"ex{number}.gen.json").read_bytes())
    records = module.records((folder / f"ex{number}.gen.{form}").read_bytes())
    assert resolved(records) == resolved(json_records)

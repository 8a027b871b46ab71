import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.model import identifier
from kevre.model.errors import Malformed
from kevre.model.identifier import ALIASES, KINDS, SeriesName
from kevre.model.series import Direction, Statistic
from kevre.model.unit import unit

digits = st.text("0123456789", min_size=14, max_size=14)


@given(digits, st.sampled_from(sorted(KINDS)))
def test_a_name_is_read_back_as_it_was_written(prm, path):
    name = SeriesName("prm", prm, path)

    assert identifier.parse(str(name)) == name
    assert name.point == identifier.point(f"urn:dev:prm:{prm}")


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_every_older_name_leads_to_a_known_kind(alias):
    name = identifier.parse(f"urn:dev:prm:09876543210123_{alias}")

    assert name.kind == KINDS[ALIASES[alias]]


def test_the_older_name_of_a_tariff_class_leads_to_its_present_one():
    name = identifier.parse("urn:dev:prm:09876543210123_consumption/energy/index/distributor/hph")
    assert name.path == "consumption/energy/active/index/distributor/hph"
    assert identifier.v2_path(name.path) == name.path


@pytest.mark.parametrize("path", sorted(KINDS))
def test_a_path_and_its_kind_say_the_same(path):
    kind = KINDS[path]

    assert unit(kind.unit).base == kind.unit
    if kind.direction is not Direction.NONE:
        assert path.startswith(kind.direction.value)
    if path.endswith("/index"):
        assert kind.statistic is Statistic.REGISTER


def test_a_register_of_a_tariff_class_has_the_kind_of_its_total():
    assert (
        identifier.kind_of("consumption/energy/active/index/distributor/hch")
        == KINDS["consumption/energy/active/index"]
    )
    assert identifier.kind_of("consumption/energy/active/indexed") is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("urn:dev:prm:1234567890123_consumption/power/active/raw", "identifier.digits"),
        ("urn:dev:prm:123456789012345_consumption/power/active/raw", "identifier.digits"),
        ("urn:dev:prm:12345678901234", "identifier.malformed"),
        ("urn:dev:prm:12345678901234_", "identifier.malformed"),
        ("urn:dev:prm:12345678901234_a//b", "identifier.malformed"),
        ("urn:dev:prm:12345678901234_../../etc", "identifier.malformed"),
        ("prm:12345678901234_x", "identifier.malformed"),
        ("", "identifier.malformed"),
    ],
)
def test_what_is_not_a_name_is_refused_without_repeating_it(text, code):
    with pytest.raises(Malformed) as caught:
        identifier.parse(text)

    assert caught.value.code == code
    assert "1234567890123" not in str(caught.value)


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_malformed(text):
    try:
        assert str(identifier.parse(text))
    except Malformed:
        return


def test_names_of_organisations_and_sensors_are_known_forms():
    assert (
        identifier.parse("urn:dev:org:32473-kevre-demo:school_production/power/active/raw").device
        == "32473-kevre-demo:school"
    )
    assert identifier.parse("urn:dev:ow:10e2073a01080063_temperature/indoor/raw").kind.unit == "Cel"

import pytest

from kevre.model import unit
from kevre.model.errors import Malformed


@pytest.mark.parametrize("symbol", sorted(unit.UNITS))
def test_every_unit_has_a_base_that_is_its_own_base(symbol):
    base = unit.unit(unit.unit(symbol).base)

    assert (base.symbol, base.shift) == (base.base, 0)


@pytest.mark.parametrize("spelling", sorted(unit.SPELLINGS))
def test_every_other_spelling_leads_to_a_unit(spelling):
    assert unit.unit(spelling).symbol == unit.SPELLINGS[spelling]


def test_a_kilowatt_hour_is_a_thousand_watt_hours():
    assert unit.shift("kWh", "Wh") == 3
    assert unit.shift("Wh", "MWh") == -6


def test_energy_is_never_read_as_power():
    with pytest.raises(Malformed) as caught:
        unit.shift("Wh", "W")

    assert caught.value.code == "unit.mismatch"


def test_an_unknown_unit_is_named_with_a_remedy():
    with pytest.raises(Malformed) as caught:
        unit.unit("furlong")

    assert "furlong" in str(caught.value)
    assert caught.value.hint

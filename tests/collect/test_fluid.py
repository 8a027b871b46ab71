"""Properties of fluids against published figures and a maker's curves."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.collect import fluid


@pytest.mark.parametrize(
    ("temp_c", "density"),
    # Kell 1975, table II: water without air at 1 atm.
    [(0, 999.8396), (4, 999.9720), (25, 997.0449), (50, 988.0363), (100, 958.3637)],
)
def test_water_has_the_density_of_its_table(temp_c, density):
    assert fluid.Water().density(temp_c) == pytest.approx(density, abs=0.0005)


@pytest.mark.parametrize(
    ("temp_c", "capacity"),
    # IAPWS-95 at 1 atm, rounded: the formula stays within 0.1 % of it.
    [(0, 4_219), (25, 4_182), (50, 4_181), (75, 4_193), (99, 4_215)],
)
def test_water_has_the_heat_capacity_of_the_standard(temp_c, capacity):
    assert fluid.Water().heat_capacity(temp_c) == pytest.approx(capacity, rel=0.001)


def test_glycol_at_its_base_has_the_first_coefficient():
    assert fluid.propylene(30.7031).density(32.7083) == 1_018
    assert fluid.propylene(30.7031).heat_capacity(32.7083) == 3_882
    assert fluid.ethylene(30.8462).density(31.728) == 1_034
    assert fluid.ethylene(30.8462).heat_capacity(31.728) == 3_737


@pytest.mark.parametrize("make", [fluid.propylene, fluid.ethylene])
@pytest.mark.parametrize("temp_c", [5, 20, 40])
def test_glycol_without_glycol_is_nearly_water(make, temp_c):
    water, none = fluid.Water(), make(0.001)

    assert none.density(temp_c) == pytest.approx(water.density(temp_c), rel=0.003)
    assert none.heat_capacity(temp_c) == pytest.approx(water.heat_capacity(temp_c), rel=0.01)


def curve(path, share):
    """The points of one concentration in a maker's digitised chart."""
    rows = list(csv.reader(path.read_text().splitlines()))
    column = 2 * [cell for cell in rows[0] if cell].index(str(share))
    points = [(float(row[column]), float(row[column + 1])) for row in rows[2:] if row[column]]
    return tuple(sorted(points))


@pytest.fixture
def coracon(samples):
    folder = samples / "solar_thermal"

    def at(share):
        return fluid.Tabled(
            curve(folder / "Coracon_SOL_5_density.csv", share),
            curve(folder / "Coracon_SOL_5_heat_capacity.csv", share),
        )

    return at


@pytest.mark.real_data
@pytest.mark.parametrize(("share", "apart"), [(20, 0.027), (30, 0.027), (40, 0.027), (50, 0.045)])
@pytest.mark.parametrize("temp_c", [0, 20, 40, 60, 80, 100])
def test_propylene_glycol_is_near_what_the_maker_of_a_solar_fluid_says(
    coracon, share, apart, temp_c
):
    maker, ours = coracon(share), fluid.propylene(share)

    assert ours.density(temp_c) == pytest.approx(maker.density(temp_c), rel=0.0065)
    assert ours.heat_capacity(temp_c) == pytest.approx(maker.heat_capacity(temp_c), rel=apart)


@given(st.floats(-40, 200))
def test_a_table_lies_on_its_lines(temp_c):
    tabled = fluid.Tabled(((0, 1_000), (50, 950), (100, 800)), ((0, 4_000), (100, 4_000)))
    expected = 1_000 - temp_c if temp_c <= 50 else 950 - 3 * (temp_c - 50)

    assert tabled.density(temp_c) == pytest.approx(expected)
    assert tabled.heat_capacity(temp_c) == pytest.approx(4_000)


@pytest.mark.parametrize("table", [(), ((0, 1),), ((1, 1), (0, 1)), ((0, 1), (0, 2))])
def test_a_table_of_one_point_or_out_of_order_is_none(table):
    with pytest.raises(ValueError, match="two points"):
        fluid.Tabled(table, ((0, 1), (1, 1)))

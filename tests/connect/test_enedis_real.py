"""Real files of Enedis against figures worked out here again, without the parser."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from tests.connect.reading import faults_of, from_file, only, readings_of

from kevre.model.errors import Malformed
from kevre.model.quality import Quality

pytestmark = pytest.mark.real_data

PARIS = ZoneInfo("Europe/Paris")
LINKY = "linky_customer_csv"
HDM = "enedis_sge/sge-tiers/CommandeTransmissionHistoriqueMesures"
CURVES = {
    # file: hints, rows, first and last start, missing, half-hours, hours, total [Wh]
    f"{LINKY}/linky_30min_2022-07_2023-07_anonymised.csv": (
        {"prm": "01111111111111"},
        17_520, "2022-07-28T22:00", "2023-07-28T21:30", 0, 17_520, 0, 7_302_599,
    ),
    f"{LINKY}/aeneria_Enedis_Conso_Heure.csv": (
        {}, 104, "2022-01-17T23:00", "2022-01-26T04:00", 13, 104, 0, 14_271,
    ),
    f"{HDM}/C5-CDC/Enedis_SGE_HDM_A06NW0ZI.csv": (
        {}, 17_866, "2021-01-06T23:00", "2022-02-01T22:30", 14, 16_992, 874, 9_674_573,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CURVES)
def test_a_real_curve_gives_its_known_figures(samples, name):
    hints, count, first, last, missing, half_hours, hours, _ = CURVES[name]
    found = only(from_file(samples / name, **hints))
    assert len(found) == count
    assert (f"{found[0].start:%Y-%m-%dT%H:%M}", f"{found[-1].start:%Y-%m-%dT%H:%M}") == (
        first,
        last,
    )
    assert sum(r.quality is Quality.MISSING for r in found) == missing
    steps = [r.step_s for r in found]
    assert (steps.count(1800), steps.count(3600)) == (half_hours, hours)
    assert all(a.start_s + a.step_s <= b.start_s for a, b in pairwise(found))


@pytest.mark.parametrize("name", CURVES)
def test_a_real_curve_gives_the_energy_that_a_plain_sum_gives(samples, name):
    hints, *_, total_wh = CURVES[name]
    found = only(from_file(samples / name, **hints))
    assert sum(r.value[0] * r.step_s for r in found if r.value) == total_wh * 3600
    assert plain_sum_wh(samples / name) == total_wh


def plain_sum_wh(path):
    """Power times the distance to the row before; after a gap, to the row after."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    rows = [line.split(";")[:2] for line in lines if line.startswith("20")]
    at_s = [datetime.fromisoformat(row[0]).timestamp() for row in rows]
    total_wh = 0.0
    for n, (_, power) in enumerate(rows):
        step_s = at_s[n] - at_s[n - 1] if n else 1e9
        if step_s > 3600:
            step_s = at_s[n + 1] - at_s[n]
        total_wh += float(power or 0) * step_s / 3600
    return total_wh


def test_thirteen_digits_are_refused_with_a_remedy(samples):
    path = samples / LINKY / "linky_30min_2022-07_2023-07_anonymised.csv"
    with pytest.raises(Malformed) as raised:
        from_file(path)
    assert raised.value.code == "identifier.digits"
    assert raised.value.where == f"{path.name}, line 2, field Identifiant PRM"
    assert "--prm" in raised.value.hint


def registers_of(samples):
    found = from_file(samples / LINKY / "aeneria_Enedis_Conso_Jour.csv")
    assert faults_of(found) == []
    return readings_of(found)["urn:dev:prm:00000000000000_consumption/energy/active/index"]


def test_real_daily_registers_lie_on_local_midnights_one_a_day(samples):
    found = registers_of(samples)
    local = [r.start.astimezone(PARIS) for r in found]
    assert len(found) == 264
    assert {(at.hour, at.minute) for at in local} == {(0, 0)}
    assert (str(local[0].date()), str(local[-1].date())) == ("2021-01-24", "2021-10-14")
    assert found[0].value == (15_521_318, 0)
    assert all(a.value[0] <= b.value[0] for a, b in pairwise(found))

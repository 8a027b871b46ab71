"""The planned sites, and the readings that are made for them."""

from datetime import UTC, datetime

import numpy as np
import pytest

from kevre.collect.load import Load
from kevre.model.series import Direction, Statistic
from kevre.node.demo.make import Maker
from kevre.node.demo.origin import ORIGINS, origin_of
from kevre.node.demo.plan import plan

NOW_S = int(datetime(2026, 11, 24, 3, tzinfo=UTC).timestamp())
PLAN = plan()
DAY_S = 86_400


@pytest.fixture(scope="module")
def maker(record_files):
    return Maker(PLAN.sky, record_files)


def every_series():
    return [(s, one) for s in PLAN.sites for point in s.points for one in point.series]


def fed(site_slug, feed):
    return next((s, one) for s, one in every_series() if (s.slug, one.feed) == (site_slug, feed))


def test_every_series_has_its_own_name_and_a_stated_origin():
    names = [series.urn for _, series in every_series()]
    assert len(set(names)) == len(names)
    origins = {origin_of(series.feed).slug for _, series in every_series()}
    # The communes have an origin to name, and no readings.
    assert origins | {"demo-communes"} == {origin.slug for origin in ORIGINS}


def test_enough_homes_consent_for_a_total():
    homes = [site for site in PLAN.sites if site.kind == "home"]
    assert len(homes) == 12
    assert not any(site.is_public for site in homes)
    assert sum(site.solar is not None for site in homes) == 3


def test_only_a_device_sends_instants():
    for _, series in every_series():
        assert (series.feed == "live") == (series.step_s is None)
        if series.kind.statistic is Statistic.INSTANT:
            assert series.feed == "live"


@pytest.mark.parametrize(("site", "series"), every_series())
def test_each_series_reaches_now_in_whole_intervals_of_its_step(maker, site, series):
    run = maker.readings(site, series, NOW_S - 9 * DAY_S, NOW_S)
    if series.feed == "live":
        assert len(run) == 0
        return
    assert NOW_S - 2 * DAY_S < run.start_s[-1] + run.step_s[-1] <= NOW_S
    assert set(run.step_s.tolist()) == {series.step_s}
    if series.kind.direction is not Direction.NONE:
        assert run.value.min() >= 0


@pytest.mark.parametrize(
    ("slug", "prefix"), [("ecole-des-embruns", "meter:"), ("maison-04", ""), ("maison-07", "")]
)
def test_import_and_production_less_export_is_what_the_site_used(maker, slug, prefix):
    imported, exported, solar = (
        maker.readings(*fed(slug, prefix + flow), NOW_S - 40 * DAY_S, NOW_S)
        for flow in ("import", "export", "solar")
    )
    per_slot = 1_800 // int(solar.step_s[0])
    made = np.rint(solar.value.reshape(-1, per_slot).mean(axis=1))
    used = imported.value + made - exported.value
    assert used.min() > 0
    assert exported.value.max() > 0
    assert np.median(exported.value) == 0


def test_a_generated_home_never_imports_and_exports_at_once(maker):
    imported, exported = (
        maker.readings(*fed("maison-04", flow), NOW_S - 40 * DAY_S, NOW_S).value
        for flow in ("import", "export")
    )
    assert ((imported == 0) | (exported == 0)).all()


def test_the_curve_of_the_live_meter_is_what_its_registers_counted(maker):
    site, series = fed("ecole-des-embruns", "meter:import")
    run = maker.readings(site, series, NOW_S - 3 * DAY_S, NOW_S)
    meter = Load(site.meter.seed, site.meter.profile, site.meter.solar_wp)
    end_s = int(run.start_s[-1] + run.step_s[-1])
    counted_wh = meter.at(end_s).import_wh - meter.at(int(run.start_s[0])).import_wh
    assert run.value.sum() / 2 == counted_wh
    solar = maker.readings(*fed("ecole-des-embruns", "meter:solar"), NOW_S - 3 * DAY_S, NOW_S)
    hour = solar.start_s // 3_600 % 24
    assert (solar.value[(hour < 5) | (hour > 20)] == 0).all()


def test_the_readings_of_a_minute_are_those_of_the_whole_history(maker):
    for site, series in every_series():
        whole = maker.readings(site, series, NOW_S - 4 * DAY_S, NOW_S)
        last = maker.readings(site, series, NOW_S - 2 * DAY_S, NOW_S)
        if len(last):
            assert whole.value[-len(last) :].tolist() == last.value.tolist()
            assert whole.start_s[-len(last) :].tolist() == last.start_s.tolist()


def test_buildings_use_as_much_as_such_buildings_do(maker):
    year_s = 365 * DAY_S
    kwh_per_m2 = {}
    for site in PLAN.sites:
        loads = [s for p in site.points for s in p.series if s.feed == "load"]
        if loads and site.floor_area_m2:
            run = maker.readings(site, loads[0], NOW_S - year_s, NOW_S)
            kwh = (run.value * run.step_s).sum() / 3.6e6
            kwh_per_m2[site.slug] = kwh / site.floor_area_m2
    assert 15 < kwh_per_m2["mairie-annexe-de-lanester"] < 120
    assert 100 < kwh_per_m2["piscine-des-goelands"] < 350
    for slug, intensity in kwh_per_m2.items():
        if slug.startswith(("maison", "appartement")):
            assert 15 < intensity < 130, slug

"""A small town for tests of pages: two public sites, one private, twelve homes together."""

from array import array
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from django.utils.text import slugify

from kevre.flow import derive
from kevre.flow.accept import Writer
from kevre.flow.way import Way
from kevre.model import identifier
from kevre.model.batch import Batch, Column
from kevre.model.series import Fluid
from kevre.places.models import MeteringPoint, Party, Series, Site, Source, Territory
from kevre.rights.models import Account, Grant, Membership

SCHOOL, POOL, HOUSE, STATION = "ecole", "piscine", "maison-0", "station"
METER = "urn:dev:prm:000000000000"


@dataclass
class Town:
    way: Way
    now: datetime
    days: int

    def series(self, path):
        return Series.objects.get(urn__endswith=f"{path}", point__site__slug=SCHOOL)


def build(way, now, days):
    """Fill the registry and the store with `days` days that end now."""
    region = Territory.objects.create(code="53", level="region", name="Bretagne", slug="bretagne")
    place = Territory.objects.create(
        code="200042174",
        level="agglomeration",
        name="Lorient Agglomération",
        slug="lorient-agglomeration",
        parent=region,
        population=208_000,
        latitude=47.75,
        longitude=-3.37,
    )
    communes = [
        Territory.objects.create(
            code=code,
            level="commune",
            name=name,
            slug=slugify(name),
            parent=place,
            population=population,
            latitude=latitude,
            longitude=longitude,
        )
        for code, name, population, latitude, longitude in (
            ("56121", "Lorient", 57_846, 47.748, -3.366),
            ("56162", "Ploemeur", 18_100, 47.735, -3.427),
            ("56098", "Lanester", 23_300, 47.764, -3.342),
            ("56185", "Quéven", 8_800, 47.789, -3.416),
            ("56069", "Groix", 2_250, 47.639, -3.455),
        )
    ]
    town = Town(way, now, days)
    _sites(town, communes)
    derive.catch_up(way.store)
    return town


def _sites(town, communes):
    measured = Source.objects.create(
        slug="measured", name="Meters of the town", nature="measured", licence="Licence Ouverte 2.0"
    )
    generated = Source.objects.create(
        slug="generated", name="Seeded generator", nature="generated", attribution="Kevre"
    )
    school = Site.objects.create(
        slug=SCHOOL, name="École des Embruns", kind="school", territory=communes[0],
        floor_area_m2=2400, latitude=47.749, longitude=-3.37, is_demo=True,
    )  # fmt: skip
    pool = Site.objects.create(
        slug=POOL, name="Piscine des Goélands", kind="pool", territory=communes[1],
        floor_area_m2=3100, latitude=47.733, longitude=-3.43,
    )  # fmt: skip
    station = Site.objects.create(
        slug=STATION, name="Station météo", kind="station", territory=communes[0],
        latitude=47.76, longitude=-3.36,
    )  # fmt: skip
    for site in (school, pool, station):
        _open(site, town.now)
    _fill_school(town, school, measured, generated)
    _write(town, pool, generated, f"{METER}02", "consumption/power/active/raw", 1800, _load(52_000))
    _write(town, pool, generated, "urn:dev:pce:00000000000002", "consumption/energy/gas/daily",
           86_400, lambda at: 600_000 + 250_000 * np.cos(at / 3.15e7 * 2 * np.pi))  # fmt: skip
    _write(town, station, generated, "urn:dev:org:32473-test:station", "temperature/air/raw", 3600,
           lambda at: 12 + 6 * np.sin(at / 86_400 * 2 * np.pi - 1.8))  # fmt: skip
    for k in range(12):
        owner = Party.objects.create(kind="person", name=f"Person {k}")
        home = Site.objects.create(
            slug=f"maison-{k}", name=f"Maison {k}", kind="home", party=owner,
            territory=communes[k % len(communes)],
        )  # fmt: skip
        _together(home, town.now)
        _write(town, home, generated, f"{METER}{k + 10}", "consumption/power/active/raw", 1800,
               _load(400 + 20 * k), days=min(town.days, 40))  # fmt: skip
    account = Account.objects.create_user("person0@example.org", "correct horse 0")
    Membership.objects.create(account=account, party=Party.objects.get(name="Person 0"))


def _fill_school(town, school, measured, generated):
    sun = _sun(36_000)
    load = _load(9_000)

    def net(at):
        return load(at) - sun(at)

    meter = f"{METER}01"
    _write(town, school, measured, meter, "consumption/power/active/raw", 1800,
           lambda at: np.maximum(net(at), 0))  # fmt: skip
    _write(town, school, measured, meter, "production/power/active/raw", 1800,
           lambda at: np.maximum(-net(at), 0))  # fmt: skip
    _write(town, school, generated, "urn:dev:org:32473-test:onduleur",
           "production/power/active/raw", 1800, sun)  # fmt: skip
    path = "consumption/power/apparent/instant"
    _write(town, school, measured, meter, path, 0, _load(9_000), days=0)


def _load(scale_w):
    def power(at):
        hour = (at // 3600 + 1) % 24
        busy = (hour >= 7) & (hour < 18) & ((at // 86_400 + 3) % 7 < 5)
        season = 1 + 0.35 * np.cos(at / 3.156e7 * 2 * np.pi)
        noise = ((at // 1800) * 2654435761 % 1000) / 1000
        return scale_w * (0.22 + 0.7 * busy * (0.8 + 0.4 * noise)) * season

    return power


def _sun(peak_w):
    def power(at):
        height = np.sin((at % 86_400 - 21_600) / 86_400 * 2 * np.pi)
        season = 0.65 - 0.35 * np.cos(at / 3.156e7 * 2 * np.pi)
        cloud = 0.35 + 0.65 * (((at // 86_400) * 40503 % 97) / 97)
        return np.maximum(height, 0) ** 1.3 * peak_w * season * cloud

    return power


def _write(town, site, source, point, path, step_s, power, *, days=None):
    kind = identifier.kind_of(path)
    now_s = int(town.now.timestamp())
    length_s = (town.days if days is None else days) * 86_400
    if step_s == 86_400:
        midnight = int(town.now.replace(hour=22, minute=0, second=0).timestamp()) - 2 * 86_400
        starts = np.arange(midnight - length_s, midnight + 1, step_s)
    elif step_s:
        starts = np.arange((now_s - length_s) // step_s, now_s // step_s) * step_s
    else:
        starts = np.array([now_s - 30, now_s - 20, now_s - 10])
    values = np.round(power(starts) * 10).astype(np.int64)
    MeteringPoint.objects.get_or_create(
        urn=point, defaults={"site": site, "fluid": kind.fluid if kind else Fluid.ELECTRICITY}
    )
    column = Column(
        f"{point}_{path}",
        kind,
        -1,
        array("q", starts.tolist()),
        array("i", [step_s] * len(starts)),
        array("q", values.tolist()),
        array("B", [0] * len(starts)),
    )
    receipt = town.way.gate.accept(
        Batch("test", f"{point}{path}", (column,)),
        Writer.operator("test", site=site, source=source),
        now_s=now_s,
    )
    assert not receipt.quarantined, receipt.quarantined[:2]


def _open(site, now):
    Grant.objects.create(
        audience="everyone", site=site, purpose="open data", proof="decision of the council",
        valid_since=now - timedelta(days=1),
    )  # fmt: skip


def _together(site, now):
    Grant.objects.create(
        audience="everyone", site=site, purpose="territory total", proof="signed at the fair",
        totals_only=True, finest="P1D", valid_since=now - timedelta(days=1),
    )  # fmt: skip


NOW = datetime(2026, 6, 17, 12, 40, tzinfo=UTC)

"""The demo's sites as `sites.toml` describes them, read into types."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from kevre.model import identifier
from kevre.model.series import Kind
from kevre.node.demo import noise, sun
from kevre.node.demo.generate import Array, Building, Home, Sky
from kevre.node.demo.meter import Meter


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """One series, and what fills it; `step_s` is None for a live one."""

    urn: str
    kind: Kind
    feed: str
    step_s: int | None


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """The device at a point, and the one that stood there before, if any."""

    serial: str
    is_simulated: bool
    replaces: str


@dataclass(frozen=True, slots=True)
class PointPlan:
    """One metering point."""

    urn: str
    fuel: str
    device: DevicePlan | None
    series: tuple[SeriesPlan, ...]


@dataclass(frozen=True, slots=True)
class SitePlan:
    """One site, with the parameters of what is generated for it."""

    slug: str
    name: str
    kind: str
    commune: str
    party: str
    floor_area_m2: int | None
    is_public: bool
    is_fictional: bool
    points: tuple[PointPlan, ...]
    load: Home | Building | None
    meter: Meter | None
    solar: Array | None


@dataclass(frozen=True, slots=True)
class PartyPlan:
    """One party."""

    slug: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All of the demo's places."""

    agglomeration: str
    sky: Sky
    positions: Mapping[str, tuple[float, float]]
    parties: tuple[PartyPlan, ...]
    sites: tuple[SitePlan, ...]


def plan() -> Plan:
    """Read `sites.toml`."""
    table = tomllib.loads(files("kevre.node.demo").joinpath("sites.toml").read_text("utf-8"))
    seed = str(table["seed"])
    positions = {code: (float(p[0]), float(p[1])) for code, p in table["position"].items()}
    return Plan(
        agglomeration=table["agglomeration"],
        sky=Sky(noise.seed(seed, "sky"), sun.Place(**table["sky"])),
        positions=positions,
        parties=tuple(PartyPlan(slug, **party) for slug, party in table["party"].items()),
        sites=tuple(_site(site, seed) for site in table["site"]),
    )


def _site(site: dict[str, Any], seed: str) -> SitePlan:
    return SitePlan(
        slug=site["slug"],
        name=site["name"],
        kind=site["kind"],
        commune=site["commune"],
        party=site["party"],
        floor_area_m2=site.get("floor_area_m2"),
        is_public=site["is_public"],
        is_fictional=site.get("is_fictional", True),
        points=tuple(_point(point) for point in site["point"]),
        meter=Meter(**site["meter"]) if "meter" in site else None,
        load=_load(site, noise.seed(seed, site["slug"], "load")),
        solar=_solar(site, noise.seed(seed, site["slug"], "solar")),
    )


def _load(site: dict[str, Any], seed: int) -> Home | Building | None:
    if "home" in site:
        return Home(seed, **site["home"])
    if "building" in site:
        lists = {k: tuple(v) for k, v in site["building"].items() if isinstance(v, list)}
        return Building(seed, **(site["building"] | lists))
    return None


def _solar(site: dict[str, Any], seed: int) -> Array | None:
    if "solar" not in site:
        return None
    solar = site["solar"]
    plane = sun.Plane(solar["tilt_deg"], solar["azimuth_deg"])
    return Array(seed, solar["peak_w"], solar["inverter_w"], plane)


def _point(point: dict[str, Any]) -> PointPlan:
    device = point.get("device")
    return PointPlan(
        urn=identifier.point(point["urn"]),
        fuel=point.get("fuel", ""),
        device=DevicePlan(device["serial"], device["is_simulated"], device.get("replaces", ""))
        if device
        else None,
        series=tuple(_series(point["urn"], series) for series in point["series"]),
    )


def _series(point_urn: str, series: dict[str, Any]) -> SeriesPlan:
    name = identifier.parse(f"{point_urn}_{series['path']}")
    if name.kind is None:
        raise ValueError(f"the path {name.path} names no known kind")
    return SeriesPlan(str(name), name.kind, series["feed"], series.get("step_s"))

"""Writes the demo's parties, sites, points, devices, series and grants into the registry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from django.utils.translation import gettext_noop as _

from kevre.model.step import Resolution
from kevre.node.demo.origin import origin_of
from kevre.node.demo.plan import DevicePlan, PartyPlan, Plan, PointPlan, SitePlan
from kevre.places.device import Attachment, Device
from kevre.places.party import Party
from kevre.places.point import MeteringPoint
from kevre.places.series import Series
from kevre.places.site import Site
from kevre.places.source import Source
from kevre.places.territory import Territory
from kevre.rights.grant import Audience, Grant

FICTIONAL = _("A fictional site in a real commune, for the demo.")
REAL = _("Real generation of all France, moved in time; beside it, the demo's sites are small.")
PUBLIC = _("Open to everyone")
TOGETHER = _("Counts in the totals of the territory")
PROOF = _("The demo's own site: nobody had to agree.")
FUEL_LABELS = {
    "nuclear": _("Nuclear"),
    "gas": _("Gas-fired"),
    "coal": _("Coal-fired"),
    "oil": _("Oil-fired"),
    "hydro-river": _("Run-of-river hydro"),
    "hydro-reservoir": _("Reservoir hydro"),
    "hydro-pumped": _("Pumped-storage hydro"),
    "wind": _("Wind"),
    "solar": _("Solar"),
    "biomass": _("Biomass"),
    "waste": _("Waste-to-energy"),
}
# When the meters of the demo were put in, and the one that was replaced before.
_INSTALLED = datetime(2023, 5, 2, 8, 30, tzinfo=UTC)
_FORMERLY = datetime(2009, 9, 1, 7, 0, tzinfo=UTC)


def register_sites(
    planned: Plan,
    territories: Mapping[str, Territory],
    sources: Mapping[str, Source],
    now: datetime,
) -> dict[str, Site]:
    """Write them, or bring them up to date; give the sites by their slugs."""
    parties = {party.slug: _party(party) for party in planned.parties}
    sites = {}
    for site in planned.sites:
        sites[site.slug] = _site(site, territories[site.commune], parties[site.party])
        for point in site.points:
            _point(point, sites[site.slug], sources)
        _grant(site, sites[site.slug], now)
    return sites


def _party(party: PartyPlan) -> Party:
    found, _ = Party.objects.get_or_create(kind=party.kind, name=party.name)
    return found


def _site(site: SitePlan, territory: Territory, party: Party) -> Site:
    registered, _ = Site.objects.update_or_create(
        slug=site.slug,
        defaults={
            "name": site.name,
            "kind": site.kind,
            "territory": territory,
            "party": party,
            "floor_area_m2": site.floor_area_m2,
            "is_demo": True,
            "note": FICTIONAL if site.is_fictional else REAL,
        },
    )
    return registered


def _point(point: PointPlan, site: Site, sources: Mapping[str, Source]) -> None:
    registered, _ = MeteringPoint.objects.update_or_create(
        urn=point.urn,
        defaults={"site": site, "fluid": point.series[0].kind.fluid},
    )
    for series in point.series:
        Series.objects.update_or_create(
            urn=series.urn,
            defaults={
                "point": registered,
                "label": FUEL_LABELS.get(point.fuel, ""),
                "fluid": series.kind.fluid,
                "quantity": series.kind.quantity,
                "direction": series.kind.direction,
                "statistic": series.kind.statistic,
                "unit": series.kind.unit,
                "step_s": series.step_s,
                "source": sources[origin_of(series.feed).slug],
            },
        )
    if point.device is not None:
        _attach(point.device, registered)


def _attach(planned: DevicePlan, point: MeteringPoint) -> None:
    device, _ = Device.objects.update_or_create(
        serial=planned.serial, defaults={"is_simulated": planned.is_simulated, "note": FICTIONAL}
    )
    Attachment.objects.get_or_create(device=device, point=point, since=_INSTALLED)
    if planned.replaces:
        former, _ = Device.objects.update_or_create(
            serial=planned.replaces, defaults={"is_simulated": True, "note": FICTIONAL}
        )
        Attachment.objects.get_or_create(
            device=former, point=point, since=_FORMERLY, defaults={"until": _INSTALLED}
        )


def _grant(planned: SitePlan, site: Site, now: datetime) -> None:
    """Open public sites to everyone; let homes only count in totals, by the hour at most."""
    Grant.objects.get_or_create(
        site=site,
        audience=Audience.EVERYONE,
        purpose=PUBLIC if planned.is_public else TOGETHER,
        defaults={
            "finest": (Resolution.RAW if planned.is_public else Resolution.HOUR).value,
            "totals_only": not planned.is_public,
            "valid_since": now,
            "proof": PROOF,
        },
    )

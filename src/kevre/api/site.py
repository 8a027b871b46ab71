"""Sites that the caller may read."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Query, Router, Schema

from kevre.api.visit import visit
from kevre.model.errors import Missing
from kevre.places.site import Site
from kevre.rights.gate import readable_sites

router = Router()


class SiteOut(Schema):
    """One site."""

    slug: str
    name: str
    kind: str
    territory_code: str
    territory_name: str
    floor_area_m2: int | None
    latitude: float | None
    longitude: float | None
    zone: str
    is_demo: bool

    @classmethod
    def of(cls, site: Site) -> SiteOut:
        """Describe a site."""
        return cls(
            slug=site.slug,
            name=site.name,
            kind=site.kind,
            territory_code=site.territory.code,
            territory_name=site.territory.name,
            floor_area_m2=site.floor_area_m2,
            latitude=site.latitude,
            longitude=site.longitude,
            zone=site.zone_name,
            is_demo=site.is_demo,
        )


class SitesOut(Schema):
    """A page of sites; `next` is the `after` of the page that follows."""

    sites: list[SiteOut]
    next: str | None


@router.get("", response=SitesOut, summary="List the sites you may read")
def sites(
    request: HttpRequest,
    after: str = Query("", description="slug of the last site of the page before"),
    limit: int = Query(100, ge=1, le=500),
    territory: str = Query("", description="code of a territory; all below it count"),
) -> SitesOut:
    """Give the sites in the order of their slugs."""
    reader, now = visit(request)
    found = readable_sites(reader, now).select_related("territory").order_by("slug")
    if territory:
        found = found.filter(territory__path__contains=f"{territory}/")
    page = list(found.filter(slug__gt=after)[: limit + 1])
    following = page[limit - 1].slug if len(page) > limit else None
    return SitesOut(sites=[SiteOut.of(one) for one in page[:limit]], next=following)


@router.get("/{slug}", response=SiteOut, summary="Describe one site")
def site(request: HttpRequest, slug: str) -> SiteOut:
    """Give one site; an unreadable one is as absent as an unknown one."""
    reader, now = visit(request)
    found = readable_sites(reader, now).select_related("territory").filter(slug=slug).first()
    if found is None:
        raise Missing("site.absent", "there is no such site, or you may not read it")
    return SiteOut.of(found)

"""What pages ask of the registry: a place by its address, what stands below, its series.

What a reader may not see is told apart from what does not exist by nobody: the same error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.conf import settings
from django.utils.translation import gettext_noop

from kevre.model.errors import Missing
from kevre.places.series import Series
from kevre.places.site import Site, SiteKind
from kevre.places.source import Source
from kevre.places.territory import Territory
from kevre.rights.gate import readable_sites
from kevre.web.visit import Visit


def home_territory() -> Territory:
    """Give the territory that the node opens with, or the widest one it knows.

    Raises:
        Missing: the node knows no territory yet.
    """
    named = Territory.objects.filter(slug=settings.CONFIG.territory).first()
    found = named or Territory.objects.order_by("path").first()
    if found is None:
        raise Missing(
            "territory.none",
            gettext_noop("This node holds no territory yet."),
            hint=gettext_noop("Its operator sets one up with `kevre init` or `make demo`."),
        )
    return found


def territory(slug: str) -> Territory:
    """Find a territory by its address.

    Raises:
        Missing: there is none.
    """
    found = Territory.objects.filter(slug=slug).first()
    if found is None:
        raise Missing("territory.unknown", gettext_noop("This node knows no such territory."))
    return found


def site(visit: Visit, slug: str) -> Site:
    """Find a site that this reader may see.

    Raises:
        Missing: there is none, or it is not open to the reader.
    """
    readable = readable_sites(visit.reader, visit.now).select_related("territory")
    found = readable.filter(slug=slug).first()
    if found is None:
        raise not_open()
    return found


def series(visit: Visit, pk: int) -> Series:
    """Find a series of a site that this reader may see.

    Raises:
        Missing: there is none, or it is not open to the reader.
    """
    readable = readable_sites(visit.reader, visit.now).values("pk")
    found = (
        Series.objects.filter(pk=pk, point__site__in=readable)
        .select_related("source", "point__site__territory")
        .first()
    )
    if found is None:
        raise not_open()
    return found


def sites_below(visit: Visit, place: Territory) -> tuple[Site, ...]:
    """Give the sites of a territory that this reader may see, commune by commune."""
    return tuple(
        readable_sites(visit.reader, visit.now)
        .filter(territory__path__startswith=place.path)
        .select_related("territory")
        .order_by("territory__name", "kind", "name")
    )


def hidden_homes(place: Territory, seen: Iterable[Site]) -> tuple[Series, ...]:
    """Give the series of the homes of a territory that are not among those seen.

    They may be asked of the door as a total only, and it decides whether they are enough.
    """
    return tuple(
        Series.objects.filter(
            point__site__territory__path__startswith=place.path,
            point__site__kind=SiteKind.HOME,
        )
        .exclude(point__site__in=[one.pk for one in seen])
        .select_related("point__site")
    )


def series_of(sites: Iterable[Site]) -> dict[int, list[Series]]:
    """Give the series of several sites, by the key of the site."""
    found: dict[int, list[Series]] = defaultdict(list)
    every = Series.objects.filter(point__site__in=[one.pk for one in sites])
    for one in every.select_related("source", "point__site").order_by("urn"):
        if one.point.site_id is not None:
            found[one.point.site_id].append(one)
    return found


def sources() -> tuple[Source, ...]:
    """Give the origins of the series that this node holds."""
    return tuple(Source.objects.order_by("name"))


def not_open() -> Missing:
    """Give the one answer for what does not exist and for what is not open."""
    return Missing(
        "page.not_open",
        gettext_noop("No site or series has this address, or it is not open to you."),
        hint=gettext_noop("Sites of people are open to those whom they let read them."),
    )

"""Builds small registries for tests: a commune, sites, points, series, grants."""

import asyncio
from datetime import UTC, datetime

from asgiref.sync import sync_to_async
from django.db import connections

from kevre.model import identifier
from kevre.places.models import MeteringPoint, Party, Series, Site, Territory
from kevre.rights.grant import Audience, Grant

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def commune(code="56121", name="Lorient"):
    region, _ = Territory.objects.get_or_create(
        code="53", defaults={"level": "region", "name": "Bretagne", "slug": "bretagne"}
    )
    found, _ = Territory.objects.get_or_create(
        code=code,
        defaults={"level": "commune", "name": name, "slug": name.lower(), "parent": region},
    )
    return found


def party(name="Ville de Lorient", kind="organisation"):
    return Party.objects.create(name=name, kind=kind)


def site(slug="school", kind="school", owner=None):
    return Site.objects.create(
        slug=slug, name=slug.title(), kind=kind, territory=commune(), party=owner
    )


def series(place, path="consumption/power/active/raw", prm="09876543210123", step_s=1800):
    kind = identifier.kind_of(path)
    point, _ = MeteringPoint.objects.get_or_create(
        urn=f"urn:dev:prm:{prm}", defaults={"site": place, "fluid": kind.fluid.value}
    )
    return Series.objects.create(
        urn=f"{point.urn}_{path}",
        point=point,
        fluid=kind.fluid.value,
        quantity=kind.quantity,
        direction=kind.direction.value,
        statistic=kind.statistic.value,
        unit=kind.unit,
        step_s=step_s,
    )


def grant(place, **changed):
    given = {
        "audience": Audience.EVERYONE,
        "site": place,
        "purpose": "public information",
        "valid_since": LONG_AGO,
        "proof": "test",
    }
    return Grant.objects.create(**given | changed)


def awaited(coroutine):
    """Run a coroutine; close what its threads opened, for databases wait for every guest."""

    async def run():
        try:
            return await coroutine
        finally:
            await sync_to_async(connections.close_all)()

    return asyncio.run(run())

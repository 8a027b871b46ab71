"""Writes the demo's territories into the registry: region > agglomeration > communes."""

from __future__ import annotations

from django.utils.text import slugify

from kevre.node.demo.commune import Agglomeration
from kevre.places.territory import Level, Territory


def register_territories(found: Agglomeration) -> dict[str, Territory]:
    """Write them, or bring them up to date; give them by their codes."""
    region = _register(
        found.region_code, Level.REGION, found.region_name, population=found.region_population
    )
    whole = _register(
        found.code, Level.AGGLOMERATION, found.name, parent=region, population=found.population
    )
    territories = {region.code: region, whole.code: whole}
    for commune in found.communes:
        territories[commune.code] = _register(
            commune.code,
            Level.COMMUNE,
            commune.name,
            parent=whole,
            population=commune.population,
            position=(commune.latitude, commune.longitude),
        )
    return territories


def _register(
    code: str,
    level: Level,
    name: str,
    *,
    population: int,
    parent: Territory | None = None,
    position: tuple[float | None, float | None] = (None, None),
) -> Territory:
    territory, _ = Territory.objects.update_or_create(
        code=code,
        defaults={
            "level": level,
            "name": name,
            "slug": slugify(name),
            "parent": parent,
            "population": population,
            "latitude": position[0],
            "longitude": position[1],
        },
    )
    return territory

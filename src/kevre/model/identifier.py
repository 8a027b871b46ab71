"""Names of devices and series: URNs as in Quoalise v2, with their v1 aliases.

Form: `urn:dev:<authority>:<device>_<path>` (RFC 9039: what follows `_` is a component of
the device). The path names the kind: `<direction>/<quantity>/...`. A path that stands in
KINDS needs no further description; any other must be described where it is registered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kevre.model.errors import Malformed
from kevre.model.series import Direction, Fluid, Kind, Statistic

_URN = re.compile(
    r"urn:dev:([a-z][a-z0-9]{1,15}):([A-Za-z0-9.:-]{1,80})(?:_([a-z0-9_/.-]{1,120}))?\Z"
)
_PATH = re.compile(r"[a-z0-9][a-z0-9_.-]*(?:/[a-z0-9][a-z0-9_.-]*)*\Z")
_POINTS = {
    "prm": re.compile(r"[0-9]{14}\Z"),
    # Large consumers of gas have a PCE of this other form.
    "pce": re.compile(r"(?:[0-9]{14}|GI[0-9]{6})\Z"),
}

_E, _G, _H, _W = Fluid.ELECTRICITY, Fluid.GAS, Fluid.HEAT, Fluid.WEATHER
_IN, _OUT, _NO = Direction.CONSUMPTION, Direction.PRODUCTION, Direction.NONE


def _electric(direction: Direction) -> dict[str, Kind]:
    way = direction.value
    return {
        f"{way}/power/active/raw": Kind(_E, "power/active", direction, Statistic.MEAN, "W"),
        f"{way}/power/active/corrected": Kind(_E, "power/active", direction, Statistic.MEAN, "W"),
        f"{way}/power/active/instant": Kind(_E, "power/active", direction, Statistic.INSTANT, "W"),
        f"{way}/power/active/max": Kind(_E, "power/active", direction, Statistic.MAX, "W"),
        f"{way}/power/apparent/instant": Kind(
            _E, "power/apparent", direction, Statistic.INSTANT, "VA"
        ),
        f"{way}/power/apparent/max": Kind(_E, "power/apparent", direction, Statistic.MAX, "VA"),
        f"{way}/power/capacitive/raw": Kind(
            _E, "power/capacitive", direction, Statistic.MEAN, "var"
        ),
        f"{way}/power/inductive/raw": Kind(_E, "power/inductive", direction, Statistic.MEAN, "var"),
        f"{way}/power/reactive/instant": Kind(
            _E, "power/reactive", direction, Statistic.INSTANT, "var"
        ),
        f"{way}/current/instant": Kind(_E, "current", direction, Statistic.INSTANT, "A"),
        f"{way}/voltage/instant": Kind(_E, "voltage", direction, Statistic.INSTANT, "V"),
        f"{way}/energy/reactive/index": Kind(
            _E, "energy/reactive", direction, Statistic.REGISTER, "varh"
        ),
        f"{way}/voltage/raw": Kind(_E, "voltage", direction, Statistic.MEAN, "V"),
        f"{way}/energy/active/raw": Kind(_E, "energy/active", direction, Statistic.SUM, "Wh"),
        f"{way}/energy/active/daily": Kind(_E, "energy/active", direction, Statistic.SUM, "Wh"),
        f"{way}/energy/active/index": Kind(
            _E, "energy/active", direction, Statistic.REGISTER, "Wh"
        ),
        f"{way}/energy/active/billed": Kind(_E, "energy/active", direction, Statistic.SUM, "Wh"),
        f"{way}/energy/inductive/index": Kind(
            _E, "energy/inductive", direction, Statistic.REGISTER, "varh"
        ),
        f"{way}/energy/capacitive/index": Kind(
            _E, "energy/capacitive", direction, Statistic.REGISTER, "varh"
        ),
        f"{way}/power/apparent/overrun": Kind(
            _E, "power/apparent/overrun", direction, Statistic.REGISTER, "VA"
        ),
        f"{way}/power/apparent/overrun-squared": Kind(
            _E, "power/apparent/overrun-squared", direction, Statistic.REGISTER, "VA"
        ),
        f"{way}/duration/overrun/index": Kind(
            _E, "duration/overrun", direction, Statistic.REGISTER, "s"
        ),
        f"{way}/duration/operating/index": Kind(
            _E, "duration/operating", direction, Statistic.REGISTER, "s"
        ),
    }


def _heat(direction: Direction) -> dict[str, Kind]:
    """Give the series of a loop of heat; its volume is that of the carrier."""
    way = direction.value
    return {
        f"{way}/power/heat/raw": Kind(_H, "power", direction, Statistic.MEAN, "W"),
        f"{way}/power/heat/instant": Kind(_H, "power", direction, Statistic.INSTANT, "W"),
        f"{way}/energy/heat/index": Kind(_H, "energy", direction, Statistic.REGISTER, "Wh"),
        f"{way}/volume/heat/index": Kind(_H, "volume", direction, Statistic.REGISTER, "m3"),
        f"{way}/flow/heat/instant": Kind(_H, "flow", direction, Statistic.INSTANT, "m3/h"),
    }


def _gas(direction: Direction) -> dict[str, Kind]:
    """Give the series of gas: by day, by periods of any length, and as published to be billed."""
    way = direction.value
    return {
        f"{way}/{quantity}/gas/{form}": Kind(_G, quantity, direction, Statistic.SUM, unit)
        for quantity, unit in (("energy", "Wh"), ("volume", "m3"))
        for form in ("daily", "raw", "published")
    } | {f"{way}/volume/gas/index": Kind(_G, "volume", direction, Statistic.REGISTER, "m3")}


KINDS: dict[str, Kind] = (
    _electric(_IN)
    | _electric(_OUT)
    | _heat(_IN)
    | _heat(_OUT)
    | _gas(_IN)
    | _gas(_OUT)
    | {
        "conversion/gas/daily": Kind(_G, "conversion", _NO, Statistic.MEAN, "Wh/m3"),
        "conversion/gas/raw": Kind(_G, "conversion", _NO, Statistic.MEAN, "Wh/m3"),
        "conversion/gas/published": Kind(_G, "conversion", _NO, Statistic.MEAN, "Wh/m3"),
        "consumption/volume/water/index": Kind(
            Fluid.WATER, "volume", _IN, Statistic.REGISTER, "m3"
        ),
        "consumption/flow/water/instant": Kind(Fluid.WATER, "flow", _IN, Statistic.INSTANT, "m3/h"),
        "consumption/flow/gas/instant": Kind(_G, "flow", _IN, Statistic.INSTANT, "m3/h"),
        "production/efficiency/heat/instant": Kind(_H, "efficiency", _OUT, Statistic.INSTANT, "/"),
        "temperature/supply/instant": Kind(_H, "temperature/supply", _NO, Statistic.INSTANT, "Cel"),
        "temperature/return/instant": Kind(_H, "temperature/return", _NO, Statistic.INSTANT, "Cel"),
        "temperature/tank/instant": Kind(_H, "temperature/tank", _NO, Statistic.INSTANT, "Cel"),
        "temperature/outdoor/instant": Kind(_W, "temperature", _NO, Statistic.INSTANT, "Cel"),
        "humidity/outdoor/instant": Kind(_W, "humidity", _NO, Statistic.INSTANT, "%RH"),
        "humidity/indoor/instant": Kind(Fluid.INDOOR, "humidity", _NO, Statistic.INSTANT, "%RH"),
        "co2/indoor/instant": Kind(Fluid.INDOOR, "co2", _NO, Statistic.INSTANT, "ppm"),
        "irradiance/collector/instant": Kind(_W, "irradiance", _NO, Statistic.INSTANT, "W/m2"),
        "frequency/grid/instant": Kind(_E, "frequency", _NO, Statistic.INSTANT, "Hz"),
        "temperature/air/raw": Kind(_W, "temperature", _NO, Statistic.MEAN, "Cel"),
        "temperature/indoor/raw": Kind(Fluid.INDOOR, "temperature", _NO, Statistic.INSTANT, "Cel"),
        "humidity/air/raw": Kind(_W, "humidity", _NO, Statistic.MEAN, "%RH"),
        "irradiance/global/raw": Kind(_W, "irradiance", _NO, Statistic.MEAN, "W/m2"),
        "irradiation/global/hourly": Kind(_W, "irradiation", _NO, Statistic.SUM, "Wh/m2"),
        "wind/speed/raw": Kind(_W, "wind/speed", _NO, Statistic.MEAN, "m/s"),
        "wind/direction/raw": Kind(_W, "wind/direction", _NO, Statistic.MEAN, "deg"),
        "rain/height/hourly": Kind(_W, "rain", _NO, Statistic.SUM, "m"),
        "sunshine/duration/hourly": Kind(_W, "sunshine", _NO, Statistic.SUM, "s"),
        "pressure/sea-level/raw": Kind(_W, "pressure", _NO, Statistic.MEAN, "Pa"),
    }
)

# Paths below these carry a tariff class, a phase or the like, and have the kind of their
# parent.
_FAMILIES = (
    *(
        f"{way.value}/{branch}"
        for way in (_IN, _OUT)
        for branch in (
            "energy/active/index",
            "energy/active/billed",
            "energy/reactive/index",
            "energy/inductive/index",
            "energy/capacitive/index",
            "power/active/instant",
            "power/active/max",
            "power/apparent/instant",
            "power/apparent/max",
            "power/apparent/overrun",
            "power/apparent/overrun-squared",
            "power/reactive/instant",
            "current/instant",
            "voltage/instant",
            "duration/overrun/index",
            "duration/operating/index",
            "volume/gas/daily",
            "volume/gas/raw",
            "volume/gas/published",
            "volume/gas/index",
        )
    ),
    "temperature/tank/instant",
    "temperature/indoor/raw",
)

# What Quoalise v1 and early v2 called the same series.
ALIASES = {
    "consumption_load": "consumption/power/active/raw",
    "production_load": "production/power/active/raw",
    "consumption_load_corrected": "consumption/power/active/corrected",
    "production_load_corrected": "production/power/active/corrected",
    "daily_consumption": "consumption/energy/active/daily",
    "daily_production": "production/energy/active/daily",
    "consumption/active_power/raw": "consumption/power/active/raw",
    "consumption/active_power/corrected": "consumption/power/active/corrected",
    "production/active_power/raw": "production/power/active/raw",
    "production/active_power/corrected": "production/power/active/corrected",
    "consumption/energy/index": "consumption/energy/active/index",
    "production/energy/index": "production/energy/active/index",
}
# Of these the tariff class that follows stays as it is.
_OLDER_FAMILIES = ("consumption/energy/index", "production/energy/index")


@dataclass(frozen=True, slots=True)
class SeriesName:
    """A parsed series URN; `str()` gives it back in its v2 form."""

    authority: str
    device: str
    path: str

    def __post_init__(self) -> None:
        """Hold the invariants that parsing gives, for names that are built."""
        _check_device(self.authority, self.device)
        if not _PATH.match(self.path):
            raise _malformed(self.path)

    def __str__(self) -> str:
        """Write the URN."""
        return f"{self.point}_{self.path}"

    @property
    def point(self) -> str:
        """Give the URN of the device or metering point alone."""
        return f"urn:dev:{self.authority}:{self.device}"

    @property
    def kind(self) -> Kind | None:
        """Give the kind that the path alone tells, or None."""
        return kind_of(self.path)


def parse(text: str) -> SeriesName:
    """Read a series URN; v1 names become their v2 form.

    >>> str(parse("urn:dev:prm:09876543210123_consumption_load"))
    'urn:dev:prm:09876543210123_consumption/power/active/raw'

    Raises:
        Malformed: not such a URN, or a PRM or PCE that has not its digits.
    """
    found = _URN.match(text)
    if found is None or found[3] is None:
        raise _malformed(text)
    return SeriesName(found[1], found[2], v2_path(found[3]))


def v2_path(path: str) -> str:
    """Give the v2 path of a v1 or early v2 one; any other stays as it is.

    >>> v2_path("consumption_load"), v2_path("consumption/energy/index/distributor/hph")
    ('consumption/power/active/raw', 'consumption/energy/active/index/distributor/hph')
    """
    for family in _OLDER_FAMILIES:
        if path.startswith(family + "/"):
            return ALIASES[family] + path.removeprefix(family)
    return ALIASES.get(path, path)


def point(text: str) -> str:
    """Check the URN of a device or metering point, without a path.

    Raises:
        Malformed: as `parse`.
    """
    found = _URN.match(text)
    if found is None or found[3] is not None:
        raise _malformed(text)
    _check_device(found[1], found[2])
    return text


def prm_point(digits: str) -> str:
    """Give the URN of a French electricity metering point from its 14 digits.

    Raises:
        Malformed: not 14 digits.
    """
    _check_device("prm", digits)
    return f"urn:dev:prm:{digits}"


def pce_point(digits: str) -> str:
    """Give the URN of a French gas metering point: 14 digits, or GI and 6 digits.

    Raises:
        Malformed: neither.
    """
    _check_device("pce", digits)
    return f"urn:dev:pce:{digits}"


def kind_of(path: str) -> Kind | None:
    """Give the kind that a path tells, or None where it must be described."""
    known = KINDS.get(path)
    if known is not None:
        return known
    family = _family(path)
    return None if family is None else KINDS[family]


def part_of(path: str) -> str:
    """Give what a path names below its family, such as a phase; empty for the whole.

    >>> part_of("consumption/current/instant/l2"), part_of("consumption/current/instant")
    ('l2', '')
    """
    family = None if path in KINDS else _family(path)
    return "" if family is None else path.removeprefix(family + "/")


def _family(path: str) -> str | None:
    return next((family for family in _FAMILIES if path.startswith(family + "/")), None)


def _check_device(authority: str, device: str) -> None:
    if authority in _POINTS and not _POINTS[authority].match(device):
        raise Malformed(
            "identifier.digits",
            f"a {authority.upper()} has 14 digits, this one has {len(device)} characters",
            hint="spreadsheets drop leading zeros: put them back",
        )
    if not _URN.match(f"urn:dev:{authority}:{device}"):
        raise _malformed(f"{authority}:{device}")


def _malformed(text: str) -> Malformed:
    return Malformed(
        "identifier.malformed",
        f"not a series identifier ({len(text)} characters)",
        hint="it reads like urn:dev:prm:09876543210123_consumption/power/active/raw",
    )

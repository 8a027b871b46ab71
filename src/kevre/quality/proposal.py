"""Proposals: what an input may measure, guessed from its name, its unit and its values.

A guess is for a person to accept or to mend; nothing is stored under a guess.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from kevre.model import identifier
from kevre.model import unit as units
from kevre.model.errors import Malformed
from kevre.model.input import InputName

_IN, _OUT = "consumption", "production"
_POWER, _ENERGY = "power/active/instant", "energy/active/index"
_MOST_PART = 40
# Words that say that a number is of the whole site, not of one circuit.
_WHOLE = {"grid", "total", "main", "mains", "use", "import", "export", "reseau", "papp", "tot"}
_MADE = {"solar", "pv", "production", "produced", "prod", "solaire", "gen", "generation", "export",
         "injection", "inverter", "onduleur"}  # fmt: skip
# Words of names and what they mean; the first that occurs decides.
_WORDS: tuple[tuple[frozenset[str], str, str], ...] = (
    (frozenset({"humidity", "humidite", "hum", "rh"}), "humidity/indoor/instant", "%RH"),
    (frozenset({"co2"}), "co2/indoor/instant", "ppm"),
    (frozenset({"kwh", "energykwh"}), _ENERGY, "kWh"),
    (frozenset({"wh", "energy", "energie", "index", "base", "hchc", "hchp", "consumed"}),
     _ENERGY, "Wh"),
    (frozenset({"kw"}), _POWER, "kW"),
    (frozenset({"outdoor", "outside", "exterieur", "exterieure"}),
     "temperature/outdoor/instant", "Cel"),
    (frozenset({"temperature", "temp", "t", "ds18b20", "celsius"}),
     "temperature/indoor/raw", "Cel"),
    (frozenset({"papp", "va", "apparent", "sinsts"}), "power/apparent/instant", "VA"),
    (frozenset({"vrms", "v", "voltage", "tension", "volt", "volts", "urms"}),
     "voltage/instant", "V"),
    (frozenset({"irms", "i", "current", "courant", "amps", "iinst"}), "current/instant", "A"),
    (frozenset({"frequency", "freq", "hz", "frequence"}), "frequency/grid/instant", "Hz"),
    (frozenset({"power", "puissance", "watt", "watts", "w", "p", "ct", "apower", "activepower",
                "load", *_WHOLE, *_MADE}), _POWER, "W"),
)  # fmt: skip
_BY_UNIT = {
    "W": _POWER,
    "Wh": _ENERGY,
    "VA": "power/apparent/instant",
    "var": "power/reactive/instant",
    "varh": "energy/reactive/index",
    "V": "voltage/instant",
    "A": "current/instant",
    "Hz": "frequency/grid/instant",
    "Cel": "temperature/indoor/raw",
    "%RH": "humidity/indoor/instant",
    "ppm": "co2/indoor/instant",
    "m3": f"{_IN}/volume/water/index",
    "m3/h": f"{_IN}/flow/water/instant",
    "W/m2": "irradiance/collector/instant",
}
_BOTH_WAYS = ("power/", "energy/", "voltage/", "current/")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an input may measure; an empty path where nothing is guessed.

    Attributes:
        unit: of the values as they are sent.
        is_signed: whether values below zero seem to flow the other way.
    """

    path: str = ""
    unit: str = ""
    is_signed: bool = False


def propose(
    name: InputName, unit: str = "", least: float | None = None, most: float | None = None
) -> Proposal:
    """Guess what an input measures.

    >>> propose(InputName("emontx", "power1"), most=2_400)
    Proposal(path='consumption/power/active/instant/power1', unit='W', is_signed=False)
    >>> propose(InputName("kWh", "domain=sensor,entity_id=solar_total")).path
    'production/energy/active/index'
    """
    words = _words(name)
    symbol = _symbol(unit) or _symbol(name.node) or ("%RH" if _is_humidity(name, words) else "")
    path = _BY_UNIT.get(units.unit(symbol).base, "") if symbol else ""
    if not path:
        path, symbol = _by_word(words)
    if not path:
        path, symbol = _by_word(_words(InputName("", name.node)))
    if path == "temperature/indoor/raw" and words & {"outdoor", "outside", "exterieur"}:
        path = "temperature/outdoor/instant"
    is_signed = path == _POWER and least is not None and least < 0
    if path.startswith(_BOTH_WAYS):
        # A meter that shows both signs stands at the grid: above zero is drawn from it.
        path = f"{_OUT if words & _MADE and not is_signed else _IN}/{path}"
    if not _may_be(path, symbol, least, most):
        return Proposal()
    return Proposal(_with_part(path, name, words), symbol, is_signed)


def part(text: str) -> str:
    """Make a part of a path of a name.

    >>> part("Lave-linge (cuisine)")
    'lave-linge-cuisine'
    """
    return re.sub(r"[^a-z0-9]+", "-", _plain(text)).strip("-")[:_MOST_PART].strip("-")


def _with_part(path: str, name: InputName, words: set[str]) -> str:
    if not path or words & _WHOLE:
        return path
    own = part(name.name.rpartition("=")[2].removesuffix(" value")) or part(name.node)
    longer = f"{path}/{own}"
    return longer if own and identifier.kind_of(longer) is not None else path


def _words(name: InputName) -> set[str]:
    # Digits number things of one sort, as in power1 and power2; but not in CO2.
    plain = f"{_plain(name.name)} {_plain(_spaced(name.name))}"
    words = {word for word in re.split(r"[^a-z]+", plain) if word}
    return words | {"co2"} if re.search(r"(?<![a-z0-9])co2(?![a-z0-9])", plain) else words


def _spaced(text: str) -> str:
    return re.sub(r"([a-z])([A-Z])", r"\1 \2", text)


def _plain(text: str) -> str:
    spread = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in spread if not unicodedata.combining(letter))


def _symbol(text: str) -> str:
    try:
        return units.unit(text).symbol if text else ""
    except Malformed:
        return ""


def _is_humidity(name: InputName, words: set[str]) -> bool:
    return name.node == "%" and bool(words & {"humidity", "humidite", "hum"})


def _by_word(words: set[str]) -> tuple[str, str]:
    for said, path, symbol in _WORDS:
        if words & said:
            return path, symbol
    return "", ""


def _may_be(path: str, symbol: str, least: float | None, most: float | None) -> bool:
    """Say whether values in this range can be of that quantity at all."""
    if not path or least is None or most is None:
        return bool(path)
    low, high = _RANGES.get(units.unit(symbol).base, (float("-inf"), float("inf")))
    return low <= least and most <= high


_RANGES = {"Cel": (-90, 1_000), "%RH": (0, 105), "V": (0, 1e6), "A": (-1e5, 1e6), "Hz": (0, 1e3),
           "ppm": (0, 1e6)}  # fmt: skip

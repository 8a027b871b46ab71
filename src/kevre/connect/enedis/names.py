"""Enedis' words for what is measured, and ours."""

from __future__ import annotations

import re

from kevre.model.errors import Malformed
from kevre.model.quality import Quality

_DIRECTIONS = {
    "consommation": "consumption",
    "cons": "consumption",
    "soutirage": "consumption",
    "production": "production",
    "prod": "production",
    "injection": "production",
}
# (physical quantity, unit that a blank unit cell stands for, path after the direction)
_CURVES = {
    "energie active": ("power/active", "W"),
    "puissance active": ("power/active", "W"),
    "energie reactive capacitive": ("power/capacitive", "var"),
    "energie reactive inductive": ("power/inductive", "var"),
    "tension": ("voltage", "V"),
}
# Physical quantities by their codes, as curves and as registers.
_CODED_CURVES = {
    "PA": "power/active",
    "EA": "power/active",
    "PRI": "power/inductive",
    "ERI": "power/inductive",
    "PRC": "power/capacitive",
    "ERC": "power/capacitive",
    "E": "voltage",
}
_CODED_REGISTERS = {
    "EA": "energy/active/index",
    "ERI": "energy/inductive/index",
    "ERC": "energy/capacitive/index",
    "TF": "duration/operating/index",
    "DD": "duration/overrun/index",
    "DE": "power/apparent/overrun",
    "DQ": "power/apparent/overrun-squared",
}
_MAX = "PMA"
# How a value came about: letters of curves, words of registers.
_NATURES = {
    "": Quality.MEASURED,
    "R": Quality.MEASURED,
    "B": Quality.MEASURED,
    "REEL": Quality.MEASURED,
    "E": Quality.ESTIMATED,
    "H": Quality.ESTIMATED,
    "K": Quality.ESTIMATED,
    "ESTI": Quality.ESTIMATED,
    "ESTIME": Quality.ESTIMATED,
    "C": Quality.CORRECTED,
    "REGU": Quality.CORRECTED,
    "P": Quality.OUTAGE,
    "S": Quality.OUTAGE,
    "T": Quality.OUTAGE,
    "F": Quality.OUTAGE,
    "G": Quality.OUTAGE,
    "D": Quality.MANUAL,
}
_FIRST = frozenset({"", "I", "INITIAL", "INITIALE"})
_SOUND = frozenset({"", "0"})
_NO_CLASS = frozenset({"", "inconnu"})
_CLASS = re.compile(r"[a-z0-9][a-z0-9_-]{0,15}\Z")
_ACCENTS = str.maketrans("éèêàôîç", "eeeaoic")
# 65535 stands for "none" in daily maximum powers (seen in HDM files).
MAX_POWER_NONE = "65535"


def plain(word: str) -> str:
    """Give a word without accents, in small letters."""
    return word.strip().lower().translate(_ACCENTS)


def direction(word: str) -> str:
    """Give the direction; an empty cell is consumption, as in files of C4 meters.

    Raises:
        Malformed: another word.
    """
    found = _DIRECTIONS.get(plain(word) or "consommation")
    if found is None:
        raise Malformed("enedis.direction", f"{word[:30]!r} is no direction known here")
    return found


def curve_path(quantity: str, way: str, stage: str) -> tuple[str, str]:
    """Give the path of a load curve and the unit that its blank unit cell stands for.

    Raises:
        Malformed: the quantity is not known.
    """
    found = _CURVES.get(plain(quantity))
    if found is None:
        raise _unknown(quantity)
    name, unit = found
    is_corrected = "corrig" in plain(stage) and name == "power/active"
    return f"{direction(way)}/{name}/{'corrected' if is_corrected else 'raw'}", unit


def coded_curve(quantity: str, way: str, stage: str) -> str:
    """Give the path of a curve whose physical quantity is a code such as `PA`.

    Raises:
        Malformed: the quantity or the direction is not known.
    """
    found = _CODED_CURVES.get(quantity)
    if found is None:
        raise _unknown(quantity)
    is_corrected = "corrig" in plain(stage) and found == "power/active"
    return f"{direction(way)}/{found}/{'corrected' if is_corrected else 'raw'}"


def coded_register(quantity: str, way: str, unit: str) -> str:
    """Give the path of a register, or of the maximum, whose quantity is a code such as `EA`.

    Raises:
        Malformed: the quantity or the direction is not known.
    """
    if quantity == _MAX:
        return maximum(way, unit)
    found = _CODED_REGISTERS.get(quantity)
    if found is None:
        raise _unknown(quantity)
    return f"{direction(way)}/{found}"


def maximum(way: str, unit: str) -> str:
    """Give the path of a maximum power: active in W, apparent in VA or where nothing is said."""
    is_active = unit.strip() in {"W", "kW"}
    return f"{direction(way)}/power/{'active' if is_active else 'apparent'}/max"


def tariff_class(code: str) -> str:
    """Give a temporal class as it stands in a path; empty where it is unknown.

    Raises:
        Malformed: it is no such code.
    """
    word = plain(code)
    if word in _NO_CLASS:
        return ""
    if not _CLASS.match(word):
        raise Malformed("enedis.class", f"{code[:20]!r} is no temporal class")
    return word


def quality(nature: str, doubt: str = "", status: str = "") -> Quality:
    """Place Enedis' codes on our scale.

    Args:
        nature: a letter of a curve's point, or the word of a register.
        doubt: the index of plausibility (`iv`): anything but 0 is doubtful.
        status: whether it replaces what was published before.
    """
    found = _NATURES.get(nature.strip().upper(), Quality.DOUBTFUL)
    if found is not Quality.MEASURED:
        return found
    if doubt.strip() not in _SOUND:
        return Quality.DOUBTFUL
    return Quality.MEASURED if status.strip().upper() in _FIRST else Quality.CORRECTED


def _unknown(quantity: str) -> Malformed:
    return Malformed("enedis.quantity", f"{quantity[:40]!r} is no quantity known here")

"""Enedis' words for what is measured, and ours."""

from __future__ import annotations

from kevre.model.errors import Malformed

_DIRECTIONS = {"consommation": "consumption", "production": "production"}
# (physical quantity, unit that a blank unit cell stands for, path after the direction)
_CURVES = {
    "energie active": ("power/active", "W"),
    "puissance active": ("power/active", "W"),
    "energie reactive capacitive": ("power/capacitive", "var"),
    "energie reactive inductive": ("power/inductive", "var"),
    "tension": ("voltage", "V"),
}
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
        raise Malformed("enedis.quantity", f"{quantity[:40]!r} is no quantity known here")
    name, unit = found
    is_corrected = "corrig" in plain(stage) and name == "power/active"
    return f"{direction(way)}/{name}/{'corrected' if is_corrected else 'raw'}", unit


def register_path(column: str, way: str) -> str | None:
    """Give the path of one register column, such as `EAS F1` or `EAS T`; None for others."""
    grid, _, name = column.strip().partition(" ")
    if grid not in {"EAS", "EAI"} or not name:
        return None
    base = f"{'production' if grid == 'EAI' else direction(way)}/energy/active/index"
    owner = {"F": "provider", "D": "distributor"}.get(name[0])
    return f"{base}/{owner}/{name.lower()}" if owner else base if name == "T" else None

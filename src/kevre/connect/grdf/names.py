"""GRDF's words for consumptions of gas, and ours."""

from __future__ import annotations

from kevre.model.errors import Malformed
from kevre.model.quality import Quality

_ACCENTS = str.maketrans("éèêàôîçûù", "eeeaoicuu")
_DIRECTIONS = {
    "": "consumption",
    "consommation": "consumption",
    "injection": "production",
    "production": "production",
}
# The beginnings of what `type_qualif_conso`, `qualite_releve` and the customer's export say.
_QUALITIES = (
    ("mes", Quality.MEASURED),
    ("reel", Quality.MEASURED),
    ("est", Quality.ESTIMATED),
    ("calcul", Quality.ESTIMATED),
    ("corrig", Quality.CORRECTED),
    ("regularis", Quality.CORRECTED),
    ("rectifi", Quality.CORRECTED),
    ("auto", Quality.MANUAL),
    ("absence", Quality.MISSING),
)
# A gas day of October has 25 hours.
_LONGEST_DAY_S = 90_000


def plain(word: str) -> str:
    """Give a word without accents, in small letters."""
    return word.strip().lower().translate(_ACCENTS)


def direction(word: str) -> str:
    """Give the direction of the flow; nothing said is consumption.

    Raises:
        Malformed: another word.
    """
    found = _DIRECTIONS.get(plain(word))
    if found is None:
        raise Malformed("grdf.direction", f"{word[:30]!r} is no direction known here")
    return found


def quality(word: str) -> Quality:
    """Place GRDF's words on our scale; nothing said is measured, an unknown word doubtful."""
    said = plain(word)
    if not said:
        return Quality.MEASURED
    for start, found in _QUALITIES:
        if said.startswith(start):
            return found
    return Quality.DOUBTFUL


def form(kind: str, step_s: int) -> str:
    """Give the last word of a path: what is published, by day, or by any other period.

    Published consumptions are those that are billed. They are kept apart because they cover
    the same time as the informative ones, often differ from them, and may span months.
    """
    if plain(kind).startswith("publi"):
        return "published"
    return "daily" if step_s <= _LONGEST_DAY_S else "raw"

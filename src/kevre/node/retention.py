"""The rules of retention as the configuration writes them."""

from __future__ import annotations

from kevre.model import step
from kevre.model import unit as units
from kevre.model.errors import Malformed
from kevre.model.series import Statistic
from kevre.store import Rule

# Seconds of live power are for watching; after thirteen months, when the same month of last
# year has been compared, ten minutes tell as much.
DEFAULT = (Rule(Statistic.INSTANT, "W", detail_days=396, step_s=600),)
_ENTRIES = {"statistic", "unit", "detail_days", "step", "keep_days"}


def rules(entry: object) -> tuple[Rule, ...]:
    """Read the tables `[[retention]]`; without any, those of DEFAULT.

    Raises:
        Malformed: one is no table, or has an entry that is unknown or of another type.
    """
    if entry is None:
        return DEFAULT
    if not isinstance(entry, list):
        raise _malformed("retention is a list of tables", 0)
    return tuple(_rule(table, number) for number, table in enumerate(entry, start=1))


def _rule(table: object, number: int) -> Rule:
    if not isinstance(table, dict) or not {"statistic", "unit"} <= table.keys() <= _ENTRIES:
        raise _malformed("a rule has a statistic and a unit, and nothing unknown", number)
    if table["statistic"] not in set(Statistic):
        raise _malformed(f"a statistic is one of {', '.join(Statistic)}", number)
    unit = str(table["unit"])
    if units.unit(unit).base != unit:
        raise _malformed(f"readings are kept in {units.unit(unit).base}, not {unit}", number)
    return Rule(
        Statistic(table["statistic"]),
        unit,
        detail_days=_days(table.get("detail_days"), number),
        step_s=step.seconds(str(table.get("step", "PT10M"))),
        keep_days=_days(table.get("keep_days"), number),
    )


def _days(given: object, number: int) -> int | None:
    if given is None:
        return None
    if not isinstance(given, int) or isinstance(given, bool):
        raise _malformed("a number of days is a whole number", number)
    return given


def _malformed(message: str, number: int) -> Malformed:
    return Malformed(
        "config.retention",
        message,
        where=f"kevre.toml, retention {number}",
        hint="see docs/operators/retention.md",
    )

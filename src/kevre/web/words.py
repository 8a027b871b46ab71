"""Words for people: names of series, units, steps, days and instants in three languages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import (
    format_date,
    format_datetime,
    format_skeleton,
    format_time,
    format_timedelta,
)
from babel.numbers import format_decimal, format_percent
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kevre.model import identifier
from kevre.model.series import Direction, Fluid, Kind, Statistic
from kevre.places.series import Series
from kevre.web.chart.number import energy_text, power_text

MINUS, DASH = "\u2212", "\u2013"
NARROW_SPACE = "\u202f"
_SYMBOLS = {
    "m3": "m³",
    "m3/s": "m³/s",
    "m3/h": "m³/h",
    "Cel": "°C",
    "%RH": "%",
    "W/m2": "W/m²",
    "Wh/m2": "Wh/m²",
    "Wh/m3": "Wh/m³",
    "deg": "°",
    "/": "",
    "count": "",
}
# Shown in another unit than stored, because people know it so: factor and symbol.
_FAMILIAR = {"Pa": (0.01, "hPa"), "m": (1000.0, "mm"), "s": (1 / 60, "min")}
# Babel takes some 50 us for each, and a page says the same days and numbers at its next view.
_REMEMBERED = 4_096
_FINE = 10.0  # below this a number is shown with two decimals, above with one, then none
_COARSE = 1000.0

_NAMES: dict[tuple[str, str], Promise] = {
    ("power/active", Direction.CONSUMPTION): _("Power consumed"),
    ("power/active", Direction.PRODUCTION): _("Power produced"),
    ("power/apparent", Direction.CONSUMPTION): _("Apparent power"),
    ("power/apparent", Direction.PRODUCTION): _("Apparent power produced"),
    ("power/capacitive", Direction.CONSUMPTION): _("Capacitive power"),
    ("power/inductive", Direction.CONSUMPTION): _("Inductive power"),
    ("energy/active", Direction.CONSUMPTION): _("Energy consumed"),
    ("energy/active", Direction.PRODUCTION): _("Energy produced"),
    ("energy", Direction.CONSUMPTION): _("Energy consumed"),
    ("volume", Direction.CONSUMPTION): _("Volume consumed"),
    ("power", Direction.CONSUMPTION): _("Heat consumed"),
    ("power", Direction.PRODUCTION): _("Heat produced"),
    ("voltage", Direction.CONSUMPTION): _("Voltage"),
    ("volume", Direction.PRODUCTION): _("Volume"),
    ("energy", Direction.PRODUCTION): _("Heat produced"),
    ("energy/reactive", Direction.CONSUMPTION): _("Reactive energy"),
    ("energy/reactive", Direction.PRODUCTION): _("Reactive energy"),
    ("power/reactive", Direction.CONSUMPTION): _("Reactive power"),
    ("power/reactive", Direction.PRODUCTION): _("Reactive power"),
    ("voltage", Direction.PRODUCTION): _("Voltage"),
    ("current", Direction.CONSUMPTION): _("Current"),
    ("current", Direction.PRODUCTION): _("Current"),
    ("flow", Direction.CONSUMPTION): _("Flow"),
    ("flow", Direction.PRODUCTION): _("Flow"),
    ("efficiency", Direction.PRODUCTION): _("Efficiency"),
    ("frequency", Direction.NONE): _("Frequency"),
    ("co2", Direction.NONE): _("Carbon dioxide in the air"),
    ("temperature/supply", Direction.NONE): _("Supply temperature"),
    ("temperature/return", Direction.NONE): _("Return temperature"),
    ("temperature/tank", Direction.NONE): _("Tank temperature"),
    ("temperature", Direction.NONE): _("Temperature"),
    ("conversion", Direction.NONE): _("Energy in a cubic metre"),
    ("humidity", Direction.NONE): _("Humidity"),
    ("irradiance", Direction.NONE): _("Sunlight"),
    ("irradiation", Direction.NONE): _("Sunlight received"),
    ("wind/speed", Direction.NONE): _("Wind speed"),
    ("wind/direction", Direction.NONE): _("Wind direction"),
    ("rain", Direction.NONE): _("Rain"),
    ("sunshine", Direction.NONE): _("Sunshine"),
    ("pressure", Direction.NONE): _("Pressure"),
}
FLUIDS: dict[str, Promise] = {
    Fluid.ELECTRICITY: _("Electricity"),
    Fluid.GAS: _("Gas"),
    Fluid.HEAT: _("Heat"),
    Fluid.WATER: _("Water"),
    Fluid.WEATHER: _("Weather"),
    Fluid.INDOOR: _("Indoor"),
}
_STATISTICS: dict[str, Promise] = {
    Statistic.MEAN: _("Each value is the mean over its interval."),
    Statistic.SUM: _("Each value is the amount of its interval."),
    Statistic.REGISTER: _(
        "Each value is what the meter's counter showed; what was used is the difference of two."
    ),
    Statistic.INSTANT: _("Each value is what was measured at one instant."),
    Statistic.MAX: _("Each value is the highest of its interval."),
}


def series_name(series: Series) -> str:
    """Name a series: by its own label, or by what it measures, and of which part."""
    if series.label:
        return gettext(series.label)
    part = identifier.part_of(series.path)
    return f"{kind_name(series.kind)}{f' ({part})' if part else ''}"


def kind_name(kind: Kind) -> str:
    """Name what a kind measures."""
    name = _NAMES.get((kind.quantity, kind.direction))
    return f"{FLUIDS[kind.fluid]} · {name or kind.quantity}"


def explanation(series: Series) -> str:
    """Say in a sentence how one value of the series stands for its time."""
    return str(_STATISTICS[series.statistic])


def step_text(step_s: int | None, locale: str) -> str:
    """Say how far apart the readings are, such as "30 minutes"."""
    if not step_s:
        return gettext("irregular")
    length = timedelta(seconds=step_s)
    return str(format_timedelta(length, granularity="second", threshold=1.01, locale=locale))


def quantity_text(value: float, unit: str, locale: str) -> str:
    """Write a value with its unit, as people know it.

    >>> quantity_text(1013.2e2, "Pa", "en_GB"), quantity_text(11.25, "Cel", "fr_FR")
    ('1,013\u202fhPa', '11,2\u202f°C')
    """
    spoken: dict[str, Callable[[float, str], str]] = {"W": power_text, "Wh": energy_text}
    if unit in spoken:
        return spoken[unit](value, locale)
    factor, symbol = _FAMILIAR.get(unit, (1.0, _SYMBOLS.get(unit, unit)))
    if unit in {"VA", "var"} and abs(value) >= _COARSE:
        factor, symbol = 0.001, f"k{unit}"
    return f"{number_text(value * factor, locale)}{NARROW_SPACE}{symbol}".rstrip(NARROW_SPACE)


def symbol(unit: str) -> str:
    """Give how people write a unit.

    >>> symbol("Cel"), symbol("kWh")
    ('°C', 'kWh')
    """
    return _SYMBOLS.get(unit) or unit


def parts(text: str) -> tuple[str, str]:
    """Split a written quantity into its number and its unit, to set them in two sizes.

    >>> parts("1\u202f234,5\u202fkW")
    ('1\u202f234,5', 'kW')
    """
    cut = max(text.rfind(space) for space in " \u00a0\u202f")
    return (text, "") if cut < 0 or text[cut + 1 :].isdigit() else (text[:cut], text[cut + 1 :])


@lru_cache(maxsize=_REMEMBERED)
def number_text(value: float, locale: str) -> str:
    """Write a number with as many decimals as its size deserves."""
    size = abs(value)
    pattern = "#,##0" if size >= _COARSE else "#,##0.0" if size >= _FINE else "#,##0.##"
    return str(format_decimal(value, format=pattern, locale=locale))


@lru_cache(maxsize=_REMEMBERED)
def percent_text(share: float, locale: str, *, signed: bool = False) -> str:
    """Write a share as a percentage; a change carries its sign.

    >>> percent_text(0.1234, "en_GB"), percent_text(-0.05, "en_GB", signed=True)
    ('12%', '\u22125%')
    """
    text = str(format_percent(abs(share), locale=locale))
    if not signed or text.startswith("0"):
        return text
    return f"{'+' if share > 0 else MINUS}{text}"


@lru_cache(maxsize=_REMEMBERED)
def day_text(day: date, locale: str) -> str:
    """Write a day short, with its weekday."""
    noon = datetime.combine(day, time(12), UTC)
    return str(format_skeleton("MMMEd", noon, locale=locale))


@lru_cache(maxsize=_REMEMBERED)
def month_text(day: date, locale: str) -> str:
    """Write the month of a day with its year."""
    return str(format_date(day, "LLLL y", locale=locale))


def clock_text(at: datetime, zone: ZoneInfo, now: datetime, locale: str) -> str:
    """Write an instant: the time if it is of today, else the day and the time."""
    local = at.astimezone(zone)
    clock = str(format_time(local, "HH:mm:ss" if local.second else "HH:mm", locale=locale))
    if local.date() == now.astimezone(zone).date():
        return clock
    return f"{day_text(local.date(), locale)}, {clock}"


def ago_text(at: datetime, now: datetime, locale: str) -> str:
    """Say how long ago an instant was."""
    return str(format_timedelta(at - now, add_direction=True, locale=locale))


def stamp_text(at: datetime, zone: ZoneInfo, locale: str) -> str:
    """Write an instant in full for a table: day and time, with the offset where it matters."""
    return str(format_datetime(at.astimezone(zone), "short", locale=locale))

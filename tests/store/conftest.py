import math
from array import array
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from kevre.model import identifier
from kevre.model.batch import Column
from kevre.model.permit import Permit
from kevre.model.quality import Quality
from kevre.model.step import Resolution
from kevre.model.window import EARLIEST_S, LATEST_S, PARIS, Window, midnight
from kevre.store import Store

POWER = identifier.KINDS["consumption/power/active/raw"]
INSTANT = identifier.KINDS["consumption/power/active/instant"]
ENERGY = identifier.KINDS["consumption/energy/active/raw"]
INDEX = identifier.KINDS["consumption/energy/active/index"]
PEAK = identifier.KINDS["consumption/power/active/max"]
WATER = identifier.KINDS["consumption/volume/water/index"]
TEMPERATURE = identifier.KINDS["temperature/air/raw"]

ALWAYS = Window.of_seconds(EARLIEST_S, LATEST_S)
NEW_YORK = ZoneInfo("America/New_York")
NOW_S = 1_784_887_200


def midnight_s(year, month, day, zone=PARIS):
    return int(midnight(date(year, month, day), zone).timestamp())


def column(readings, kind=POWER, exponent=0):
    """A column of (start_s, step_s, value or None[, quality])."""
    whole = [(*r, Quality.MEASURED) if len(r) == 3 else r for r in readings]
    return Column(
        "urn:dev:prm:09876543210123_x",
        kind,
        exponent,
        array("q", [start for start, _, _, _ in whole]),
        array("i", [step for _, step, _, _ in whole]),
        array("q", [0 if value is None else value for _, _, value, _ in whole]),
        array("B", [Quality.MISSING if v is None else q for _, _, v, q in whole]),
    )


def steady(start_s, values, step_s=1800, **kwargs):
    return column([(start_s + i * step_s, step_s, v) for i, v in enumerate(values)], **kwargs)


def permit(*series, window=ALWAYS, finest=Resolution.RAW, totals_only=False):
    return Permit(frozenset(series), window, finest, totals_only, "test")


def rows(curve):
    """The readings of a raw curve, as plain values."""
    values = [None if math.isnan(v) else v for v in curve.values.tolist()]
    return list(
        zip(
            curve.start_s.tolist(),
            curve.step_s.tolist(),
            values,
            curve.quality.tolist(),
            strict=True,
        )
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "readings.duckdb"


@pytest.fixture
def store(path):
    with Store(path, memory_mb=128, threads=1) as opened:
        opened.declare(1, POWER, PARIS)
        opened.declare(2, POWER, PARIS)
        yield opened

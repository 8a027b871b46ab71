"""Makes the readings of a planned series between two instants: generated, or replayed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from kevre.model.quality import Quality
from kevre.model.window import PARIS
from kevre.node.demo.generate import SOLAR_STEP_S, Home, Sky, building_w, home_w, solar_w
from kevre.node.demo.meter import MeterCurve
from kevre.node.demo.noise import Floats, Integers
from kevre.node.demo.plan import SeriesPlan, SitePlan
from kevre.node.demo.record import Record
from kevre.node.demo.replay import Run, replayed, replayed_days

_DAY_S = 86_400
_HOUR_S = 3_600
_RECORD = "record:"
_METER = "meter:"


class Maker:
    """Makes readings; holds the sky and the temperature that all sites share.

    Args:
        sky: the sky over the territory.
        records: the files of the real series, by their names.
    """

    def __init__(self, sky: Sky, records: Mapping[str, Path]) -> None:
        self._sky = sky
        self._records = records
        self._curves: dict[str, MeterCurve] = {}

    def readings(self, site: SitePlan, series: SeriesPlan, start_s: int, end_s: int) -> Run:
        """Give the readings whose whole intervals lie in `start_s <= t < end_s`."""
        if series.feed.startswith(_RECORD):
            record = Record.load(self._records[series.feed.removeprefix(_RECORD)])
            if record.step_s == _DAY_S:
                return replayed_days(record, start_s, end_s, PARIS)
            return replayed(record, start_s, end_s)
        if series.step_s is None:
            return _run(np.empty(0, np.int64), 0, np.empty(0, np.int64))
        first = -(-start_s // series.step_s)
        slots = np.arange(first, end_s // series.step_s, dtype=np.int64) * series.step_s
        return _run(slots, series.step_s, self._power_w(site, series.feed, slots, series.step_s))

    def _power_w(self, site: SitePlan, feed: str, start_s: Integers, step_s: int) -> Integers:
        """Give whole watts, such that load = import + solar - export in every interval."""
        if feed.startswith(_METER):
            curve = self._curve(site)
            return curve.power_w(feed.removeprefix(_METER), start_s, step_s)
        if feed == "solar":
            return self._solar_w(site, start_s, step_s)
        load = self._load_w(site, start_s, step_s)
        if feed == "load":
            return load
        net = load - self._solar_w(site, start_s, step_s)
        return np.asarray(np.maximum(net if feed == "import" else -net, 0))

    def _curve(self, site: SitePlan) -> MeterCurve:
        if site.meter is None:
            raise ValueError(f"{site.slug} has no simulated meter")
        return self._curves.setdefault(site.slug, MeterCurve(site.meter))

    def _load_w(self, site: SitePlan, start_s: Integers, step_s: int) -> Integers:
        temp_c = self._temp_c(start_s)
        if site.load is None:
            raise ValueError(f"{site.slug} has no load")
        if isinstance(site.load, Home):
            power_w = home_w(site.load, start_s, step_s, temp_c=temp_c, zone=PARIS)
        else:
            power_w = building_w(site.load, start_s, step_s, temp_c=temp_c, zone=PARIS)
        return np.asarray(np.rint(power_w), np.int64)

    def _solar_w(self, site: SitePlan, start_s: Integers, step_s: int) -> Integers:
        if site.solar is None:
            raise ValueError(f"{site.slug} has no solar plant")
        pieces = step_s // SOLAR_STEP_S
        fine = (start_s[:, None] + np.arange(pieces) * SOLAR_STEP_S).ravel()
        power_w = np.rint(solar_w(site.solar, self._sky, fine, temp_c=self._temp_c(fine)))
        return np.asarray(np.rint(power_w.reshape(-1, pieces).mean(axis=1)), np.int64)

    @cached_property
    def _weather(self) -> Record:
        return Record.load(self._records["uk-temperature-0"])

    def _temp_c(self, at_s: Integers) -> Floats:
        """Give the temperature that the demo's weather station shows for these instants."""
        if len(at_s) == 0:
            return np.empty(0)
        run = replayed(self._weather, int(at_s[0]) - _DAY_S, int(at_s[-1]) + _HOUR_S)
        held = np.maximum(np.searchsorted(run.start_s, at_s, side="right") - 1, 0)
        return np.asarray(run.value[held] * 10.0**run.exponent)


def _run(start_s: Integers, step_s: int, value: Integers) -> Run:
    length = len(start_s)
    step = np.full(length, step_s, np.int64)
    return Run(start_s, step, value, 0, np.full(length, Quality.MEASURED, np.uint8))

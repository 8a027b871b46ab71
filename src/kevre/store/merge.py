"""Rows into the table of readings: appended where nothing can be, merged elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from kevre.store.fit import Rows

# 7 is Quality.MISSING: such a row has no value, and never takes the place of one.
APPEND = """
    insert into reading
    select series, start_s, step_s, case when quality <> 7 then value end, quality from incoming
"""
FRESH = """
    with old as (
        select series, start_s, step_s, value, quality from reading
        where series between $low and $high and start_s between $first_s and $last_s
    )
    select new.place, new.series, new.start_s, new.step_s, new.value, new.quality,
        old.series is not null as is_known,
        greatest(new.step_s, coalesce(old.step_s, 0), 1) as reach_s
    from incoming as new
    left join old on old.series = new.series and old.start_s = new.start_s
    where old.series is null
        or (new.quality = 7 and old.quality = 7 and new.step_s <> old.step_s)
        or (new.quality <> 7 and (new.value is distinct from old.value
            or new.quality <> old.quality or new.step_s <> old.step_s))
    order by new.series, new.start_s
"""
DELETE = """
    delete from reading using incoming as new
    where new.is_known and reading.series = new.series and reading.start_s = new.start_s
        and reading.series between $low and $high
        and reading.start_s between $first_s and $last_s
"""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Readings of one series out of one of the jobs that share a transaction."""

    place: int
    series: int
    rows: Rows


@dataclass(frozen=True, slots=True)
class Merged:
    """What really changed of one part."""

    place: int
    series: int
    first_s: int
    last_s: int
    new: int
    changed: int


def append(cursor: duckdb.DuckDBPyConnection, parts: Sequence[Part]) -> list[Merged]:
    """Add readings that are all newer than what their series hold."""
    if not parts:
        return []
    ordered = sorted(parts, key=lambda part: part.series)
    cursor.register("incoming", _columns(ordered))
    cursor.execute(APPEND)
    cursor.unregister("incoming")
    return [
        Merged(
            part.place,
            part.series,
            int(part.rows.start_s[0]),
            part.rows.end_s,
            len(part.rows),
            0,
        )
        for part in ordered
    ]


def upsert(cursor: duckdb.DuckDBPyConnection, parts: Sequence[Part]) -> list[Merged]:
    """Merge readings, each series in at most one part; give the parts that changed."""
    if not parts:
        return []
    incoming = _columns(parts)
    span = {
        "low": int(incoming["series"].min()),
        "high": int(incoming["series"].max()),
        "first_s": int(incoming["start_s"].min()),
        "last_s": int(incoming["start_s"].max()),
    }
    cursor.register("incoming", incoming)
    fresh = cursor.execute(FRESH, span).fetchnumpy()
    cursor.unregister("incoming")
    if len(fresh["series"]) == 0:
        return []
    cursor.register("incoming", fresh)
    if fresh["is_known"].any():
        cursor.execute(DELETE, span)
    cursor.execute(APPEND)
    cursor.unregister("incoming")
    return list(_by_part(fresh))


def _columns(parts: Sequence[Part]) -> dict[str, NDArray[Any]]:
    counts = [len(part.rows) for part in parts]
    return {
        "place": np.repeat(np.array([part.place for part in parts], np.int32), counts),
        "series": np.repeat(np.array([part.series for part in parts], np.int32), counts),
        "start_s": np.concatenate([part.rows.start_s for part in parts]),
        "step_s": np.concatenate([part.rows.step_s for part in parts]),
        "value": np.concatenate([part.rows.value for part in parts]),
        "quality": np.concatenate([part.rows.quality for part in parts]),
    }


def _by_part(fresh: dict[str, NDArray[Any]]) -> list[Merged]:
    series = fresh["series"]
    first = np.flatnonzero(np.concatenate(([True], series[1:] != series[:-1])))
    counts = np.diff(np.append(first, len(series)))
    changed = np.add.reduceat(fresh["is_known"].astype(np.int64), first)
    end_s = np.maximum.reduceat(fresh["start_s"] + fresh["reach_s"], first)
    return [
        Merged(
            int(fresh["place"][at]),
            int(series[at]),
            int(fresh["start_s"][at]),
            int(end_s[index]),
            int(counts[index] - changed[index]),
            int(changed[index]),
        )
        for index, at in enumerate(first)
    ]

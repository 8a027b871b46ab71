"""The tables of a spool and what is done with their rows, within one transaction."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from kevre.collect.thin import merged
from kevre.model.batch import Column, ColumnBuilder
from kevre.model.identifier import parse
from kevre.model.quality import Quality
from kevre.model.reading import Reading
from kevre.model.series import Kind

# A reading that is replaced, taken back or stamped anew takes a new number, so that the
# acknowledgement of a parcel on its way does not delete it. Numbers are never given twice.
# `boot` is the boot whose time was not set when the reading was stamped; null once it is.
SCHEMA = """
create table if not exists series (id integer primary key, urn text not null unique);
create table if not exists boot (
    id integer primary key, name text not null unique, offset_s real not null,
    is_set integer not null
);
create table if not exists reading (
    number integer primary key autoincrement,
    series integer not null references series (id),
    start_s integer not null,
    step_s integer not null,
    mantissa integer,
    exponent integer not null,
    quality integer not null,
    refusal text,
    boot integer references boot (id),
    unique (series, start_s)
);
create table if not exists tally (name text primary key, count integer not null);
create table if not exists note (name text primary key, text text not null, at_s integer not null);
create table if not exists mark (name text primary key, number integer not null);
drop index if exists waiting;
create index if not exists ready on reading (number) where refusal is null and boot is null;
create index if not exists unset on reading (boot, number) where boot is not null;
create index if not exists refused on reading (number) where refusal is not null;
"""
ADD_BOOT = "alter table reading add column boot integer references boot (id)"
HELD = "select count(*) from reading"
WAITING = "select count(*) from reading where refusal is null"
UNSET = "select count(*) from reading where boot is not null"
LAST_S = "select max(start_s) from reading"
_KNOW = "insert into series (urn) values (?) on conflict do nothing"
_KEY = "select id from series where urn = ?"
_REPLACED = "delete from reading where series = ? and start_s = ?"
_ADD = """
insert into reading (series, start_s, step_s, mantissa, exponent, quality, boot)
values (?, ?, ?, ?, ?, ?, ?)
"""
_ROWS = """
select number, urn, start_s, step_s, mantissa, exponent, quality
from reading join series on series.id = series
where refusal is null and boot is null
"""
OLDEST = _ROWS + "order by number limit ?"
ON_ITS_WAY = _ROWS + "and number <= ? order by number"
FORGET = "delete from reading where number <= ? and refusal is null and boot is null"
REFUSE = "update reading set refusal = ? where number <= ? and refusal is null and boot is null"
TAKE_BACK = """
insert or replace into reading (series, start_s, step_s, mantissa, exponent, quality)
select series, start_s, step_s, mantissa, exponent, quality
from reading where refusal is not null order by number
"""
DROP_REFUSED = """
delete from reading where number in (
    select number from reading where refusal is not null order by number limit ?
)
"""
DROP_WAITING = """
delete from reading where number in (
    select number from reading where refusal is null and number > ? order by number limit ?
)
"""
_THINNABLE = """
select reading.number, urn, start_s, step_s, mantissa, exponent, quality, series, boot
from reading join series on series.id = series
where refusal is null and number > ? order by number limit ?
"""
_DELETE = "delete from reading where number = ?"
_PUT_BACK = """
insert into reading (number, series, start_s, step_s, mantissa, exponent, quality, boot)
values (?, ?, ?, ?, ?, ?, ?, ?)
"""
_TALLY = """
insert into tally (name, count) values (?, ?)
on conflict (name) do update set count = count + excluded.count
"""
NOTE = "insert or replace into note (name, text, at_s) values (?, ?, ?)"
MARK = "insert or replace into mark (name, number) values (?, ?)"
MARKED = "select number from mark where name = ?"
BOOT = """
insert into boot (name, offset_s, is_set) values (?, ?, ?)
on conflict (name) do update set offset_s = excluded.offset_s, is_set = excluded.is_set
"""
BOOT_ID = "select id from boot where name = ?"
LAST_BOOT = "select name, offset_s, is_set from boot where name = ?"
_KNOW_BOOT = "insert into boot (name, offset_s, is_set) values (?, 0, 0) on conflict do nothing"
_UNSET_BOOTS = """
select boot, min(start_s), max(start_s) from reading where boot is not null
group by boot order by boot desc
"""
_DOUBTED = f"case quality when {Quality.MEASURED} then {Quality.DOUBTFUL} else quality end"
_TAKE_OUT = """
create temp table moving as
select series, start_s + {shift} as start_s, step_s, mantissa, exponent, quality
from reading where {which} order by number
"""
_PUT_IN = """
insert or replace into reading (series, start_s, step_s, mantissa, exponent, quality)
select series, start_s, step_s, mantissa, exponent, {quality} from moving order by rowid
"""

Row = tuple[int, str, int, int, int | None, int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """A reading on its way to disk; `boot` is not empty where its time was not set."""

    urn: str
    reading: Reading
    boot: str = ""


def put(base: sqlite3.Connection, entry: Entry) -> int:
    """Add a reading, and give how many it replaced."""
    base.execute(_KNOW, (entry.urn,))
    series: int = base.execute(_KEY, (entry.urn,)).fetchone()[0]
    boot: int | None = None
    if entry.boot:
        base.execute(_KNOW_BOOT, (entry.boot,))
        boot = base.execute(BOOT_ID, (entry.boot,)).fetchone()[0]
    reading = entry.reading
    replaced = base.execute(_REPLACED, (series, reading.start_s)).rowcount
    mantissa, exponent = reading.value or (None, 0)
    base.execute(
        _ADD, (series, reading.start_s, reading.step_s, mantissa, exponent, reading.quality, boot)
    )
    return replaced


def tally(base: sqlite3.Connection, name: str, count: int) -> None:
    """Add to a counter."""
    if count:
        base.execute(_TALLY, (name, count))


def thin(base: sqlite3.Connection, beyond: int, limit: int, width_s: int) -> int:
    """Merge the oldest readings that wait; give how many fewer there are.

    Args:
        base: in a transaction.
        beyond: readings up to this number may be at the node already, and stay as they are.
        limit: how many of the oldest are looked at.
        width_s: longest time that one reading stands for afterwards [s].
    """
    groups = defaultdict(list)
    for row in base.execute(_THINNABLE, (beyond, limit)).fetchall():
        groups[row[7], row[8]].append(row)
    return sum(_thin_one(base, group, width_s) for group in groups.values())


def _thin_one(base: sqlite3.Connection, rows: list[tuple[object, ...]], width_s: int) -> int:
    rows.sort(key=lambda row: row[2])  # type: ignore[arg-type, return-value]  # start_s is int
    found = [_reading(*row[2:7]) for row in rows]  # type: ignore[arg-type]  # as the table has them
    statistic = kind(str(rows[0][1])).statistic
    fewer, each = 0, iter(rows)
    for one in merged(found, statistic, width_s=width_s):
        run = list(islice(each, one.count))
        if one.count == 1:
            continue
        base.executemany(_DELETE, [(row[0],) for row in run])
        mantissa, exponent = one.reading.value or (None, 0)
        place = min(int(str(row[0])) for row in run)
        told = (one.reading.start_s, one.reading.step_s, mantissa, exponent, one.reading.quality)
        base.execute(_PUT_BACK, (place, run[0][7], *told, run[0][8]))
        fewer += one.count - 1
    return fewer


def set_time(base: sqlite3.Connection, boot: str, shift_s: int, now_s: int) -> int:
    """Stamp anew what waited for the time of this boot, and release what earlier boots left.

    What earlier boots stamped and never set stays in order and becomes doubtful; it moves
    back where it would lie in this boot. Gives how many readings vanished because two met at
    one instant.
    """
    lost = 0
    for which, by_s, quality in reversed(list(_moves(base, boot, shift_s, now_s))):
        before: int = base.execute(HELD).fetchone()[0]
        base.execute(_TAKE_OUT.format(shift=int(by_s), which=which))
        base.execute(f"delete from reading where {which}")  # noqa: S608 - our own words only
        base.execute(_PUT_IN.format(quality=quality))
        base.execute("drop table moving")
        lost += before - int(base.execute(HELD).fetchone()[0])
    return lost


def _moves(
    base: sqlite3.Connection, boot: str, shift_s: int, now_s: int
) -> Iterator[tuple[str, int, str]]:
    """Give which readings move by how much [s], and their quality then; the newest first."""
    found = base.execute(BOOT_ID, (boot,)).fetchone()
    own = -1 if found is None else int(found[0])
    limit_s = now_s
    for one, first_s, last_s in base.execute(_UNSET_BOOTS).fetchall():
        if one == own:
            yield f"boot = {own}", shift_s, "quality"
            limit_s = min(limit_s, first_s + shift_s)
            continue
        by_s = min(0, limit_s - 1 - last_s)
        yield f"boot = {int(one)}", by_s, _DOUBTED
        limit_s = min(limit_s, first_s + by_s)


def columns(rows: Iterable[Row]) -> Iterator[Column]:
    """Give rows as columns, one for each series."""
    yield from gathered((row[1], _reading(*row[2:7])) for row in rows)


def gathered(readings: Iterable[tuple[str, Reading]]) -> Iterator[Column]:
    """Give readings as columns, one for each series."""
    builders: dict[str, ColumnBuilder] = {}
    for urn, reading in readings:
        builder = builders.get(urn)
        if builder is None:
            builder = builders[urn] = ColumnBuilder(urn, kind(urn))
        builder.add(reading)
    for builder in builders.values():
        yield builder.build()


def kind(urn: str) -> Kind:
    """Give the kind of a series of ours."""
    found = parse(urn).kind
    if found is None:
        raise AssertionError("a device gives only series whose path tells their kind")
    return found


def _reading(
    start_s: int, step_s: int, mantissa: int | None, exponent: int, quality: int
) -> Reading:
    value = None if mantissa is None else (mantissa, exponent)
    return Reading(start_s, step_s, value, Quality(quality))

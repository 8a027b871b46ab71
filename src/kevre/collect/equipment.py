"""The file of a collector: where it sends, and the devices it reads.

TOML: entries for the whole, then one table [[device]] each. Each has a name, a driver, most
a point; the rest are the driver's own options, read by the driver's module.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from importlib import import_module
from pathlib import Path

from kevre.collect.driver import Driver, Surroundings, Task
from kevre.collect.measure import known_path
from kevre.collect.option import Options
from kevre.collect.report import Report
from kevre.collect.sampler import Pace
from kevre.model import identifier
from kevre.model.errors import KevreError, Malformed, Missing
from kevre.model.series import LIVE_HOLD_S

# Name in the file: module of kevre.collect.device, imported only when a device uses it.
DRIVERS = {
    "linky": "linky",
    "http": "http",
    "modbus": "modbus",
    "mbus": "mbus",
    "mqtt": "mqtt",
    "onewire": "onewire",
    "pulse": "pulse",
    "solar": "solar",
    "sunspec": "sunspec",
}
# Drivers whose sensors have URNs of their own.
_OWN_POINTS = frozenset({"onewire"})
# Drivers that give registers alone: to read them more often would only wear the card.
_REGISTERS = frozenset({"pulse"})
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")
_MOST_DEVICES = 100


@dataclass(frozen=True, slots=True)
class Device:
    """One device of the file, its driver made but not opened.

    Attributes:
        name: what the status calls it.
        kind: name of its driver.
        point: URN that its series stand below; empty where each sensor has its own.
    """

    name: str
    kind: str
    point: str
    pace: Pace
    driver: Driver


@dataclass(frozen=True, slots=True)
class Equipment:
    """A whole file. What is None or empty was not said in it.

    Attributes:
        trust: certificates trusted besides the system's.
        send_s: how often the node is called [s].
        flush_s: how long readings may wait in memory [s].
    """

    devices: tuple[Device, ...]
    node: str = ""
    key_file: Path | None = None
    plain_http: bool = False
    trust: Path | None = None
    send_s: int | None = None
    flush_s: int | None = None
    report: Report = field(default_factory=Report)


def load(path: Path, around: Surroundings) -> Equipment:
    """Read the file of a collector and make its drivers; opens no device.

    Raises:
        Missing: no such file.
        Malformed: it says something that cannot be, with the device and the entry.
    """
    try:
        written = path.read_bytes()
    except OSError as error:
        raise Missing(
            "device.no_file",
            "the file of the devices cannot be read",
            where=path.name,
            hint="check its path and who may read it",
        ) from error
    try:
        entries = tomllib.loads(written.decode("utf-8"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Malformed(
            "device.toml", f"the file is no TOML: {error}", where=path.name, hint="mend that line"
        ) from error
    return _equipment(Options(entries, path.name, path.parent), path.parent, around)


def _equipment(options: Options, here: Path, around: Surroundings) -> Equipment:
    node, key_file = options.text("node", ""), options.text("key_file", "")
    trust = options.text("trust", "")
    pace = _pace(options, Pace())
    # A collector that is paired may wait for its devices: the node tells them.
    tables = options.tables("device", least=0 if node and key_file else 1)
    devices = tuple(device(one, around, pace) for one in tables)
    _check_together(devices, options.where)
    made = Equipment(
        devices,
        node,
        here / key_file if key_file else None,
        options.flag("plain_http"),
        here / trust if trust else None,
        options.whole("send_every_s", 0, least=0) or None,
        options.whole("flush_every_s", 0, least=0) or None,
        _report(options),
    )
    options.done()
    return made


def _report(options: Options) -> Report:
    """Read the dead bands: tables [[report]] of a series and its band."""
    longest_s = options.whole("report_every_s", LIVE_HOLD_S, least=1)
    bands = {}
    for one in options.tables("report"):
        path = known_path(one)
        bands[path] = abs(one.number("band")) if one.has("band") else Decimal(0)
        one.done()
    return Report(bands, min(longest_s, LIVE_HOLD_S))


def device(options: Options, around: Surroundings, pace: Pace) -> Device:
    """Make one device of its table.

    Raises:
        Malformed: an entry is wrong or not known; `where` says of which device.
    """
    name = options.text("name")
    if not _NAME.match(name):
        raise options.wrong("name", "small letters, digits and hyphens, 40 at most")
    options.where = f"device {name}"
    kind = options.choice("driver", DRIVERS)
    own = _pace(options, pace)
    if kind in _REGISTERS:
        own = Pace(own.index_s, own.index_s)
    point = options.text("point", "" if kind in _OWN_POINTS else None)
    try:
        point = identifier.point(point) if point else ""
        make = import_module(f"kevre.collect.device.{DRIVERS[kind]}").make
        driver: Driver = make(Task(name, options, around, own.every_s, own.index_s))
    except KevreError as error:
        error.where = error.where or options.where
        raise
    options.done()
    return Device(name, kind, point, own, driver)


def _pace(options: Options, default: Pace) -> Pace:
    every_s = options.whole("every_s", default.every_s, least=1)
    return Pace(every_s, options.whole("index_every_s", default.index_s, least=1))


def _check_together(devices: tuple[Device, ...], where: str) -> None:
    names = [one.name for one in devices]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise Malformed(
            "device.twice",
            f"two devices have the name {min(twice)}",
            where=where,
            hint="each has a name of its own",
        )
    if len(devices) > _MOST_DEVICES:
        raise Malformed(
            "device.many",
            f"more than {_MOST_DEVICES} devices",
            where=where,
            hint="start a second collector with its own spool",
        )

"""What a collector's readings take on the wire: a real node, real TLS, a proxy that counts."""

from __future__ import annotations

import random
import tempfile
from array import array
from decimal import Decimal
from pathlib import Path

from tests.proxy import Proxy, certified
from tests.served import ServedNode

from bench.figure import Figure
from kevre.collect.load import Load
from kevre.collect.pair import pair
from kevre.collect.report import Report
from kevre.collect.uplink import Uplink
from kevre.model.batch import Column
from kevre.model.identifier import kind_of

POINT = "urn:dev:prm:09876543210123"
ROOM = "urn:dev:ow:28-0316a2795bff"
START_S = 1_760_000_000
FLUSH_S = 600
_POWER = "consumption/power/apparent/instant"
_BUDGET = 6.0
_DAY_BUDGET_KB = 150.0


def figures() -> list[Figure]:
    """Measure a single power, and a day of a school with eight series."""
    with tempfile.TemporaryDirectory() as folder:
        return _measured(Path(folder))


def _measured(folder: Path) -> list[Figure]:
    node = ServedNode(folder)
    code = node.init(POINT, ROOM)
    context, trusted = certified(folder)
    with node, Proxy(node.port, context=context) as clear, Proxy(clear.port) as line:
        address = f"https://localhost:{line.port}"
        key = pair(code, address, trust=str(trusted)).key
        found = []
        for profile in ("household", "school"):
            link = Uplink(address, key, trust=str(trusted))
            # The handshake, a ticket in place of the key, and how the collector stands.
            link.send((), [0, 0, {"version": "1"}])
            before, claimed = line.total, 0
            for flush in range(18):
                some = _powers(profile, START_S + flush * 8 * FLUSH_S)
                claimed += link.send([some], [60, 0, None]).wire_bytes
            each = (line.total - before) / (18 * 60)
            assert abs(claimed - (line.total - before)) < 0.02 * claimed, "the agent counts wrong"
            name = f"bytes a reading, power of a {profile}"
            found.append(Figure(name, each, "B", "budget", each / _BUDGET, _BUDGET))
            link.close()
        before = line.total
        link = Uplink(address, key, trust=str(trusted))
        link.send(())
        found.append(Figure("opening a connection", line.total - before, "B", "", None, None))
        link.close()
        before = line.total
        link.send(())
        found.append(Figure("opening it again", line.total - before, "B", "", None, None))
        link.close()
        found += _school(address, key, trusted, line)
    return found


def _school(address: str, key: str, trusted: Path, line: Proxy) -> list[Figure]:
    """Send a day of eight series; every reading, and with dead bands."""
    found = []
    for what, report in (("", Report()), (", dead bands of 2 %", _bands())):
        link = Uplink(address, key, trust=str(trusted))
        before, count = line.total, 0
        for flush in range(144):
            columns, left_out = report.columns(_series(START_S + flush * FLUSH_S))
            count += left_out + sum(map(len, columns))
            # Once an hour it says how it stands.
            state = {"version": "1", "devices": [["linky", "linky", "running", ""]] * 3}
            link.send(columns, [count, 1, state if flush % 6 == 0 else None])
        link.close()
        day_kb = (line.total - before) / 1_000
        name = f"a day of a school, 8 series{what}"
        found.append(Figure(name, day_kb, "kB", "budget", day_kb / _DAY_BUDGET_KB, _DAY_BUDGET_KB))
        each = (line.total - before) / count
        found.append(Figure(f"its bytes a reading{what}", each, "B", "", None, None))
    return found


def _bands() -> Report:
    return Report({_POWER: Decimal(300), "production/power/apparent/instant": Decimal(200)})


def _powers(profile: str, start_s: int) -> Column:
    """Give ten minutes of a power every ten seconds, stamped a second late by chance."""
    load, chance = Load(1, profile, 0), random.Random(start_s)
    times = [start_s + 10 * n + (chance.random() < 0.25) for n in range(60)]
    return _column(_POWER, times, [load.at(t).import_w * 100 // 96 for t in times])


def _series(start_s: int) -> list[Column]:
    """Give ten minutes of a school: two powers, two registers, a voltage, three rooms."""
    load, chance = Load(1, "school", 9_000), random.Random(start_s)
    times = [start_s + 10 * n + (chance.random() < 0.25) for n in range(60)]
    states = [load.at(t) for t in times]
    slow, slow_states = times[::6], states[::6]
    volts = [232 + chance.randrange(-1, 2) for _ in times]
    columns = [
        _column(_POWER, times, [one.import_w * 100 // 96 for one in states]),
        _column("production/power/apparent/instant", times, [s.export_w for s in states]),
        _column("consumption/energy/active/index", slow, [s.import_wh for s in slow_states]),
        _column("production/energy/active/index", slow, [s.export_wh for s in slow_states]),
        _column("consumption/voltage/instant", times, volts),
    ]
    for room in range(3):
        values = [195 + (start_s // 1_800 + room) % 7 + chance.randrange(2) for _ in slow]
        path = ("temperature/indoor/raw", "temperature/outdoor/instant", "humidity/indoor/instant")
        columns.append(_column(path[room], slow, values, point=ROOM, exponent=-1))
    return columns


def _column(
    path: str, times: list[int], values: list[int], *, point: str = POINT, exponent: int = 0
) -> Column:
    kind = kind_of(path)
    assert kind is not None
    count = len(times)
    parts = array("q", times), array("i", [0] * count), array("q", values), array("B", [0] * count)
    return Column(f"{point}_{path}", kind, exponent, *parts)


if __name__ == "__main__":
    from bench.figure import report

    report(figures())

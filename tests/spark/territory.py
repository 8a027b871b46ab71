"""A generated territory, and what Kevre itself answers about it.

As a program: `python -m tests.spark.territory make METERS` in a node's home that is set up, and
`python -m tests.spark.territory ask`, which prints the answers as JSON.
"""

import json
import random
import sys
from array import array
from datetime import UTC, date, datetime

from kevre.model import identifier
from kevre.model.batch import Batch, Column
from kevre.model.quality import Quality
from kevre.model.window import PARIS, civil_days

FIRST, LAST = date(2026, 3, 1), date(2026, 4, 30)  # the clocks change on 29 March
NOW = datetime(2026, 5, 2, tzinfo=UTC)
FINEST = -1
COMMUNES = (("56121", "Lorient"), ("56098", "Lanester"), ("56162", "Ploemeur"), ("56185", "Quéven"))
_POWER = "consumption/power/active/raw"
# Not asked for, but in the same files: other kinds, other directions.
_OTHERS = ("production/power/active/raw", "consumption/energy/active/index", "temperature/air/raw")


def make(way, meters, seed=7):
    """Send two months of `meters` meters through the gate, one site for each."""
    from tests import registry

    from kevre.flow.accept import Writer

    chance = random.Random(seed)
    for number in range(meters):
        code, name = COMMUNES[number % len(COMMUNES)]
        site = registry.site(f"site-{number}", "home")
        site.territory = registry.commune(code, name)
        site.save()
        paths = [_POWER] if number % 10 else [_POWER, _OTHERS[number // 10 % len(_OTHERS)]]
        columns = [_column(chance, number, path) for path in paths]
        batch = Batch("test", f"m{number}", tuple(columns), (), source="generated")
        receipt = way.gate.accept(batch, Writer.operator("import", site=site), now_s=_s(NOW))
        assert not receipt.quarantined


def _column(chance, number, path):
    """Make a column: every fifth meter speaks each ten minutes in tenths, some readings are missing."""
    is_fine = number % 5 == 0
    step_s = 600 if is_fine else 1800
    window = civil_days(FIRST, LAST, PARIS)
    starts = range(window.start_s, window.end_s, step_s)
    base = chance.randrange(80, 900) * (10 if is_fine else 1)
    is_register = path.endswith("index")
    values, qualities = [], []
    for index in range(len(starts)):
        is_missing = chance.random() < 0.01
        value = index if is_register else int(base * chance.lognormvariate(0, 0.6)) % 3_000
        values.append(0 if is_missing else value)
        qualities.append(Quality.MISSING if is_missing else Quality.MEASURED)
    if path.startswith("temperature"):
        values = [value % 25 for value in values]
    return Column(
        f"urn:dev:prm:{number:014d}_{path}",
        identifier.kind_of(path),
        FINEST if is_fine else 0,
        array("q", starts),
        array("i", [0 if is_register else step_s] * len(starts)),
        array("q", values),
        array("B", qualities),
    )


def answers(way):
    """Ask Kevre the three questions, through its door; energies in 10**FINEST W s."""
    from kevre.flow import derive
    from kevre.model.step import Resolution
    from kevre.places.models import Series
    from kevre.rights.gate import Reader
    from kevre.rights.models import Account

    derive.catch_up(way.store)
    operator, _ = Account.objects.get_or_create(email="operator@example.org", is_superuser=True)
    asked = {"purpose": "test", "now": NOW}
    chosen = Series.objects.filter(
        fluid="electricity", direction="consumption", statistic="mean", unit="W"
    )
    series = list(chosen.select_related("point__site__territory").order_by("pk"))
    window = civil_days(FIRST, LAST, PARIS)
    total = way.door.total(Reader(operator), series, window, Resolution.HALF_HOUR, **asked)
    months = way.door.curves(Reader(operator), series, window, Resolution.MONTH, **asked)
    days = way.door.daily_total(Reader(operator), series, FIRST, LAST, **asked).days
    peak = days.day[days.total.argmax()].astype(date)
    by_commune = []
    for code in sorted({one.point.site.territory.code for one in series}):
        there = [one for one in series if one.point.site.territory.code == code]
        curve = way.door.total(
            Reader(operator), there, civil_days(peak, peak, PARIS), Resolution.HALF_HOUR, **asked
        )
        by_commune += [[code, *row] for row in _rows(curve)]
    return {
        "half_hours": _rows(total),
        "months": [
            [key, datetime.fromtimestamp(start_s, PARIS).strftime("%Y-%m"), amount]
            for key, curve in sorted(months.items())
            for start_s, amount in _rows(curve)
        ],
        "peak_day": by_commune,
    }


def _rows(curve):
    """Give [start, energy] of each interval, as the whole number that the energy stands for."""
    rows = []
    for start_s, energy_wh in zip(curve.start_s.tolist(), curve.energy.tolist(), strict=True):
        exact = energy_wh * 3600 / 10**FINEST
        assert abs(exact - round(exact)) < 0.01
        rows.append([start_s, round(exact)])
    return rows


def _s(instant):
    return int(instant.timestamp())


def main():
    from kevre.node import start

    config = start.ready()
    from kevre.node import wire

    with wire.opened(config) as way:
        if sys.argv[1] == "make":
            make(way, int(sys.argv[2]))
        else:
            json.dump(answers(way), sys.stdout)


if __name__ == "__main__":
    main()

from array import array

import pytest

from kevre.flow.way import Way
from kevre.model import identifier
from kevre.model.batch import Batch, Column
from kevre.store import Store

# A Friday noon in summer time.
NOW_S = 1_784_887_200


@pytest.fixture
def way(tmp_path):
    with Store(tmp_path / "readings.duckdb", memory_mb=128) as store:
        yield Way.over(store)


def column(
    values,
    *,
    path="consumption/power/active/raw",
    prm="09876543210123",
    start_s=NOW_S - 86_400,
    step_s=1800,
    exponent=0,
    quality=0,
):
    count = len(values)
    starts = range(start_s, start_s + (step_s or 10) * count, step_s or 10)
    return Column(
        f"urn:dev:prm:{prm}_{path}",
        identifier.kind_of(path),
        exponent,
        array("q", starts),
        array("i", [step_s] * count),
        array("q", values),
        array("B", [quality] * count),
    )


def batch(*columns, key="k1", faults=()):
    return Batch("test", key, tuple(columns), tuple(faults), source="test.csv")

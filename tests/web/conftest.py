"""A town behind real pages: a real store in a temporary folder, a clock that stands."""

import pytest
import time_machine
from tests.web import town as town_module

from kevre.flow import way
from kevre.flow.way import Way
from kevre.store import Store


@pytest.fixture
def open_way(tmp_path):
    """The way of this process over an empty store."""
    with Store(tmp_path / "readings.duckdb", memory_mb=128) as store:
        built = Way.over(store)
        way.install(built)
        yield built


@pytest.fixture
def town(db, open_way):
    """The town over 40 days, while its clock stands on a Wednesday in June."""
    with time_machine.travel(town_module.NOW, tick=False):
        yield town_module.build(open_way, town_module.NOW, days=40)

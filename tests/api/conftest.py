import pytest
from tests import registry

from kevre.flow import way as flow_way
from kevre.flow.way import Way
from kevre.rights import key
from kevre.store import Store


@pytest.fixture
def way(tmp_path):
    with Store(tmp_path / "readings.duckdb", memory_mb=128) as store:
        built = Way.over(store)
        flow_way.install(built)
        yield built


@pytest.fixture
def school(way, db):
    return registry.site()


@pytest.fixture
def secret(school):
    point = registry.series(school).point
    return key.issue("pi-school", [point])[1]

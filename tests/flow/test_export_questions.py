"""The page for developers of other engines, run in DuckDB: its sums are Kevre's."""

import duckdb
import pytest
from tests.spark import page, territory

from kevre.flow.export import Asked, export

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(way, tmp_path):
    territory.make(way, 12)
    path = tmp_path / "out"
    export(way.store, way.door, path, Asked(), now=territory.NOW, tell=lambda *_: None)
    return path


def test_the_three_questions_have_the_same_answers_in_duckdb_as_in_kevre(way, folder):
    expected = territory.answers(way)
    connection = duckdb.connect()
    connection.execute("set variable folder = ?", [str(folder)])

    found = {
        name: [list(row) for row in connection.execute(query).fetchall()]
        for name, query in page.queries("DuckDB").items()
    }

    assert [len(expected[name]) for name in page.QUESTIONS] == [61 * 48 - 2, 24, 4 * 48]
    assert {name: found[name] for name in page.QUESTIONS} == expected

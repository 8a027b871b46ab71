"""A territory exported by the real command, asked in Spark with two workers and in Kevre."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.spark import page
from tests.spark.cluster import cluster

ROOT = Path(__file__).resolve().parents[2]
KEVRE = Path(sys.executable).parent / "kevre"
METERS, WORKERS = 300, 2

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def spark_python():
    """The Python of the environment that `make test-spark` makes."""
    named = os.environ.get("KEVRE_SPARK_PYTHON")
    assert named, "run this by `make test-spark`, which brings Spark"
    return Path(named)


def run(home, *command):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("KEVRE_", "DJANGO_"))}
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    done = subprocess.run(
        [str(part) for part in command],
        env=environment | {"KEVRE_HOME": str(home), "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    return done.stdout


def test_three_questions_have_the_same_answers_in_spark_as_in_kevre(tmp_path, spark_python):
    home, folder = tmp_path / "home", tmp_path / "export"
    territory = [sys.executable, "-m", "tests.spark.territory"]
    run(home, KEVRE, "init")
    run(home, *territory, "make", METERS)
    run(home, KEVRE, "export", "parquet", folder)
    expected = json.loads(run(home, *territory, "ask"))

    where = run(home, spark_python, "-c", "import pyspark; print(pyspark.__path__[0])").strip()
    with cluster(where, tmp_path, WORKERS) as master:
        engine = [spark_python, Path(__file__).with_name("engine.py")]
        told = json.loads(run(home, *engine, master, folder, WORKERS))

    assert told["executors"] == WORKERS
    assert [len(expected[name]) for name in page.QUESTIONS] == [61 * 48 - 2, 2 * METERS, 4 * 48]
    for engine_name in ("spark", "polars"):
        for question in page.QUESTIONS:
            assert told[engine_name][question] == expected[question], (engine_name, question)

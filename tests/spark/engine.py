"""Runs the page's blocks in Spark and Polars, and prints the answers as JSON.

Runs in the environment of Spark: `python engine.py MASTER FOLDER WORKERS`.
"""

import json
import sys
import time

import page
from pyspark.sql import SparkSession

_PATIENCE_S = 60


def spark_answers(master, folder, workers):
    """Ask Spark; also give how many workers took part."""
    builder = SparkSession.builder.master(master).appName("kevre")
    for name, value in {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.executor.memory": "512m",
        "spark.executor.cores": "1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "4",
        # Small parts, so that both workers have something to read.
        "spark.sql.files.maxPartitionBytes": "1m",
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        "spark.cores.max": str(workers),
    }.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        executors = _executors(spark, workers)
        (opening,) = (text for language, text in page.blocks("Spark") if language == "python")
        exec(opening, {"spark": spark, "folder": folder})
        found = {
            name: [list(row) for row in spark.sql(query).collect()]
            for name, query in page.queries("Spark").items()
        }
        return {name: found[name] for name in page.QUESTIONS}, executors
    finally:
        spark.stop()


def _executors(spark, workers):
    """Count the executors, once all have come; the driver is listed too."""
    status = spark.sparkContext._jsc.sc().statusTracker()
    end = time.monotonic() + _PATIENCE_S
    while len(status.getExecutorInfos()) <= workers and time.monotonic() < end:
        time.sleep(0.1)
    return len(status.getExecutorInfos()) - 1


def polars_answers(folder):
    """Ask Polars."""
    ((_, text),) = page.blocks("Polars")
    names = {"folder": folder}
    exec(text, names)
    return {
        name: [list(row) for row in names[name].collect().iter_rows()] for name in page.QUESTIONS
    }


def main():
    master, folder, workers = sys.argv[1:]
    answers, executors = spark_answers(master, folder, int(workers))
    told = {"executors": executors, "spark": answers, "polars": polars_answers(folder)}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()

"""The real packages of the demo, fetched once into the build folder; a node that runs it."""

import fcntl
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kevre.flow.way import Way
from kevre.node import config
from kevre.node.demo import fetch, record
from kevre.node.demo.setup import set_up
from kevre.store import Store

BUILD = Path(__file__).resolve().parents[2] / "build" / "test-packages"
NOW_S = int(datetime(2026, 11, 24, 3, 7, tzinfo=UTC).timestamp())


@pytest.fixture(scope="session")
def packages():
    """The demo's packages; without a network and without the cache this fails and says so."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:  # parallel workers fetch once
        fcntl.flock(lock, fcntl.LOCK_EX)
        return fetch.fetch(BUILD, print)


@pytest.fixture(scope="session")
def record_files(packages, tmp_path_factory):
    return record.records(packages, tmp_path_factory.mktemp("record"))


class Node:
    """A node's home in which the packages and the real series are there already."""

    def __init__(self, home, way):
        self.home = home
        self.way = way

    def set_up(self, history_days=3):
        known = replace(config.load(), home=self.home)
        return set_up(self.way, known, print, now_s=NOW_S, history_days=history_days)


@pytest.fixture(scope="session")
def open_node(packages, record_files):
    """Opens a node in a folder."""

    @contextmanager
    def opened(home):
        (home / "demo").mkdir()
        (home / "demo" / "packages").symlink_to(packages.folder)
        (home / "demo" / "record").symlink_to(next(iter(record_files.values())).parent)
        with Store(home / "readings.duckdb") as store:
            yield Node(home, Way.over(store))

    return opened

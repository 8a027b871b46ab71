"""A town behind real pages: a real store in a temporary folder, a clock that stands."""

import importlib.util
import sys
from pathlib import Path

import pytest
import time_machine

from kevre.flow import way
from kevre.flow.way import Way
from kevre.store import Store
from kevre.web import catalogue

_spec = importlib.util.spec_from_file_location("town", Path(__file__).parent / "town.py")
town_module = importlib.util.module_from_spec(_spec)
sys.modules["town"] = town_module
_spec.loader.exec_module(town_module)


@pytest.fixture(scope="session", autouse=True)
def catalogues():
    """The compiled words of the screen."""
    return catalogue.compile_catalogues()


@pytest.fixture(autouse=True)
def plain_static(settings, tmp_path):
    """Static files by their plain names: nothing was collected."""
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    backend = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}


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

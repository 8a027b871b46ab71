"""What the tests of connectors share: a file of some bytes, read with some hints."""

import tempfile
from pathlib import Path

from kevre.connect.recognise import Hints, read


def batches_of(content, **hints):
    """Write bytes or a text to a file and give its batches."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return from_file(path, **hints)


def from_file(path, **hints):
    return list(read(path, Hints(**hints), lambda count: None))


def faults_of(batches):
    return [fault for batch in batches for fault in batch.faults]


def readings_of(batches):
    """Give the readings of each series; nothing may stand twice."""
    found = {}
    for batch in batches:
        for column in batch.columns:
            series = found.setdefault(column.series, [])
            series.extend(column.readings())
    return found


def only(batches):
    """Give the readings of the one series; there are no faults."""
    assert faults_of(batches) == []
    (readings,) = readings_of(batches).values()
    return readings

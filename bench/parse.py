"""How fast a load curve of Enedis is read."""

from __future__ import annotations

import csv
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figure import Figure
from kevre.connect.recognise import Hints, read

_ROWS = 200_000
_HEAD = (
    "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;"
    "Grandeur metier;Etape metier;Unite;Pas en minutes\n"
    "09876543210123;Courbe de charge;01/01/2010;01/01/2025;Energie active;Consommation;"
    "Comptage Brut;W;30\nHorodate;Valeur\n"
)


def figures() -> list[Figure]:
    """Compare with the csv module and datetime.fromisoformat on the same file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "curve.csv"
        _write(path)
        ours = _rate(lambda: sum(len(batch) for batch in read(path, Hints(), lambda _: None)))
        plain = _rate(lambda: _plain(path))
    baseline = "csv module and fromisoformat, no checks"
    return [
        Figure("Enedis curve, rows read", ours, "1/s", baseline, ours / plain, 300_000, "higher")
    ]


def _write(path: Path) -> None:
    start = datetime(2010, 1, 1, tzinfo=UTC)
    with path.open("w") as file:
        file.write(_HEAD)
        for row in range(_ROWS):
            at = start + timedelta(minutes=30 * row)
            file.write(f"{at:%Y-%m-%dT%H:%M:%S}+00:00;{300 + row * 7919 % 2000}\n")


def _plain(path: Path) -> int:
    with path.open() as file:
        rows = csv.reader(file, delimiter=";")
        for _ in range(3):
            next(rows)
        return len([(datetime.fromisoformat(at).timestamp(), int(value)) for at, value in rows])


def _rate(run) -> float:
    best = 0.0
    for _ in range(3):
        began = time.perf_counter()
        count = run()
        best = max(best, count / (time.perf_counter() - began))
    return best

"""How fast files of Enedis are read, and in how much memory, beside pandas and a whole lxml tree.

The files repeat real samples, each time for another meter, where the folder of samples is there;
else files of the same form are generated. KEVRE_BENCH_MB sets the size of the large ones.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figure import Figure
from kevre.connect.recognise import Hints, read

_SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "enedis_sge" / "sge-tiers"
_ORDERS = "CommandeCollectePublicationMesures"
_HISTORY = "CommandeTransmissionHistoriqueMesures/C5-CDC/Enedis_SGE_HDM_A06NW0ZI.csv"
_SPEED_MB = 16
_LARGE_MB = int(os.environ.get("KEVRE_BENCH_MB", "200"))
_HEAD = (
    "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;"
    "Grandeur metier;Etape metier;Unite;Pas en minutes\n"
    "09876543210123;Courbe de charge;01/01/2010;01/01/2025;Energie active;Consommation;"
    "Comptage Brut;W;30\nHorodate;Valeur\n"
)
# What one file repeats: before, the part of one meter, its number, after.
Piece = tuple[bytes, bytes, bytes, bytes]


def figures() -> list[Figure]:
    """Compare in the same run, on the same files."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, piece, target, rivals in _KINDS:
            path = folder / f"{kind}.file"
            _write(path, piece(), _SPEED_MB)
            ours = _rate(lambda path=path: _count(path))
            for rival, run in rivals.items():
                ratio = ours / _rate(lambda run=run, path=path: run(path))
                found.append(
                    Figure(f"{kind}, readings read", ours, "1/s", rival, ratio, target, "higher")
                )
            found.append(_memory(kind, piece(), folder))
    return found


def _memory(kind: str, piece: Piece, folder: Path) -> Figure:
    """Measure how much more memory a large file takes than one of a fiftieth of its size."""
    small, large = folder / "small", folder / "large"
    _write(small, piece, max(_LARGE_MB // 50, 4))
    _write(large, piece, _LARGE_MB)
    peaks_mb = [_peak_mb(path) for path in (small, large)]
    large.unlink()
    return Figure(
        f"{kind}, peak memory for {_LARGE_MB} MB", peaks_mb[1], "MB", "a fiftieth of the file",
        peaks_mb[1] / peaks_mb[0], 1.2, "lower", "ratio",
    )  # fmt: skip


def _peak_mb(path: Path) -> float:
    run = [sys.executable, "-m", "bench.parse", str(path)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def _high_water_mb() -> float:
    """Give the most memory this process took; getrusage would count that of its parent too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1_024


def _count(path: Path) -> int:
    return sum(len(batch) for batch in read(path, Hints(), lambda _: None))


def _write(path: Path, piece: Piece, megabytes: int) -> None:
    before, body, number, after = piece
    times = max(megabytes * 1_000_000 // len(body), 1)
    with path.open("wb") as file:
        file.write(before)
        for meter in range(times):
            file.write(body.replace(number, b"%014d" % meter))
        file.write(after)


def _linky_stream() -> Piece:
    path = _SAMPLES / _ORDERS / "C5-CDC" / "R50.xml"
    content = path.read_bytes() if path.is_file() else _generated_r50()
    return _cut(content, b"<PRM>", b"</PRM>", b"<Id_PRM>")


def _large_stream() -> Piece:
    path = _SAMPLES / _ORDERS / "C4-CDC" / "R4Q.xml"
    content = path.read_bytes() if path.is_file() else _generated_r4x()
    return _cut(content, b"<Corps>", b"</Corps>", b"<Identifiant_PRM>")


def _curve() -> Piece:
    path = _SAMPLES / _HISTORY
    content = path.read_bytes() if path.is_file() else _generated_curve()
    return b"", content.rstrip(b"\n") + b"\n", content.split(b"\n")[1].split(b";")[0], b""


def _cut(content: bytes, start: bytes, end: bytes, tag: bytes) -> Piece:
    first, last = content.index(start), content.index(end) + len(end)
    number = content[content.index(tag) + len(tag) :][:14]
    return content[:first], content[first:last] + b"\n", number, content[last:]


def _stamps(count: int, minutes: int) -> Iterator[str]:
    start = datetime(2026, 1, 15, tzinfo=UTC)
    for n in range(count):
        yield (start + timedelta(minutes=minutes * n)).isoformat()


def _generated_curve() -> bytes:
    rows = (f"{at};{300 + n * 7919 % 2000}\n" for n, at in enumerate(_stamps(17_520, 30)))
    return (_HEAD + "".join(rows)).encode()


def _generated_r50() -> bytes:
    rows = "".join(
        f"<PDC><H>{at}</H><V>{n}</V><IV>0</IV></PDC>\n" for n, at in enumerate(_stamps(48, 30))
    )
    return (
        "<R50><PRM><Id_PRM>09876543210123</Id_PRM><Donnees_Releve>"
        + rows
        + "</Donnees_Releve></PRM></R50>"
    ).encode()


def _generated_r4x() -> bytes:
    rows = "".join(
        f'<Donnees_Point_Mesure Horodatage="{at}" Valeur_Point="{n}" Statut_Point="R"/>\n'
        for n, at in enumerate(_stamps(144, 10))
    )
    return (
        "<Courbe><Corps><Identifiant_PRM>09876543210123</Identifiant_PRM><Donnees_Courbe><Granularite>10"
        "</Granularite><Unite_Mesure>kW</Unite_Mesure><Grandeur_Physique>EA</Grandeur_Physique>"
        + rows + "</Donnees_Courbe></Corps></Courbe>"
    ).encode()  # fmt: skip


def _csv_module(path: Path) -> int:
    with path.open(encoding="utf-8") as file:
        rows = [row for row in csv.reader(file, delimiter=";") if row and row[0].startswith("20")]
    return len([(datetime.fromisoformat(row[0]).timestamp(), row[1]) for row in rows])


def _pandas_csv(path: Path) -> int:
    """Read all rows as texts, keep those of the table, and make instants and numbers of them."""
    import pandas as pd

    table = pd.read_csv(path, sep=";", header=None, names=range(9), usecols=[0, 1], dtype=str)
    table = table[table[0].str.startswith("20", na=False)]
    return len(pd.to_datetime(table[0], utc=True)) + 0 * len(pd.to_numeric(table[1]))


def _tree_r50(path: Path) -> int:
    from lxml import etree

    rows = []
    for meter in etree.parse(path).iter("PRM"):
        number = meter.findtext("Id_PRM")
        for one in meter.iter("PDC"):
            at = datetime.fromisoformat(one.findtext("H")).timestamp()
            rows.append((number, at, int(one.findtext("V")), one.findtext("IV")))
    return len(rows)


def _tree_r4x(path: Path) -> int:
    from lxml import etree

    rows = []
    for meter in etree.parse(path).iter("Corps"):
        number = meter.findtext("Identifiant_PRM")
        for one in meter.iter("Donnees_Point_Mesure"):
            at = datetime.fromisoformat(one.get("Horodatage")).timestamp()
            rows.append((number, at, int(one.get("Valeur_Point")), one.get("Statut_Point")))
    return len(rows)


def _pandas_xml(path: Path, row: str, time_name: str) -> int:
    import pandas as pd

    table = pd.read_xml(path, xpath=f".//{row}", parse_dates=[time_name])
    return len(table)


def _rate(run: Callable[[], int]) -> float:
    best = 0.0
    for _ in range(3):
        began = time.perf_counter()
        count = run()
        best = max(best, count / (time.perf_counter() - began))
    return best


_TREE, _PANDAS = "a whole lxml tree, no checks", "pandas, no checks, meters not told apart"
_KINDS: tuple[tuple[str, Callable[[], Piece], int, dict[str, Callable[[Path], int]]], ...] = (
    ("HDM curve (CSV)", _curve, 1_000_000,
     {_PANDAS: _pandas_csv, "csv module and fromisoformat, no checks": _csv_module}),
    ("R50 (XML)", _linky_stream, 300_000,
     {_TREE: _tree_r50, _PANDAS: lambda path: _pandas_xml(path, "PDC", "H")}),
    ("R4Q (XML)", _large_stream, 300_000,
     {_TREE: _tree_r4x,
      _PANDAS: lambda path: _pandas_xml(path, "Donnees_Point_Mesure", "Horodatage")}),
)  # fmt: skip

if __name__ == "__main__":
    print(_count(Path(sys.argv[1])), _high_water_mb())

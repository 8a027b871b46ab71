"""The demo as a newcomer meets it: starts, memory, pages, and the gate under load."""

from __future__ import annotations

import http.client
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

from bench.figure import BUILD, Figure
from kevre.node.port import free_port

_HOME = BUILD / "bench-demo"
_KEVRE = Path(sys.executable).parent / "kevre"
_PATIENCE_S = 300
_SENDERS, _POSTS = 24, 60


def figures() -> list[Figure]:
    """Measure the warm demo."""
    with _demo():
        pass  # the first start fetches and fills; it is measured by `make bench-cold`
    with _demo() as (process, url, took_s):
        found = [Figure("warm start to first page", took_s, "s", "budget", took_s / 10, 10)]
        found += _pages(process, url)
        found += _posts(url)
        resident_mb = _status(process, "VmRSS") / 1_024
        found.append(Figure("node's memory", resident_mb, "MB", "budget", resident_mb / 400, 400))
    return found


@contextmanager
def _demo() -> Iterator[tuple[subprocess.Popen[bytes], str, float]]:
    port = free_port("127.0.0.1", 8700)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KEVRE_")}
    environment = kept | {"KEVRE_HOME": str(_HOME), "KEVRE_PORT": str(port)}
    _HOME.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with (_HOME / "demo.log").open("wb") as log:
        process = subprocess.Popen([_KEVRE, "demo"], env=environment, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            while not _answers(f"{url}/fr/"):
                if process.poll() is not None or time.perf_counter() - began > _PATIENCE_S:
                    raise RuntimeError("the demo does not start")
                time.sleep(0.05)
            yield process, url, time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status == 200
    except OSError:
        return False


def _pages(process: subprocess.Popen[bytes], url: str) -> list[Figure]:
    """Measure the CPU of the node for a page, and its weight, beside a page that asks nothing."""
    plain_ms = _page_cpu_ms(process, f"{url}/fr/about/")
    found = []
    for name, path in (("site page", "site/ecole-des-embruns/"), ("territory page", "")):
        cpu_ms = _page_cpu_ms(process, f"{url}/fr/{path}")
        base = "page without readings"
        found.append(Figure(f"{name}, CPU", cpu_ms, "ms", base, cpu_ms / plain_ms, 50))
        size = _wire_bytes(url, f"/fr/{path}")
        found.append(Figure(f"{name}, first view", size / 1_000, "kB", "budget", size / 60_000, 60))
    return found


def _page_cpu_ms(process: subprocess.Popen[bytes], url: str, times: int = 60) -> float:
    for _ in range(5):
        _answers(url)
    before = _cpu_s(process)
    for _ in range(times):
        _answers(url)
    return 1_000 * (_cpu_s(process) - before) / times


def _wire_bytes(url: str, path: str) -> int:
    """Add up a first view without script: the page, its style sheets and icons, compressed."""
    text, size = _fetched(f"{url}{path}")
    for found in set(
        re.findall(r'<link[^>]+href="(/static/[^"]+)"|src="(/static/[^"]+svg)"', text)
    ):
        size += _fetched(url + (found[0] or found[1]))[1]
    return size


def _fetched(url: str) -> tuple[str, int]:
    import gzip

    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=10) as response:
        body = response.read()
        packed = response.headers.get("Content-Encoding") == "gzip"
        return (gzip.decompress(body) if packed else body).decode(), len(body)


def _posts(url: str) -> list[Figure]:
    """Send single readings from many senders at once, then large packs from one."""
    key = (_HOME / "demo" / "device.key").read_text().strip()
    name = "urn:dev:prm:00000000000101_consumption/power/active/instant"
    start_s = int(time.time()) - 80_000

    def sender(number: int) -> list[float]:
        line = _Line(url, key)
        return [
            line.send([{"bn": name, "bt": start_s + 300 * number + k, "bu": "W", "v": k}])
            for k in range(_POSTS)
        ]

    began = time.perf_counter()
    with ThreadPoolExecutor(_SENDERS) as pool:
        times = [one for some in pool.map(sender, range(_SENDERS)) for one in some]
    posts = len(times) / (time.perf_counter() - began)
    rows = _rows_in_sqlite(len(times))
    p99_ms = 1_000 * quantiles(times, n=100)[98]
    line, count = _Line(url, key), 10_000
    pack = [
        {"bn": name, "bt": start_s + 2_000, "bu": "W", "v": 1},
        *({"t": t, "v": t} for t in range(1, count)),
    ]
    batch = count / min(
        line.send([pack[0] | {"bt": start_s + 2_000 + 20_000 * n}, *pack[1:]]) for n in range(3)
    )
    return [
        Figure(
            f"posts of one reading, {_SENDERS} senders",
            posts,
            "1/s",
            "rows in SQLite",
            posts / rows,
            300,
            "higher",
        ),
        Figure("posts of one reading, p99", p99_ms, "ms", "", None, None),
        Figure("readings in packs of 10,000", batch, "1/s", "SenML JSON", None, 200_000, "higher"),
    ]


def _rows_in_sqlite(count: int) -> float:
    """Commit as many single rows to a SQLite file, one after the other, without any server."""
    with tempfile.TemporaryDirectory() as folder:
        link = sqlite3.connect(Path(folder) / "rows.sqlite3", isolation_level=None)
        link.execute("pragma journal_mode=wal")
        link.execute("pragma synchronous=full")
        link.execute("create table reading(series, start_s, value, primary key(series, start_s))")
        began = time.perf_counter()
        for k in range(count):
            link.execute("insert into reading values (1, ?, ?)", (k, k))
        took_s = time.perf_counter() - began
        link.close()
    return count / took_s


class _Line:
    """One sender with a connection that stays open."""

    def __init__(self, url: str, key: str) -> None:
        self._link = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/senml+json"}

    def send(self, pack: list[dict[str, object]]) -> float:
        """Send a pack; give the seconds until its receipt."""
        body = json.dumps(pack)
        began = time.perf_counter()
        self._link.request("POST", "/api/v1/readings", body, self._headers)
        answer = self._link.getresponse()
        receipt = json.loads(answer.read())
        if answer.status != 200 or receipt["kept"] != len(pack):
            raise RuntimeError(f"not kept: {receipt}")
        return time.perf_counter() - began


def _cpu_s(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _status(process: subprocess.Popen[bytes], name: str) -> float:
    text = Path(f"/proc/{process.pid}/status").read_text()
    return float(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1])

"""A standalone Spark of one master and some workers, each its own process, on free ports."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

_PATIENCE_S = 60
_HOST = "127.0.0.1"


@contextmanager
def cluster(spark_home, folder, workers=2):
    """Start it for as long as the block runs; give the address of the master."""
    port, page = free_ports(2)
    address = f"spark://{_HOST}:{port}"
    with ExitStack() as stack:
        master = ["master.Master", "--host", _HOST, "--port", str(port), "--webui-port", str(page)]
        stack.enter_context(_process(spark_home, folder, "master", master))
        for number in range(workers):
            name = f"worker-{number}"
            worker = ["worker.Worker", address, "--host", _HOST, "--webui-port", "0"]
            more = ["--cores", "1", "--memory", "600M", "--work-dir", str(folder / name)]
            stack.enter_context(_process(spark_home, folder, name, [*worker, *more]))
        _wait_for(f"http://{_HOST}:{page}/json/", workers, folder)
        yield address


def free_ports(count):
    """Find ports that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((_HOST, 0))
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def _process(spark_home, folder, name, arguments):
    command = [str(Path(spark_home) / "bin" / "spark-class")]
    command.append(f"org.apache.spark.deploy.{arguments[0]}")
    environment = os.environ | {"SPARK_HOME": str(spark_home), "SPARK_LOCAL_IP": _HOST}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *arguments[1:]], env=environment, stdout=log, stderr=log, cwd=folder
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=_PATIENCE_S)


def _wait_for(page, workers, folder):
    """Wait until the master knows all its workers."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(page, timeout=5) as answer:
                if answer.read().count(b'"ALIVE"') > workers:  # the master itself is alive too
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.2)
    logs = "\n".join(path.read_text("utf-8", "replace")[-2_000:] for path in folder.glob("*.log"))
    raise RuntimeError(f"Spark did not start:\n{logs}")

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tests.federate.nodes import any_port

KEVRE = Path(sys.executable).parent / "kevre"


@pytest.fixture
def environment(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KEVRE_")}
    return kept | {"KEVRE_HOME": str(tmp_path)}


def status(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def served(environment, port):
    process = subprocess.Popen(
        [KEVRE, "serve", "--port", str(port)], env=environment, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 30
    while status(f"http://127.0.0.1:{port}/healthz") != 200:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.1)
    return process


def test_a_node_serves_dies_and_serves_again(environment):
    subprocess.run([KEVRE, "init"], env=environment, check=True, capture_output=True)
    port = any_port("127.0.0.1")

    process = served(environment, port)
    assert status(f"http://127.0.0.1:{port}/fr/about/") == 200
    assert status(f"http://127.0.0.1:{port}/fr/") == 404
    second = subprocess.run(
        [KEVRE, "doctor"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()

    again = served(environment, port)
    again.terminate()
    assert again.wait(20) == 128 + signal.SIGTERM
    again.stderr.close()
    assert second.returncode == 1
    assert "another" in second.stdout

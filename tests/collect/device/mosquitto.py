"""A real Mosquitto from Debian on a free port, and a publisher to it."""

import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

USER, PASSWORD = "collector", "p-only-for-tests"


def program():
    """Where Debian puts it is not on every user's path."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


@contextmanager
def running(folder, *, port=None, signed_in=False):
    if program() is None:
        pytest.fail("Mosquitto is not installed: sudo apt install mosquitto")
    port = port or free_port()
    configuration = folder / f"mosquitto-{port}.conf"
    lines = [f"listener {port} 127.0.0.1", f"allow_anonymous {str(not signed_in).lower()}"]
    lines.append("user root")  # as root it would else become a user who cannot read our files
    if signed_in:
        passwords = folder / "passwords"
        tool = Path(program()).with_name("mosquitto_passwd")
        tool = tool if tool.exists() else Path("/usr/bin/mosquitto_passwd")
        subprocess.run([tool, "-b", "-c", passwords, USER, PASSWORD], check=True)
        lines.append(f"password_file {passwords}")
    configuration.write_text("\n".join(lines) + "\n")
    with subprocess.Popen(
        [program(), "-c", configuration], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as broker:
        try:
            wait_for(port, broker)
            yield port
        finally:
            broker.terminate()


def wait_for(port, broker):
    end = time.monotonic() + 10
    while broker.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
            continue
        return
    pytest.fail("Mosquitto does not start")


@contextmanager
def publisher(port):
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()

    def publish(topic, payload, *, retain=False):
        client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    try:
        yield publish
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def chattering(port, topic, payload):
    """Publish the same again and again."""
    stopping = threading.Event()

    def chatter():
        with publisher(port) as publish:
            while not stopping.wait(0.1):
                publish(topic, payload)

    thread = threading.Thread(target=chatter)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(10)

"""A bad link: a TCP proxy that passes, delays, tears and refuses what goes through it."""

import contextlib
import random
import socket
import threading
import time

from tests.federate.nodes import any_port


class Link:
    """Listens at `port` for whoever goes to `target`; `state` says how it is at the moment."""

    def __init__(self, target, seed=1):
        self.target = target
        self.port = any_port("127.0.0.1")
        self.state = "good"
        self.torn = 0
        self._random = random.Random(seed)
        self._open = set()
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def tear(self):
        """Cut every connection in the middle of whatever it carries."""
        for one in list(self._open):
            self.torn += 1
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._closed.set()
        self._listener.close()
        self.tear()

    def _accept(self):
        while not self._closed.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.state == "cut":
                near.close()
                continue
            try:
                far = socket.create_connection(self.target, timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source, sink):
        self._open.add(source)
        try:
            while chunk := source.recv(16_384):
                if self.state == "cut":
                    break
                if self.state == "slow":
                    time.sleep(self._random.uniform(0.01, 0.1))
                if self.state == "torn" and self._random.random() < 0.1:
                    sink.sendall(chunk[: len(chunk) // 2])
                    break
                sink.sendall(chunk)
        except OSError:
            pass
        finally:
            self._open.discard(source)
            for one in (source, sink):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()

"""A small TCP proxy that counts what crosses, and cuts, delays, damages or half-closes when told."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import selectors
import socket
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Proxy:
    """Carries connections to a port of this machine while the context lasts.

    Args:
        target: port that it carries to.
        tamper: called with each piece and its direction ("up" or "down"); gives what crosses,
            None to cut both ways, "half" to close this direction alone.
        context: with it, the near side speaks TLS, which is taken off here.
    """

    def __init__(self, target, tamper=lambda piece, way: piece, context=None):
        self.target, self.tamper, self.context = target, tamper, context
        self.carried = {"up": 0, "down": 0}
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0.1)
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def port(self):
        return self._server.getsockname()[1]

    @property
    def total(self):
        return sum(self.carried.values())

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join(10)
        self._server.close()

    def _accept(self):
        while not self._stopping.is_set():
            try:
                near, _ = self._server.accept()
            except TimeoutError:
                continue
            self.connections += 1
            thread = threading.Thread(target=self._carry, args=(near,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _carry(self, near):
        with contextlib.suppress(OSError), near:
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context is not None:
                near = self.context.wrap_socket(near, server_side=True)
            with near, socket.create_connection(("127.0.0.1", self.target), 5) as far:
                far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._pump(near, far)

    def _pump(self, near, far):
        with selectors.DefaultSelector() as ready:
            ready.register(near, selectors.EVENT_READ, (near, far, "up"))
            ready.register(far, selectors.EVENT_READ, (far, near, "down"))
            while not self._stopping.is_set() and ready.get_map():
                for key, _ in ready.select(0.1):
                    if not self._one(ready, *key.data):
                        return

    def _one(self, ready, source, sink, way):
        piece = source.recv(65_536)
        while isinstance(source, ssl.SSLSocket) and source.pending():
            piece += source.recv(65_536)
        self.carried[way] += len(piece)
        passed = self.tamper(piece, way) if piece else "half"
        if passed is None:
            return False
        if passed == "half":
            ready.unregister(source)
            if isinstance(sink, ssl.SSLSocket):
                return False
            sink.shutdown(socket.SHUT_WR)
            return True
        sink.sendall(passed)
        return True


class Trouble:
    """What befalls pieces on their way, by chance; quiet until it is told."""

    def __init__(self, seed, share=0.15):
        self.chance, self.share, self.is_on = random.Random(seed), share, False
        self.met = {"cut": 0, "delay": 0, "damage": 0, "half": 0}

    def __call__(self, piece, way):
        if not self.is_on or self.chance.random() > self.share:
            return piece
        act = self.chance.choice(sorted(self.met))
        self.met[act] += 1
        if act == "cut":
            return None
        if act == "half":
            return "half"
        if act == "delay":
            time.sleep(self.chance.random())
            return piece
        damaged = bytearray(piece)
        damaged[self.chance.randrange(len(damaged))] ^= 1 << self.chance.randrange(8)
        return bytes(damaged)


def certified(folder):
    """Make a certificate for localhost; give a server's context and the file to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, private = folder / "cert.pem", folder / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, private)
    return context, file

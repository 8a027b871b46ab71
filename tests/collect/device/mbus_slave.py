"""A simulated M-Bus slave: no meter at all, but it keeps to the protocol of the line.

It answers with whatever frame it is given, over TCP as a converter in the network does, or
at the end of a pseudo-terminal.
"""

import contextlib
import os
import select
import socket
import threading
import tty
from contextlib import contextmanager

ACK = b"\xe5"
SELECTED = 0xFD


def frame_of(samples, name):
    """A frame that a real meter sent."""
    return bytes.fromhex((samples / "mbus" / "test-frames" / f"{name}.hex").read_text())


def heat_frame(*records, medium=0x04):
    """A telegram of variable structure made by hand: header of EN 13757-3, then records."""
    header = bytes.fromhex("78563412 2D2C 01") + bytes([medium, 0x2A, 0x00, 0x00, 0x00])
    body = b"\x08\x01\x72" + header + b"".join(records)
    return bytes([0x68, len(body), len(body), 0x68]) + body + bytes([sum(body) & 0xFF, 0x16])


class Slave:
    """Answers what is asked of its address or its number; `noise` comes before."""

    def __init__(self, frame, *, address=1, number=None, noise=b""):
        self.frame = frame
        self.address = address
        self.number = number
        self.noise = noise
        self.is_selected = False

    def answer(self, asked):
        if asked[0] == 0x10:
            control, address = asked[1], asked[2]
            if control == 0x40:
                self.is_selected = False
            if address != self.address and not (address == SELECTED and self.is_selected):
                return b""
            return self.noise + (ACK if control == 0x40 else self.frame)
        chosen = asked[7:15]
        self.is_selected = self.number is not None and all(
            is_asked in {has, 0xFF} for is_asked, has in zip(chosen, self.number, strict=True)
        )
        return ACK if self.is_selected else b""


def frames(read):
    """Cut what was asked into frames."""
    rest = b""
    while chunk := read():
        rest += chunk
        while len(rest) >= 5:
            length = 5 if rest[0] == 0x10 else rest[1] + 6
            if len(rest) < length:
                break
            yield rest[:length]
            rest = rest[length:]


@contextmanager
def over_tcp(*slaves):
    door = socket.create_server(("127.0.0.1", 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                line, _ = door.accept()
                with line, contextlib.suppress(OSError):
                    for asked in frames(lambda line=line: line.recv(512)):
                        for slave in slaves:
                            line.sendall(slave.answer(asked))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"socket://127.0.0.1:{door.getsockname()[1]}"
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()
        thread.join(5)


@contextmanager
def over_serial(*slaves):
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    stopping = threading.Event()

    def read():
        while not stopping.is_set():
            if select.select([ours], [], [], 0.05)[0]:
                return os.read(ours, 512)
        return b""

    def serve():
        for asked in frames(read):
            for slave in slaves:
                os.write(ours, slave.answer(asked))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        stopping.set()
        thread.join(5)
        os.close(ours)
        os.close(theirs)

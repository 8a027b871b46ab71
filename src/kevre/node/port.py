"""Ports: the one asked for, or the next free one."""

from __future__ import annotations

import socket

from kevre.model.errors import Unavailable

_TRIES = 20


def free_port(host: str, wanted: int) -> int:
    """Give `wanted`, or the next free port after it.

    Raises:
        Unavailable: none of the next twenty is free.
    """
    for port in range(wanted, wanted + _TRIES):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise Unavailable("serve.ports", f"no free port from {wanted} on", hint="name one with --port")

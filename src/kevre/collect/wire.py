"""How many bytes a connection has carried, as the kernel counts them: TLS and all."""

from __future__ import annotations

import socket
import struct

# struct tcp_info of linux/tcp.h: after 8 bytes and 24 words come four counters of 64 bits:
# pacing rates, then bytes acknowledged by the other end, and bytes received from it.
_COUNTERS = struct.Struct("=QQ")
_PLACE = 120
_ASKED = 256


def crossed(line: socket.socket) -> int | None:
    """Give the payload bytes of TCP in both directions so far; None where nobody counts.

    Bytes of IP and TCP themselves are not in it: 40 to 60 for each packet.
    """
    try:
        told = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ASKED)
        sent, received = _COUNTERS.unpack_from(told, _PLACE)
    except (OSError, AttributeError, struct.error):
        return None
    # The opening of a connection counts as one byte.
    return max(0, int(sent) - 1) + int(received)

"""Writes requests of remote write as Prometheus does."""

import struct

import pyarrow as pa


def request(*series):
    """A packed request of (name, [(at_ms, value)])."""
    plain = b"".join(
        _part(1, _part(1, _part(1, b"__name__") + _part(2, name.encode())) + b"".join(
            _part(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _whole(at_ms))
            for at_ms, value in samples
        ))
        for name, samples in series
    )  # fmt: skip
    return pa.compress(plain, codec="snappy", asbytes=True)


def _part(number, content):
    return bytes([number << 3 | 2]) + _whole(len(content)) + content


def _whole(value):
    value &= 2**64 - 1
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])

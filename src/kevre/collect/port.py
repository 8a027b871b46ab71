"""The serial port a meter speaks into.

A line of 7 bits and even parity is opened as 8 bits without: what arrives is the same, the
eighth bit carries the parity, and the decoder checks it, which a port set to 7E1 does not.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

import serial

from kevre.model.errors import Unavailable

_WAIT_S = 0.25  # a read gathers bytes for so long: few wake-ups, and still to the second
_MOST = 1_024  # bytes in one read


class Port:
    """An open serial port, or a pseudo-terminal; a context manager.

    Raises:
        Unavailable: the port is not there, or not ours to open.
    """

    def __init__(self, path: str, baud: int) -> None:
        try:
            self._line = serial.Serial(path, baud, timeout=_WAIT_S, exclusive=True)
        except (OSError, ValueError) as error:
            raise Unavailable(
                "port.unavailable",
                "the port cannot be opened",
                where=path,
                hint="is the adapter plugged in, and this user in the group dialout?",
            ) from error

    def __enter__(self) -> Self:
        """Give the port itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close it."""
        self._line.close()

    def read(self) -> bytes:
        """Give the bytes of the next quarter of a second; empty when none comes.

        Raises:
            Unavailable: the port has gone.
        """
        try:
            return bytes(self._line.read(_MOST))
        except OSError as error:
            raise Unavailable(
                "port.lost", "the port has gone", hint="was the adapter unplugged?"
            ) from error

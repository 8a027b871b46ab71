"""The content of one file of readings, line by line or whole.

Nothing is trusted: neither how far an archive unpacks, nor the length of a line, nor that a
stream ends where it should. `archive.py` opens the files.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from lzma import LZMAError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kevre.model.errors import Malformed

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LONGEST_LINE = 65_536
CHUNK = 1 << 18
# Meter data compress some twentyfold, and no gzip more than 1,032-fold.
_BOMB_SIZE, _BOMB_RATIO = 20_000_000, 200
# What the library raises of archives that are damaged, each way in its own words.
DAMAGE = (EOFError, OSError, ValueError, struct.error, zipfile.BadZipFile, zlib.error, LZMAError)


class Source:
    """One file, opened: its content as lines or whole, and how far it was read.

    Attributes:
        name: of the file, and in an archive that of the member.
        fault: set when the content ends before it should, or cannot be read on.
        is_sheet: whether it is one sheet of a workbook, which may hold no readings.
        is_open_ended: set with the last line, if it has no end: it may have been cut.
    """

    def __init__(self, name: str, stream: io.BufferedReader[Any], raw: Counted) -> None:
        self.name = name
        self.fault: Malformed | None = None
        self.is_open_ended = False
        self.is_sheet = False
        self._stream = stream
        self._raw = raw

    def head(self, size: int = 4_096) -> bytes:
        """Give the beginning, without moving on."""
        try:
            return self._stream.peek(size)[:size]
        except DAMAGE:
            return b""

    def chunks(self) -> Iterator[bytes]:
        """Give the content in pieces; where it ends too early, `fault` says why."""
        total = 0
        while True:
            try:
                chunk = self._stream.read1(CHUNK)
            except DAMAGE as error:
                self.fault = _torn(error)
                return
            if not chunk:
                return
            total += len(chunk)
            if is_bomb(total, self._raw.count):
                self.fault = bomb()
                return
            yield chunk

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Give whole lines, many in a piece, with the number of the first, from 1.

        Only the last piece may lack a line end: that is then one line.
        """
        rest = b""
        number = 1
        for chunk in self.chunks():
            whole, end, rest = (rest + chunk).rpartition(b"\n")
            if end:
                yield number, whole + end
                number += whole.count(b"\n") + 1
            if len(rest) > LONGEST_LINE:
                self.fault = _too_long(number)
                return
        if rest and self.fault is None:
            self.is_open_ended = True
            yield number, rest

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Give the lines that are not empty, with their numbers from 1, without their ends."""
        for first, block in self.blocks():
            for number, line in enumerate(block.split(b"\n"), start=first):
                if line:
                    yield number, line.rstrip(b"\r")

    def whole(self, most: int) -> bytes:
        """Give the whole content, up to `most` bytes.

        Raises:
            Malformed: there is more.
        """
        parts = io.BytesIO()
        for chunk in self.chunks():
            parts.write(chunk)
            if parts.tell() > most:
                raise Malformed(
                    "file.too_large",
                    f"more than {most // 1_000_000} MB in one piece",
                    hint="split the file",
                )
        return parts.getvalue()


def _torn(error: Exception) -> Malformed:
    why = str(error) or type(error).__name__
    return Malformed(
        "file.torn",
        f"the file ends before it should: {why}",
        hint="fetch it again; what came before is kept",
    )


def is_bomb(unpacked: int, packed: int) -> bool:
    """Say whether an archive unpacks further than readings do."""
    return unpacked > _BOMB_SIZE and unpacked > _BOMB_RATIO * max(packed, 1)


def bomb() -> Malformed:
    """Give the error of an archive that unpacks too far."""
    return Malformed(
        "file.bomb",
        f"the archive unpacks to more than {_BOMB_RATIO} times its size",
        hint="unpack it yourself and look what it is",
    )


def _too_long(line: int) -> Malformed:
    return Malformed(
        "file.line_too_long",
        f"a line is longer than {LONGEST_LINE} bytes",
        where=f"line {line}",
        hint="this is not a table of readings",
    )


def cut_line() -> Malformed:
    """Give the error of a last line without an end, whose last number may be cut short."""
    return Malformed(
        "file.cut_line",
        "the line has no end: its last number may be cut short",
        hint="fetch the file again; if it is whole, add a line end",
    )


def digest(path: Path) -> str:
    """Give what makes a file recognisable when it comes again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


class Counted(io.FileIO):
    """A file that tells how many bytes were read from it."""

    def __init__(self, path: Path, on_bytes: Callable[[int], None]) -> None:
        super().__init__(path, "rb")
        self.count = 0
        self._on_bytes = on_bytes

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """Read, and tell how much."""
        got = super().readinto(buffer)
        self.count += got or 0
        self._on_bytes(got or 0)
        return got

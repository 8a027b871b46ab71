"""Opens files of readings: plain, gzip, or the one file in a zip; line by line.

Nothing is trusted: neither the size that an archive declares, nor the length of a line, nor
that a stream ends where it should.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from lzma import LZMAError
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from kevre.model.errors import Malformed

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LONGEST_LINE = 65_536
_CHUNK = 1 << 18
# Of a damaged archive one piece is lost: small pieces lose less.
_PIECE = 1 << 13
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
# Meter data compress some twentyfold, and no gzip more than 1,032-fold.
_BOMB_SIZE, _BOMB_RATIO = 20_000_000, 200
# What the library raises of archives that are damaged, each way in its own words.
_DAMAGE = (EOFError, OSError, ValueError, struct.error, zipfile.BadZipFile, zlib.error, LZMAError)


class Source:
    """One file, opened: its content as lines or whole, and how far it was read.

    Attributes:
        fault: set when the content ends before it should, or cannot be read on.
        is_open_ended: set with the last line, if it has no end: it may have been cut.
    """

    def __init__(self, path: Path, on_bytes: Callable[[int], None]) -> None:
        self.name = path.name
        self.fault: Malformed | None = None
        self.is_open_ended = False
        self._raw = _Counted(path, on_bytes)
        try:
            self._stream = _unpacked(self._raw, path)
        except Malformed:
            self._raw.close()
            raise

    def head(self, size: int = 4_096) -> bytes:
        """Give the beginning, without moving on."""
        try:
            return self._stream.peek(size)[:size]
        except _DAMAGE:
            return b""

    def chunks(self) -> Iterator[bytes]:
        """Give the content in pieces; where it ends too early, `fault` says why."""
        total = 0
        while True:
            try:
                chunk = self._stream.read1(_CHUNK)
            except _DAMAGE as error:
                self.fault = _torn(error)
                return
            if not chunk:
                return
            total += len(chunk)
            if total > _BOMB_SIZE and total > _BOMB_RATIO * max(self._raw.count, 1):
                self.fault = _bomb()
                return
            yield chunk

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Give the lines that are not empty, with their numbers from 1, without their ends."""
        rest = b""
        number = 0
        for chunk in self.chunks():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                number += 1
                if line:
                    yield number, line.rstrip(b"\r")
            if len(rest) > LONGEST_LINE:
                self.fault = _too_long(number + 1)
                return
        if rest and self.fault is None:
            self.is_open_ended = True
            yield number + 1, rest.rstrip(b"\r")

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

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._raw.close()


def _torn(error: Exception) -> Malformed:
    why = str(error) or type(error).__name__
    return Malformed(
        "file.torn",
        f"the file ends before it should: {why}",
        hint="fetch it again; what came before is kept",
    )


def _bomb() -> Malformed:
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


class _Counted(io.FileIO):
    """A file that tells how many bytes were read from it."""

    def __init__(self, path: Path, on_bytes: Callable[[int], None]) -> None:
        super().__init__(path, "rb")
        self.count = 0
        self._on_bytes = on_bytes

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        got = super().readinto(buffer)
        self.count += got or 0
        self._on_bytes(got or 0)
        return got


class _Unpacking(io.RawIOBase):
    """What an archive holds, a piece at a time: of a torn one, all that can be read is given."""

    def __init__(self, packed: gzip.GzipFile | IO[bytes]) -> None:
        super().__init__()
        self._packed = packed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer)
        got = self._packed.read1(min(len(room), _PIECE))  # type: ignore[union-attr]  # a zip's member has it
        room[: len(got)] = got
        return len(got)


def _unpacked(raw: _Counted, path: Path) -> io.BufferedReader[Any]:
    buffered: io.BufferedReader[Any] = io.BufferedReader(raw, _CHUNK)
    magic = buffered.peek(4)[:4]
    if magic.startswith(_GZIP):
        return io.BufferedReader(_Unpacking(gzip.GzipFile(fileobj=buffered)), _CHUNK)
    if magic == _ZIP:
        return io.BufferedReader(_Unpacking(_member(buffered, path)), _CHUNK)
    return buffered


def _member(buffered: io.BufferedReader[Any], path: Path) -> IO[bytes]:
    try:
        archive = zipfile.ZipFile(buffered)
        files = [one for one in archive.infolist() if not one.is_dir()]
        if len(files) == 1:
            return archive.open(files[0])
    except (*_DAMAGE, RuntimeError) as error:
        raise Malformed(
            "file.archive",
            "the archive cannot be opened",
            where=path.name,
            hint="it is damaged, encrypted, or of an unknown method",
        ) from error
    raise Malformed(
        "file.archive",
        f"the archive holds {len(files)} files",
        where=path.name,
        hint="import the files one by one",
    )

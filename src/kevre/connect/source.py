"""Opens files of readings: plain, gzip, or the one file in a zip; line by line.

Nothing is trusted: neither the size that an archive declares, nor the length of a line, nor
that a stream ends where it should.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from kevre.model.errors import Malformed

LONGEST_LINE = 65_536
_CHUNK = 1 << 18
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
# Meter data compress some twentyfold; a thousandfold beyond 100 MB is an attack.
_BOMB_SIZE, _BOMB_RATIO = 100_000_000, 1_000


class Source:
    """One file, opened: its content as lines or whole, and how far it was read.

    Attributes:
        torn: set when the content ends before it should.
    """

    def __init__(self, path: Path, on_bytes: Callable[[int], None]) -> None:
        self.name = path.name
        self.torn = ""
        self._raw = _Counted(path, on_bytes)
        self._stream = _unpacked(self._raw, path)

    def head(self, size: int = 4_096) -> bytes:
        """Give the beginning, without moving on."""
        try:
            return self._stream.peek(size)[:size]
        except (EOFError, OSError, zlib.error):
            return b""

    def chunks(self) -> Iterator[bytes]:
        """Give the content in pieces; a torn file ends early and says so in `torn`.

        Raises:
            Malformed: the archive is a bomb.
        """
        total = 0
        while True:
            try:
                chunk = self._stream.read1(_CHUNK)
            except (EOFError, OSError, zlib.error, zipfile.BadZipFile) as error:
                self.torn = str(error) or type(error).__name__
                return
            if not chunk:
                return
            total += len(chunk)
            if total > _BOMB_SIZE and total > _BOMB_RATIO * max(self._raw.count, 1):
                raise Malformed(
                    "file.bomb",
                    "the archive unpacks to more than a thousand times its size",
                    where=self.name,
                    hint="unpack it yourself and look what it is",
                )
            yield chunk

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Give the lines with their numbers from 1, without their ends.

        Raises:
            Malformed: a line is longer than any table has.
        """
        rest = b""
        number = 0
        for chunk in self.chunks():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                number += 1
                yield number, line.rstrip(b"\r")
            if len(rest) > LONGEST_LINE:
                raise Malformed(
                    "file.line_too_long",
                    f"a line is longer than {LONGEST_LINE} bytes",
                    where=f"{self.name}, line {number + 1}",
                    hint="this is not a table of readings",
                )
        if rest and not self.torn:
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
                    where=self.name,
                    hint="split the file",
                )
        return parts.getvalue()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._raw.close()


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

    def readinto(self, buffer: object) -> int | None:
        got = super().readinto(buffer)  # type: ignore[arg-type]  # any buffer
        self.count += got or 0
        self._on_bytes(got or 0)
        return got


def _unpacked(raw: _Counted, path: Path) -> io.BufferedReader[Any]:
    buffered: io.BufferedReader[Any] = io.BufferedReader(raw, _CHUNK)
    magic = buffered.peek(4)[:4]
    if magic.startswith(_GZIP):
        return io.BufferedReader(gzip.GzipFile(fileobj=buffered), _CHUNK)
    if magic == _ZIP:
        return io.BufferedReader(cast("io.RawIOBase", _member(buffered, path)), _CHUNK)
    return buffered


def _member(buffered: BinaryIO, path: Path) -> IO[bytes]:
    try:
        archive = zipfile.ZipFile(buffered)
        files = [one for one in archive.infolist() if not one.is_dir()]
        if len(files) != 1:
            raise Malformed(
                "file.archive",
                f"the archive holds {len(files)} files",
                where=path.name,
                hint="import the files one by one",
            )
        return archive.open(files[0])
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise Malformed(
            "file.archive",
            "the archive cannot be opened",
            where=path.name,
            hint="it is damaged, encrypted, or of an unknown method",
        ) from error

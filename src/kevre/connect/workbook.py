"""Opens workbooks (XLSX): each sheet is given as the lines of a table cut by semicolons."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from kevre.connect.source import CHUNK, DAMAGE, Counted, Source, bomb, is_bomb
from kevre.model.errors import Malformed

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_WORKBOOK = "xl/workbook.xml"
_PIECE = 1 << 16


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Say whether a zip is a workbook."""
    return _WORKBOOK in archive.NameToInfo


def sheets(archive: zipfile.ZipFile, raw: Counted, name: str) -> Iterator[Source]:
    """Give the content of each sheet.

    Raises:
        Malformed: the workbook cannot be opened.
    """
    from kevre.formats import xlsx

    read = partial(_pieces, archive)
    try:
        book = xlsx.Workbook(read)
    except (*DAMAGE, RuntimeError) as error:
        raise Malformed("file.archive", "the archive cannot be opened", where=name) from error
    for sheet in book.sheets:
        stream = io.BufferedReader(_Pieces(book.lines(sheet)), CHUNK)
        of_sheet = Source(f"{name}/{sheet.name}" if len(book.sheets) > 1 else name, stream, raw)
        of_sheet.is_sheet = True
        yield of_sheet


def _pieces(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    member = archive.NameToInfo.get(part)
    if member is None:
        return
    total = 0
    with archive.open(member) as packed:
        while piece := packed.read(_PIECE):
            total += len(piece)
            if is_bomb(total, member.compress_size):
                raise bomb()
            yield piece


class _Pieces(io.RawIOBase):
    """A stream of what an iterator gives; what ends it early is raised after what came before."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._rest = bytearray()
        self._ending: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer)
        self._fill(len(room))
        if not self._rest and self._ending is not None:
            raise self._ending
        got = self._rest[: len(room)]
        del self._rest[: len(room)]
        room[: len(got)] = got
        return len(got)

    def _fill(self, size: int) -> None:
        if self._ending is not None:
            return
        try:
            while len(self._rest) < size and (piece := next(self._pieces, None)) is not None:
                self._rest += piece
        except (Malformed, *DAMAGE) as error:
            self._ending = error

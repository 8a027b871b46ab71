"""Opens files of readings: plain, gzip, every file in a zip, workbooks, and any encrypted."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from kevre.connect import cipher, workbook
from kevre.connect.cipher import Decrypted, Key
from kevre.connect.source import CHUNK, DAMAGE, Counted, Source, bomb, is_bomb
from kevre.model.errors import Malformed

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Of a damaged archive one piece is lost: small pieces lose less.
_PIECE = 1 << 13
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_MOST_MEMBERS = 10_000
_SMALL = 1_000_000_000
# What comes beside readings: Enedis' notes on a service, and what one kind of computer adds.
_BESIDE = ("_svc.xml", ".DS_Store")
_Stream: TypeAlias = "io.BufferedReader[Any]"


def sources(
    path: Path, on_bytes: Callable[[int], None], keys: Sequence[Key] = ()
) -> Iterator[Source]:
    """Give the content of a file, or of each file in a zip; each is to be read before the next.

    Args:
        path: the file.
        on_bytes: told how many bytes were read, as they are.
        keys: tried on what is encrypted.

    Raises:
        Malformed: an archive cannot be opened, or no key fits.
        OSError: the file cannot be opened.
    """
    with Counted(path, on_bytes) as raw:
        stream = _decrypted(io.BufferedReader(raw, CHUNK), keys, path.name)
        magic = stream.peek(4)[:4]
        if magic == _ZIP:
            yield from _members(stream, raw, path, keys)
        elif magic.startswith(_GZIP):
            packed = gzip.GzipFile(fileobj=stream)
            yield Source(path.name, io.BufferedReader(_Unpacking(packed), CHUNK), raw)
        else:
            yield Source(path.name, stream, raw)


def _decrypted(stream: _Stream, keys: Sequence[Key], name: str) -> _Stream:
    """Give a stream as it is if it is plain, or else decrypted."""
    first = stream.peek(cipher.BLOCK)[: cipher.BLOCK]
    is_plain = first.startswith((_ZIP, _GZIP)) or cipher.is_text(first)
    if not keys or is_plain or len(first) < cipher.BLOCK:
        return stream
    key = cipher.fitting(first, keys)
    if key is None:
        raise Malformed(
            "cipher.unfitting",
            f"none of the {len(keys)} keys opens this file",
            where=name,
            hint="add the key of this stream to stream_keys in kevre.toml",
        )
    return io.BufferedReader(Decrypted(stream, key), CHUNK)


def _members(stream: _Stream, raw: Counted, path: Path, keys: Sequence[Key]) -> Iterator[Source]:
    try:
        archive = zipfile.ZipFile(stream)
        members = [one for one in archive.infolist() if not _is_beside(one)]
    except (*DAMAGE, RuntimeError) as error:
        raise _unopened(path.name) from error
    _check(members, path)
    if workbook.is_workbook(archive):
        yield from workbook.sheets(archive, raw, path.name)
        return
    for member in members:
        name = path.name if len(members) == 1 else f"{path.name}/{member.filename}"
        yield Source(name, _opened(archive, member, keys, name), raw)


def _is_beside(member: zipfile.ZipInfo) -> bool:
    return member.is_dir() or member.filename.endswith(_BESIDE) or "__MACOSX" in member.filename


def _check(members: Sequence[zipfile.ZipInfo], path: Path) -> None:
    """Refuse an archive by what it declares; what it hides is found while it unpacks."""
    if not members or len(members) > _MOST_MEMBERS:
        raise Malformed(
            "file.archive",
            f"the archive holds {len(members)} files",
            where=path.name,
            hint="import the files one by one",
        )
    declared = sum(member.file_size for member in members)
    # The good beginning of one small file is worth reading; what follows it is refused then.
    is_worth = len(members) == 1 and declared <= _SMALL
    if not is_worth and is_bomb(declared, path.stat().st_size):
        error = bomb()
        error.where = path.name
        raise error


def _opened(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, keys: Sequence[Key], name: str
) -> _Stream:
    try:
        packed = archive.open(member)
        stream = io.BufferedReader(_Unpacking(packed), CHUNK)
        if not keys or cipher.is_text(stream.peek(cipher.BLOCK)):
            return stream
        # An encrypted one is read anew, from its beginning, at any place.
        return _decrypted(io.BufferedReader(_Seekable(archive.open(member)), CHUNK), keys, name)
    except (*DAMAGE, RuntimeError) as error:
        raise _unopened(name) from error


def _unopened(name: str) -> Malformed:
    return Malformed(
        "file.archive",
        "the archive cannot be opened",
        where=name,
        hint="it is damaged, encrypted, or of an unknown method",
    )


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


class _Seekable(_Unpacking):
    """The same of a member that is read at any place, as an encrypted one is."""

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._packed.seek(offset, whence)

    def tell(self) -> int:
        return self._packed.tell()

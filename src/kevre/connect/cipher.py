"""Files encrypted with AES in CBC mode, as operators send streams: opened with the key that fits.

Such a file has no mark of its own. A key fits if the first block becomes the beginning of an
archive or of a text; of wrong keys, one in ten thousand million does.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from kevre.model.errors import Malformed

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK = 16
_SIZES = {16, 24, 32}
_MARKS = (b"PK\x03\x04", b"\x1f\x8b\x08")
_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?[\x20-\x7e\r\n\t]+\Z")


@dataclass(frozen=True, slots=True)
class Key:
    """A key and its initialisation vector; neither is ever printed."""

    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Hold the sizes that AES has."""
        if len(self.key) not in _SIZES or len(self.iv) != BLOCK:
            raise Malformed(
                "cipher.key",
                "a key has 16, 24 or 32 bytes and its vector 16",
                hint="write both as hexadecimal digits: KEY:VECTOR",
            )

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read `KEY:VECTOR`, both in hexadecimal digits; no error repeats them.

        Raises:
            Malformed: it is not that.
        """
        key, _, iv = text.strip().partition(":")
        try:
            return cls(bytes.fromhex(key), bytes.fromhex(iv))
        except ValueError:
            # Without its cause: the text of that error may hold a part of the key.
            return cls(b"", b"")


def fitting(first: bytes, keys: Sequence[Key]) -> Key | None:
    """Give the key that opens a file, by its first block; None if none does."""
    for key in keys:
        begin = _plain(key, key.iv, first[:BLOCK])
        if begin.startswith(_MARKS) or _TEXT.match(_unpadded(begin)):
            return key
    return None


def is_text(first: bytes) -> bool:
    """Say whether a file begins as one that is not encrypted."""
    return bool(_TEXT.match(first[:BLOCK]))


class Decrypted(io.RawIOBase):
    """The plain content of an encrypted file, read at any place: nothing is kept in memory."""

    def __init__(self, raw: IO[bytes], key: Key) -> None:
        super().__init__()
        self._raw = raw
        self._key = key
        size = raw.seek(0, io.SEEK_END)
        self._whole = size - size % BLOCK
        self._at = 0
        self._size = self._whole
        if self._whole:
            last = self._blocks(self._whole - BLOCK, BLOCK)
            self._size -= BLOCK - len(_unpadded(last))

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read at any place."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in the plain content."""
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(begin + offset, 0)
        return self._at

    def tell(self) -> int:
        """Give the place in the plain content."""
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read plain content from here on."""
        room = memoryview(buffer)
        wanted = min(len(room), self._size - self._at)
        if wanted <= 0:
            return 0
        first = self._at - self._at % BLOCK
        plain = self._blocks(first, self._at + wanted - first)[self._at - first :][:wanted]
        room[: len(plain)] = plain
        self._at += len(plain)
        return len(plain)

    def _blocks(self, first: int, count: int) -> bytes:
        """Decrypt the blocks that hold `count` bytes from `first`, a multiple of BLOCK."""
        before = max(first - BLOCK, 0)
        self._raw.seek(before)
        vector = self._raw.read(BLOCK) if first else self._key.iv
        packed = self._raw.read(-(-count // BLOCK) * BLOCK)
        return _plain(self._key, vector, packed[: len(packed) - len(packed) % BLOCK])


def _plain(key: Key, vector: bytes, packed: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if len(vector) != BLOCK or len(packed) % BLOCK:
        return b""
    unlock = Cipher(algorithms.AES(key.key), modes.CBC(vector)).decryptor()
    return unlock.update(packed) + unlock.finalize()


def _unpadded(block: bytes) -> bytes:
    """Take the padding (PKCS 7) from the last block; one without a padding stays whole."""
    count = block[-1] if block else 0
    is_padded = 0 < count <= BLOCK and block.endswith(bytes([count]) * count)
    return block[:-count] if is_padded else block

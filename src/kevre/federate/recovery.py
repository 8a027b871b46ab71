"""The recovery code: what an operator writes down to get a destroyed node back from a sponsor.

Thirty-two random bytes. From them come, each by HKDF (RFC 5869), the key that encrypts the
copies and the key that signs the request for them; so the code alone is enough, and the
sponsor, who sees neither, can read nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from base64 import b32decode, b32encode
from dataclasses import dataclass
from pathlib import Path

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kevre.federate.identity import Identity
from kevre.model.errors import Malformed, Refused

FILE = "recovery.key"
PIECE_BYTES = 2 * 1024 * 1024
_SECRET_BYTES, _CHECK_BYTES, _NONCE_BYTES = 32, 3, 12
_GROUP = 4


@dataclass(frozen=True, slots=True)
class Recovery:
    """The secret behind the code."""

    secret: bytes

    @classmethod
    def parse(cls, code: str) -> Recovery:
        """Read a code as it was written down, in any case and grouping.

        Raises:
            Malformed: a letter is missing or another.
        """
        text = "".join(code.upper().split()).replace("-", "")
        text = text.replace("0", "O").replace("1", "I").replace("8", "B")
        try:
            raw = b32decode(text)
        except ValueError as error:
            raise _misread() from error
        secret, check = raw[:_SECRET_BYTES], raw[_SECRET_BYTES:]
        if len(secret) != _SECRET_BYTES or not hmac.compare_digest(check, _check(secret)):
            raise _misread()
        return cls(secret)

    @property
    def code(self) -> str:
        """Write it for a person: fourteen groups of four letters and digits."""
        text = b32encode(self.secret + _check(self.secret)).decode()
        return " ".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))

    @property
    def identity(self) -> Identity:
        """Give the key that signs the request for a copy."""
        return Identity(Ed25519PrivateKey.from_private_bytes(self._derived(b"identity")))

    def seal(self, piece: bytes) -> tuple[str, bytes]:
        """Encrypt a piece; give the name of what came out (SHA-256), and it.

        The same piece gives the same bytes: the nonce is a keyed digest of what it holds, so
        it comes again with the same content alone. A sponsor has it once, however often it is
        in a copy, and can tell that it is the same, but not what it is.
        """
        content = zstandard.ZstdCompressor(level=6).compress(piece)
        nonce = hmac.digest(self._derived(b"nonce"), content, "sha256")[:_NONCE_BYTES]
        sealed = nonce + AESGCM(self._derived(b"content")).encrypt(nonce, content, None)
        return digest_of(sealed), sealed

    def open(self, name: str, sealed: bytes) -> bytes:
        """Give the piece that was sealed.

        Raises:
            Refused: it is not what was sealed under this name, or by another code.
        """
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        if digest_of(sealed) != name:
            raise _spoilt(name)
        try:
            packed = AESGCM(self._derived(b"content")).decrypt(nonce, content, None)
            return zstandard.ZstdDecompressor().decompress(packed, max_output_size=PIECE_BYTES)
        except (InvalidTag, ValueError, zstandard.ZstdError) as error:
            raise _spoilt(name) from error

    def _derived(self, purpose: bytes) -> bytes:
        return HKDF(SHA256(), 32, salt=None, info=b"kevre recovery " + purpose).derive(self.secret)


def hold(home: Path) -> Recovery:
    """Give the node's recovery secret; the first time, make it, durable before it is used."""
    path = home / FILE
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(Recovery(secrets.token_bytes(_SECRET_BYTES)).code + "\n")
            file.flush()
            os.fsync(file.fileno())
    return Recovery.parse(path.read_text("ascii"))


def digest_of(content: bytes) -> str:
    """Give the SHA-256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _check(secret: bytes) -> bytes:
    return hashlib.sha256(b"kevre recovery check" + secret).digest()[:_CHECK_BYTES]


def _spoilt(name: str) -> Refused:
    return Refused(
        "recovery.piece",
        "a piece of the copy is not as it was given away",
        where=name[:16],
        hint="is it this node's recovery code? if so, ask another sponsor",
    )


def _misread() -> Malformed:
    return Malformed(
        "recovery.code",
        "this is not a recovery code as it was shown",
        hint="fourteen groups of four letters and digits; compare each with what was written down",
    )

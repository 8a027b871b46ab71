"""A node's identity: an Ed25519 key (RFC 8032) that it alone holds, and what others see of it.

A key is named by its thumbprint (RFC 7638, 8037), so that a name cannot stand for another key.
People compare the fingerprint, thirty digits of the same digest, once, over the telephone. A new
key is vouched for by the one before it: who pinned the old one follows by himself.
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from kevre.model.errors import Conflict, Malformed

FILE = "identity.pem"
PREVIOUS = "identity.previous.pem"
_KEY_BYTES = 32
_DIGITS_IN_GROUP, _GROUPS = 5, 6
_VOUCHING = b"kevre identity follows:"


@dataclass(frozen=True, slots=True)
class PublicIdentity:
    """What everybody may know of a node's key."""

    raw: bytes

    @classmethod
    def of_text(cls, text: str) -> PublicIdentity:
        """Read a key as `text` writes it.

        Raises:
            Malformed: not 32 bytes in base64url.
        """
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError as error:
            raise _malformed() from error
        if len(raw) != _KEY_BYTES or text_of(raw) != text:
            raise _malformed()
        return cls(raw)

    @property
    def text(self) -> str:
        """Write the key in base64url, as a JSON Web Key has it."""
        return text_of(self.raw)

    @property
    def name(self) -> str:
        """Give the key's own name: its thumbprint, 43 characters."""
        return text_of(self._digest())

    @property
    def fingerprint(self) -> str:
        """Give six groups of five digits for people to compare; about 100 bits."""
        number = int.from_bytes(self._digest(), "big") % 10 ** (_DIGITS_IN_GROUP * _GROUPS)
        digits = f"{number:0{_DIGITS_IN_GROUP * _GROUPS}d}"
        return " ".join(
            digits[at : at + _DIGITS_IN_GROUP] for at in range(0, len(digits), _DIGITS_IN_GROUP)
        )

    def verifies(self, signature: bytes, content: bytes) -> bool:
        """Say whether the holder of this key signed the content."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, content)
        except InvalidSignature:
            return False
        return True

    def _digest(self) -> bytes:
        # RFC 7638 fixes the members, their order, and that there is no space.
        key = {"crv": "Ed25519", "kty": "OKP", "x": self.text}
        return hashlib.sha256(json.dumps(key, separators=(",", ":")).encode()).digest()


@dataclass(frozen=True, slots=True)
class Identity:
    """A node's own key."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> PublicIdentity:
        """Give what others may know."""
        return PublicIdentity(self.private.public_key().public_bytes_raw())

    def sign(self, content: bytes) -> bytes:
        """Sign; 64 bytes."""
        return self.private.sign(content)


def hold(home: Path) -> Identity:
    """Give the node's identity; the first time, make it, durable before it is used.

    Raises:
        Conflict: others can read the file.
        Malformed: the file holds no Ed25519 key.
    """
    path = home / FILE
    if not path.exists():
        _keep(path, Ed25519PrivateKey.generate(), exclusive=True)
    return _read(path)


def rotate(home: Path) -> Identity:
    """Make a new key that the present one vouches for; give it."""
    hold(home)
    path = home / FILE
    _keep(home / PREVIOUS, _read(path).private, exclusive=False)
    _keep(path, Ed25519PrivateKey.generate(), exclusive=False)
    return _read(path)


def voucher(home: Path) -> tuple[PublicIdentity, bytes] | None:
    """Give the key before the present one and its signature over the present one, if any."""
    path = home / PREVIOUS
    if not path.exists():
        return None
    before = _read(path)
    return before.public, before.sign(_VOUCHING + hold(home).public.raw)


def vouches(before: PublicIdentity, signature: bytes, after: PublicIdentity) -> bool:
    """Say whether the holder of one key named another as the one that follows."""
    return before.verifies(signature, _VOUCHING + after.raw)


def text_of(raw: bytes) -> str:
    """Write bytes in base64url without padding."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _keep(path: Path, key: Ed25519PrivateKey, *, exclusive: bool) -> None:
    """Write a key where only its owner can read it; whole or not at all.

    Two processes that start together must agree on one key: then the first link stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    if not exclusive:
        written.replace(path)
        return
    try:
        path.hardlink_to(written)
    except FileExistsError:
        pass
    finally:
        written.unlink()


def _read(path: Path) -> Identity:
    if path.stat().st_mode & 0o077:
        raise Conflict(
            "identity.readable",
            "the node's identity can be read by others",
            where=path.name,
            hint=f"chmod 600 {path.name}",
        )
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise _broken(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _broken(path)
    return Identity(key)


def _broken(path: Path) -> Malformed:
    return Malformed(
        "identity.broken",
        "the file of the node's identity holds no Ed25519 key",
        where=path.name,
        hint="restore it from a backup; a new one must be trusted anew by every peer",
    )


def _malformed() -> Malformed:
    return Malformed(
        "identity.key", "this is no public key", hint="32 bytes in base64url, without padding"
    )

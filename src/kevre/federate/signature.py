"""Signed requests between nodes: HTTP message signatures (RFC 9421) with Ed25519.

Covered are the method, the whole address and the digest of the body (RFC 9530). Each signature
is young, names its key, and has a nonce that is good for one use: a request that was overheard
can be neither changed nor sent again, to this node or to another.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    SigningKey,
    VerificationKey,
    algorithms,
)

from kevre.federate.identity import Identity, PublicIdentity
from kevre.model.errors import Refused

TAG = "kevre-1"
# What applications are told is signed for nothing else: no peer takes it for a request of ours.
HOOK_TAG = "kevre-hook-1"
# Longer than any clock of a server is wrong, short enough to remember every nonce.
LONGEST_S = 300
_COVERED = ("@method", "@target-uri")


@dataclass(frozen=True, slots=True)
class Message:
    """What of a request is signed.

    Attributes:
        method: in capitals.
        url: absolute, as the caller reached it.
        headers: the signature is written there, or read from there.
        body: empty where there is none.
    """

    method: str
    url: str
    headers: MutableMapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Signed:
    """A request whose signature holds; the nonce is still to be spent."""

    signer: PublicIdentity
    nonce: str
    until_s: int


def sign(message: Message, identity: Identity, *, now_s: int, tag: str = TAG) -> None:
    """Sign a request in place, for one use of signatures."""
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=_Own(identity))
    signer.sign(
        message,
        key_id=identity.public.name,
        created=datetime.fromtimestamp(now_s, UTC),
        nonce=secrets.token_urlsafe(16),
        label="kevre",
        tag=tag,
        include_alg=False,
        covered_component_ids=_COVERED,
        body=message.body,
    )


def verify(
    message: Message, known: Callable[[str], PublicIdentity | None], *, now_s: int
) -> Signed:
    """Hold a request to its signature.

    Args:
        message: as it arrived.
        known: gives the key of a name, or None.
        now_s: the time of arrival [epoch s].

    Raises:
        Refused: no signature, another than this request's, too old, or of an unknown key; all
            are told alike.
    """
    others = _Others(known)
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=others)
    try:
        result = verifier.verify(
            message,
            max_age=None,
            expect_tag=TAG,
            require_components=_COVERED,
            body=message.body,
        )[0]
    except HTTPMessageSignaturesException as error:
        raise _refused() from error
    created_s = result.parameters.get("created")
    nonce = result.nonce
    if not isinstance(created_s, int) or not nonce or others.found is None:
        raise _refused()
    if abs(now_s - created_s) > LONGEST_S:
        raise Refused(
            "peer.clock",
            "the signature is too old, or from the future",
            hint="set the clocks of both nodes",
        )
    return Signed(others.found, nonce, created_s + LONGEST_S)


class _Own(HTTPSignatureKeyResolver):
    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def resolve_private_key(self, key_id: str) -> SigningKey:
        del key_id
        return self._identity.private


class _Others(HTTPSignatureKeyResolver):
    def __init__(self, known: Callable[[str], PublicIdentity | None]) -> None:
        self._known = known
        self.found: PublicIdentity | None = None

    def resolve_public_key(self, key_id: str) -> VerificationKey:
        self.found = self._known(key_id)
        if self.found is None or self.found.name != key_id:
            raise HTTPMessageSignaturesException("unknown key")
        return Ed25519PublicKey.from_public_bytes(self.found.raw)


def _refused() -> Refused:
    return Refused(
        "peer.signature",
        "this request is not signed by a node that is trusted here",
        hint="the operators of both nodes compare fingerprints and trust each other first",
    )

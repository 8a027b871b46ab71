"""Seals: a node's word that these readings are what it first stored, checkable at every hop.

A seal is a COSE_Sign1 message (RFC 9052, section 4.2) with a detached payload, the canonical
form of the readings. Whoever holds the readings makes the same bytes again, whatever form they
travelled in and whichever store they lie in; so a seal travels beside them, over any number of
nodes, and tells the first from the last.

Canonical form: a line of text `kevre-readings-1`, one each for series, unit, statistic,
exponent and count, each ended by a line feed; then the columns `start` (int64 [s]), `step`
(int32 [s]), `value` (int64) and `quality` (uint8), little-endian, one after the other, in time
order. Values are x 10**exponent with the highest exponent that is exact for all of them; with
nothing but zeros it is 0. A missing value is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cbor2
import numpy as np

from kevre.federate.identity import Identity, PublicIdentity
from kevre.model.batch import Column
from kevre.model.errors import Refused
from kevre.model.quality import Quality

_TITLE = "kevre-readings-1"
_CONTEXT = "Signature1"
# Labels and values of RFC 9052, table 3, and RFC 9053, section 2.2.
_ALGORITHM, _EDDSA, _KEY_ID = 1, -8, 4
_MEMBERS = 4
_HIGHEST_EXPONENT = 18


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal as it travels; `signer` is the name of a key."""

    signer: str
    content: bytes


def seal(column: Column, identity: Identity) -> Seal:
    """Seal readings of one series."""
    name = identity.public.name
    protected = cbor2.dumps({_ALGORITHM: _EDDSA, _KEY_ID: name.encode()}, canonical=True)
    signature = identity.sign(_signed(protected, canonical(column)))
    return Seal(name, cbor2.dumps([protected, {}, None, signature]))


def read(content: bytes) -> Seal:
    """Read whose seal this is, without believing it.

    Raises:
        Refused: it is no seal.
    """
    protected, _ = _parts(content)
    header = _loaded(protected)
    name = header.get(_KEY_ID) if isinstance(header, dict) else None
    if not isinstance(name, bytes) or not name.isascii() or header.get(_ALGORITHM) != _EDDSA:
        raise _broken()
    return Seal(name.decode("ascii"), content)


def verify(found: Seal, column: Column, known: Callable[[str], PublicIdentity | None]) -> None:
    """Hold readings to their seal.

    Raises:
        Refused: they are not what was sealed, or the key is not known.
    """
    key = known(found.signer)
    if key is None or key.name != found.signer:
        raise Refused(
            "seal.unknown",
            "the key that sealed these readings is not known here",
            hint="trust the node that first stored them, or a peer that knows it",
        )
    protected, signature = _parts(found.content)
    if not key.verifies(signature, _signed(protected, canonical(column))):
        raise Refused(
            "seal.broken",
            "these readings are not those that were sealed",
            hint="they were changed on the way: ask the node before this one",
        )


def canonical(column: Column) -> bytes:
    """Write readings in the one form that is signed; see the module's description."""
    value = np.frombuffer(column.value, "<i8").copy()
    quality = np.frombuffer(column.quality, "u1")
    value[quality == Quality.MISSING] = 0
    value, exponent = _coarsest(value, column.exponent)
    lines = (
        _TITLE,
        column.series,
        column.kind.unit,
        column.kind.statistic.value,
        str(exponent),
        str(len(column)),
    )
    head = "".join(f"{line}\n" for line in lines).encode()
    start_s = np.frombuffer(column.start_s, "<i8")
    step_s = np.frombuffer(column.step_s, "<i4")
    parts = (start_s, step_s, value, quality)
    return head + b"".join(part.tobytes() for part in parts)


def _coarsest(value: np.ndarray, exponent: int) -> tuple[np.ndarray, int]:
    if not value.any():
        return value, 0
    while exponent < _HIGHEST_EXPONENT and not (value % 10).any():
        value //= 10
        exponent += 1
    return value, exponent


def _signed(protected: bytes, payload: bytes) -> bytes:
    return cbor2.dumps([_CONTEXT, protected, b"", payload])


def _parts(content: bytes) -> tuple[bytes, bytes]:
    message = _loaded(content)
    if not isinstance(message, list) or len(message) != _MEMBERS:
        raise _broken()
    protected, _, payload, signature = message
    if payload is not None or not isinstance(protected, bytes) or not isinstance(signature, bytes):
        raise _broken()
    return protected, signature


def _loaded(content: bytes) -> Any:
    try:
        return cbor2.loads(content)
    except Exception as error:  # cbor2 lets errors of tags it builds through as they are
        raise _broken() from error


def _broken() -> Refused:
    return Refused(
        "seal.malformed", "this is no seal", hint="COSE_Sign1 with EdDSA and a detached payload"
    )

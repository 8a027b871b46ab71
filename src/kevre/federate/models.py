"""Gathers the nouns of this room for Django; each lives in its own module."""

from kevre.federate.contact import Contact
from kevre.federate.entrust import Entrusted
from kevre.federate.feed import Feed
from kevre.federate.peer import Peer, SpentNonce
from kevre.federate.provenance import KeptSeal, KnownKey
from kevre.federate.sponsor import HeldCopy, HeldPiece, Sponsored

__all__ = [
    "Contact",
    "Entrusted",
    "Feed",
    "HeldCopy",
    "HeldPiece",
    "KeptSeal",
    "KnownKey",
    "Peer",
    "SpentNonce",
    "Sponsored",
]

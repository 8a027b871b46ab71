"""Gathers the nouns of this room for Django; each lives in its own module."""

from kevre.federate.contact import Contact
from kevre.federate.feed import Feed
from kevre.federate.peer import Peer, SpentNonce
from kevre.federate.provenance import KeptSeal, KnownKey

__all__ = ["Contact", "Feed", "KeptSeal", "KnownKey", "Peer", "SpentNonce"]

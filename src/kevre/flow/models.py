"""Gathers the nouns of this room for Django; each lives in its own module."""

from kevre.flow.arrival import Arrival
from kevre.flow.cursor import Cursor
from kevre.flow.outbox import Parcel
from kevre.flow.quarantine import Quarantined
from kevre.flow.subscription import Subscription

__all__ = ["Arrival", "Cursor", "Parcel", "Quarantined", "Subscription"]

"""Gathers the nouns of this room for Django; each lives in its own module."""

from kevre.flow.arrival import Arrival
from kevre.flow.collector import Collector
from kevre.flow.cursor import Cursor
from kevre.flow.invite import Failure, Invite
from kevre.flow.outbox import Parcel
from kevre.flow.quarantine import Quarantined
from kevre.flow.subscription import Subscription

__all__ = [
    "Arrival",
    "Collector",
    "Cursor",
    "Failure",
    "Invite",
    "Parcel",
    "Quarantined",
    "Subscription",
]

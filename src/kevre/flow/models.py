"""Gathers the nouns of this room for Django; each lives in its own module."""

from kevre.flow.arrival import Arrival
from kevre.flow.collector import Collector
from kevre.flow.cursor import Cursor
from kevre.flow.input import Input
from kevre.flow.invite import Failure, Invite
from kevre.flow.notice import Notice
from kevre.flow.notify import Known
from kevre.flow.outbox import Parcel
from kevre.flow.quarantine import Quarantined
from kevre.flow.subscription import Subscription
from kevre.flow.tray import Waiting

__all__ = [
    "Arrival",
    "Collector",
    "Cursor",
    "Failure",
    "Input",
    "Invite",
    "Known",
    "Notice",
    "Parcel",
    "Quarantined",
    "Subscription",
    "Waiting",
]

"""Gathers the nouns of this room for Django; each lives in its own module."""

from kevre.places.device import Attachment, Device
from kevre.places.party import Party
from kevre.places.point import MeteringPoint
from kevre.places.series import Series
from kevre.places.site import Site
from kevre.places.source import Source
from kevre.places.territory import Territory

__all__ = [
    "Attachment",
    "Device",
    "MeteringPoint",
    "Party",
    "Series",
    "Site",
    "Source",
    "Territory",
]

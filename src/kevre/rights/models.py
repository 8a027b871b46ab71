"""Gathers the nouns of this room for Django; each lives in its own module."""

from kevre.rights.access import AccessPurge, AccessRecord
from kevre.rights.account import Account, Membership
from kevre.rights.acting import Acting
from kevre.rights.grant import Grant
from kevre.rights.key import Key
from kevre.rights.role import Role
from kevre.rights.terms import HeldTerms

__all__ = [
    "AccessPurge",
    "AccessRecord",
    "Account",
    "Acting",
    "Grant",
    "HeldTerms",
    "Key",
    "Membership",
    "Role",
]

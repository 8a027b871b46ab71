"""Gathers the nouns of this room for Django; each lives in its own module."""

from kevre.rights.access import AccessPurge, AccessRecord
from kevre.rights.account import Account, Membership
from kevre.rights.acting import Acting
from kevre.rights.application import Application, Use
from kevre.rights.consent import Consent
from kevre.rights.grant import Grant
from kevre.rights.hook import HookEvent
from kevre.rights.key import Key
from kevre.rights.role import Role
from kevre.rights.spent import SpentToken
from kevre.rights.terms import HeldTerms

__all__ = [
    "AccessPurge",
    "AccessRecord",
    "Account",
    "Acting",
    "Application",
    "Consent",
    "Grant",
    "HeldTerms",
    "HookEvent",
    "Key",
    "Membership",
    "Role",
    "SpentToken",
    "Use",
]

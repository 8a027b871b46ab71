"""A visit: who looks at a page, when, and in which language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

from kevre.rights.account import Account
from kevre.rights.gate import Reader

# What CLDR calls our languages where people use them here: dates are day before month.
_LOCALES = {"fr": "fr_FR", "br": "br_FR", "en": "en_GB"}


@dataclass(frozen=True, slots=True)
class Visit:
    """What every page needs to know before it asks the door."""

    reader: Reader
    now: datetime
    locale: str


def visit(request: HttpRequest) -> Visit:
    """Read from a request who asks, and take the time once for the whole page."""
    account = request.user if isinstance(request.user, Account) else None
    return Visit(Reader(account, is_support=hasattr(request, "acting")), timezone.now(), locale())


def locale(language: str | None = None) -> str:
    """Give the CLDR locale of a language of the pages; of the active one by default.

    >>> locale("br")
    'br_FR'
    """
    return _LOCALES.get((language or get_language() or "fr")[:2], "fr_FR")

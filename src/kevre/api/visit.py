"""Who calls: the account of a session, or a guest."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone

from kevre.rights.account import Account
from kevre.rights.gate import Reader

PURPOSE = "api"


def visit(request: HttpRequest) -> tuple[Reader, datetime]:
    """Give who asks and when."""
    account = request.user if isinstance(request.user, Account) else None
    return Reader(account, is_support=hasattr(request, "acting")), timezone.now()

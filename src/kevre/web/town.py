"""Signing in by a town's OpenID Connect: to accounts that there are, for the town's addresses."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest

from kevre.rights.account import Account


class Adapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Believes a provider for the addresses of its own domains, and for no operator."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:  # noqa: ARG002
        """Make no account: operators do."""
        return False

    def can_authenticate_by_email(self, login: Any, email: str) -> bool:
        """Say whether the word of a provider opens the account of an address."""
        domains = login.provider.app.settings.get("domains", ())
        domain = email.rpartition("@")[2].lower()
        # Who runs the node is not in the hands of a town.
        guarded = Account.objects.filter(email__iexact=email).exclude(
            is_superuser=False, is_staff=False
        )
        return domain in domains and not guarded.exists()

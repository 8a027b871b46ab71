"""What allauth asks of this node: who may register, and what mails and pages are called."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Tells allauth that local accounts are made by operators."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - allauth's
        """Keep the registration form closed."""
        return False

    def format_email_subject(self, subject: str) -> str:
        """Name the node before what a mail is about."""
        return f"{settings.CONFIG.title}: {subject}"

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:  # noqa: ARG002
        """Go back to the page of one's account."""
        return reverse("web:security")

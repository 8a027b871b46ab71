"""Accounts of people, and the parties they act for."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

from kevre.places.party import Party


class AccountManager(BaseUserManager["Account"]):
    """Makes accounts, which are known by their e-mail address alone."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Account:
        """Make an account; without a password nobody can sign in to it with one."""
        account = self.model(email=self.normalize_email(email).lower(), **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> Account:
        """Make an operator's account, which opens the registry's administration."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class Account(AbstractUser):
    """A person who signs in; there are no user names, only e-mail addresses."""

    username = None  # type: ignore[assignment]  # AbstractUser's field is taken away
    email = models.EmailField(_("e-mail address"), unique=True)
    parties = models.ManyToManyField(Party, through="Membership", related_name="accounts")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[AccountManager] = AccountManager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")

    def __str__(self) -> str:
        return self.email


class Membership(models.Model):
    """That an account acts for a party."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = (
            models.UniqueConstraint(fields=("account", "party"), name="membership_once"),
        )

    def __str__(self) -> str:
        return f"{self.account_id} > {self.party_id}"

"""Parties: the persons and organisations that own sites and receive grants."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class PartyKind(models.TextChoices):
    """Whether the name of a party is personal data."""

    PERSON = "person", _("Person")
    ORGANISATION = "organisation", _("Organisation")
    APPLICATION = "application", _("Application")


class Party(models.Model):
    """A person or an organisation. A person's name never leaves the registry."""

    kind = models.CharField(max_length=16, choices=PartyKind.choices)
    name = models.CharField(max_length=160)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("party")
        verbose_name_plural = _("parties")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

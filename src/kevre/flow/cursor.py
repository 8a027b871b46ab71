"""Cursors: how far each follower of the change log has come."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Cursor(models.Model):
    """The last change that a follower has dealt with."""

    follower = models.CharField(max_length=40, unique=True)
    position = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("cursor")
        verbose_name_plural = _("cursors")

    def __str__(self) -> str:
        return f"{self.follower} {self.position}"

"""Arrivals and quarantine in the operators' administration."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from kevre.flow.models import Arrival, Quarantined


@admin.register(Quarantined)
class QuarantinedAdmin(admin.ModelAdmin):
    """What could not be kept; a person marks what is dealt with."""

    list_display = ("source", "line", "field", "message", "received_at", "resolved_at")
    list_filter = ("code", "origin")
    search_fields = ("source", "message")
    readonly_fields = (
        "origin",
        "batch_key",
        "source",
        "line",
        "code",
        "field",
        "message",
        "hint",
        "raw",
        "received_at",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: only the gate quarantines."""
        del request
        return False


@admin.register(Arrival)
class ArrivalAdmin(admin.ModelAdmin):
    """What arrived, to look at."""

    list_display = ("received_at", "origin", "source", "kept", "changed", "quarantined")
    list_filter = ("origin",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: only the gate counts."""
        del request
        return False

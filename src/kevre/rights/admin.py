"""Accounts, keys, grants and the access log in the operators' administration."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from kevre.rights.models import AccessRecord, Account, Grant, Key, Membership


class MembershipInline(admin.TabularInline):
    """The parties that an account acts for."""

    model = Membership
    extra = 0


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin):
    """Accounts; passwords are set by their owners, never here."""

    list_display = ("email", "is_active", "is_staff", "last_login")
    search_fields = ("email",)
    fields = ("email", "is_active", "is_staff", "is_superuser")
    inlines = (MembershipInline,)


@admin.register(Grant)
class GrantAdmin(admin.ModelAdmin):
    """Grants."""

    list_display = ("site", "audience", "party", "finest", "totals_only", "valid_until")
    list_filter = ("audience", "totals_only", "finest")
    list_select_related = ("site", "party")


@admin.register(Key)
class KeyAdmin(admin.ModelAdmin):
    """Keys; they are made by `kevre key`, which shows the secret once."""

    list_display = ("origin", "name", "created_at", "last_used_at", "valid_until", "revoked_at")
    readonly_fields = ("origin", "name", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: a key made here would have no secret."""
        del request
        return False


@admin.register(AccessRecord)
class AccessRecordAdmin(admin.ModelAdmin):
    """The access log, to look at only."""

    list_display = ("at", "account", "series_id", "start", "end", "resolution", "purpose")
    list_select_related = ("account",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: the gate writes the log."""
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: a log that can be changed is none."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse, as for changing."""
        del request, obj
        return False

"""The registry in the operators' administration."""

from __future__ import annotations

from django.contrib import admin

from kevre.places.models import (
    Attachment,
    Device,
    MeteringPoint,
    Party,
    Series,
    Site,
    Source,
    Territory,
)


class AttachmentInline(admin.TabularInline):
    """The devices that were at a metering point."""

    model = Attachment
    extra = 0


class PointInline(admin.TabularInline):
    """The metering points of a site."""

    model = MeteringPoint
    extra = 0
    show_change_link = True


@admin.register(Territory)
class TerritoryAdmin(admin.ModelAdmin):
    """Territories, as a list in the order of the tree."""

    list_display = ("name", "level", "code", "parent", "population")
    list_filter = ("level",)
    search_fields = ("name", "code")
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Party)
class PartyAdmin(admin.ModelAdmin):
    """Persons and organisations."""

    list_display = ("name", "kind")
    list_filter = ("kind",)
    search_fields = ("name",)


@admin.register(Site)
class SiteAdmin(admin.ModelAdmin):
    """Sites with their metering points."""

    list_display = ("name", "kind", "territory", "floor_area_m2", "is_demo")
    list_filter = ("kind", "is_demo", "territory")
    search_fields = ("name", "slug")
    list_select_related = ("territory",)
    prepopulated_fields = {"slug": ("name",)}
    inlines = (PointInline,)


@admin.register(MeteringPoint)
class MeteringPointAdmin(admin.ModelAdmin):
    """Metering points with the history of their devices."""

    list_display = ("urn", "label", "fluid", "site")
    list_filter = ("fluid",)
    search_fields = ("urn", "label")
    list_select_related = ("site",)
    inlines = (AttachmentInline,)


@admin.register(Device)
class DeviceAdmin(admin.ModelAdmin):
    """Physical meters and sensors."""

    list_display = ("serial", "maker", "model_name", "is_simulated")
    list_filter = ("is_simulated",)
    search_fields = ("serial",)


@admin.register(Series)
class SeriesAdmin(admin.ModelAdmin):
    """Series; what they measure follows from their identifier and is not edited here."""

    list_display = ("urn", "label", "unit", "statistic", "step_s", "source")
    list_filter = ("fluid", "direction", "statistic", "source")
    search_fields = ("urn", "label")
    list_select_related = ("source",)
    readonly_fields = ("urn", "fluid", "quantity", "direction", "statistic", "unit")


@admin.register(Source)
class SourceAdmin(admin.ModelAdmin):
    """Where readings come from, and under which licence."""

    list_display = ("name", "nature", "licence")

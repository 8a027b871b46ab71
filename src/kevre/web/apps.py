"""The Django app of this room: templates, static files, catalogues."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebConfig(AppConfig):
    """Registers the pages; there are no models here."""

    name = "kevre.web"
    label = "web"
    verbose_name = _("Pages")

"""The Django app of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FlowConfig(AppConfig):
    """Registers the nouns of `flow`."""

    name = "kevre.flow"
    label = "flow"
    verbose_name = _("Flow")
    default_auto_field = "django.db.models.BigAutoField"
